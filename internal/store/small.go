package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/sqlite"
)

// smallBlobs holds blobs of at most moot.MaxSmall bytes as rows of a database of their
// own: many are made durable by one commit, where each file would cost two flushes.
type smallBlobs struct {
	write, read *sql.DB
	reads       *statementCache
	now         func() time.Time

	requests chan *smallRequest
	done     chan struct{} // closed when the writer has ended
}

// smallRequest is something that the writer does in its next transaction.
type smallRequest struct {
	do   func(*sql.Tx) error
	done chan error // buffered
}

const smallSchema = `CREATE TABLE IF NOT EXISTS small (
	n      INTEGER PRIMARY KEY,
	id     BLOB    NOT NULL UNIQUE,
	used   INTEGER NOT NULL,           -- seconds since 1970: when it was last put or asked for
	doomed INTEGER NOT NULL DEFAULT 0, -- 1: about to be collected, and not held
	data   BLOB    NOT NULL
)`

func openSmall(path string, now func() time.Time) (s *smallBlobs, err error) {
	s = &smallBlobs{requests: make(chan *smallRequest), done: make(chan struct{}), now: now}
	if path == "" {
		s.write, err = sqlite.OpenMemory()
		s.read = s.write
	} else {
		s.write, s.read, err = sqlite.Open(path)
	}
	if err != nil {
		return nil, err
	}
	for _, text := range []string{`PRAGMA auto_vacuum = INCREMENTAL`, smallSchema, `UPDATE small SET doomed = 0 WHERE doomed = 1`} {
		if _, err := s.write.Exec(text); err != nil {
			return nil, errors.Join(err, s.closeDatabases())
		}
	}
	s.reads = newStatementCache(s.read)
	go s.writeLoop()
	return s, nil
}

func (s *smallBlobs) close() error {
	close(s.requests)
	<-s.done
	return s.closeDatabases()
}

func (s *smallBlobs) closeDatabases() error {
	err := s.write.Close()
	if s.read != s.write {
		err = errors.Join(err, s.read.Close())
	}
	return err
}

// writeLoop commits in one transaction all that arrived while the one before was being
// made durable.
func (s *smallBlobs) writeLoop() {
	defer close(s.done)
	for r := range s.requests {
		batch := []*smallRequest{r}
	gather:
		for len(batch) < maxWaiting {
			select {
			case r, open := <-s.requests:
				if !open {
					break gather
				}
				batch = append(batch, r)
			default:
				break gather
			}
		}
		err := s.commit(batch)
		for _, r := range batch {
			r.done <- err
		}
	}
}

func (s *smallBlobs) commit(batch []*smallRequest) error {
	tx, err := s.write.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, r := range batch {
		if err := r.do(tx); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// submit has something done in the next transaction, and waits until it is durable.
func (s *smallBlobs) submit(do func(*sql.Tx) error) error {
	r := &smallRequest{do, make(chan error, 1)}
	s.requests <- r
	return <-r.done
}

// put stores blobs whose names are known.
func (s *smallBlobs) put(list []moot.Small) error {
	used := s.now().Unix()
	return s.submit(func(tx *sql.Tx) error {
		stmt, err := tx.Prepare(`INSERT INTO small (id, used, data) VALUES (?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET used = excluded.used, doomed = 0`)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for _, b := range list {
			if b.Data == nil {
				b.Data = []byte{}
			}
			if _, err := stmt.Exec(b.ID[:], used, b.Data); err != nil {
				return err
			}
		}
		return nil
	})
}

// get returns a blob's bytes, which are not verified; nil if it is not held.
func (s *smallBlobs) get(id moot.BlobID) (data []byte, err error) {
	err = s.reads.QueryRow(`SELECT data FROM small WHERE id = ? AND doomed = 0`, id[:]).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if data == nil && err == nil {
		data = []byte{}
	}
	return data, err
}

// has reports which blobs are held, and that they were asked for.
func (s *smallBlobs) has(ids []moot.BlobID) (held map[moot.BlobID]bool, err error) {
	held = map[moot.BlobID]bool{}
	old := s.now().Add(-usedEvery).Unix()
	var stale []moot.BlobID
	for part := range slices.Chunk(ids, 500) {
		args := make([]any, len(part))
		for i, id := range part {
			args[i] = id[:]
		}
		rows, err := s.read.Query(`SELECT id, used FROM small WHERE doomed = 0 AND id IN (?`+strings.Repeat(",?", len(part)-1)+`)`, args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var id []byte
			var used int64
			if err := rows.Scan(&id, &used); err != nil {
				rows.Close()
				return nil, err
			}
			held[moot.BlobID(id)] = true
			if used < old {
				stale = append(stale, moot.BlobID(id))
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	if len(stale) == 0 {
		return held, nil
	}
	return held, s.touch(stale, held)
}

// usedEvery bounds how often it is written down that a blob was asked for.
const usedEvery = time.Hour

// touch renews the lease of blobs; one that was doomed meanwhile is not held.
func (s *smallBlobs) touch(ids []moot.BlobID, held map[moot.BlobID]bool) error {
	used := s.now().Unix()
	return s.submit(func(tx *sql.Tx) error {
		for _, id := range ids {
			res, err := tx.Exec(`UPDATE small SET used = ? WHERE id = ? AND doomed = 0`, used, id[:])
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil || n == 0 {
				delete(held, id)
			}
		}
		return nil
	})
}

func (s *smallBlobs) drop(ids ...moot.BlobID) error {
	return s.submit(func(tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.Exec(`DELETE FROM small WHERE id = ?`, id[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// each yields the blobs that are held, with when they were last used.
func (s *smallBlobs) each() iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		last := int64(0)
		for {
			rows, err := s.reads.Query(`SELECT n, id, used, length(data) FROM small WHERE doomed = 0 AND n > ? ORDER BY n LIMIT 1000`, last)
			if err != nil {
				yield(found{}, err)
				return
			}
			var page []found
			for rows.Next() {
				var id []byte
				var f found
				var used int64
				if err = rows.Scan(&last, &id, &used, &f.Size); err != nil {
					break
				}
				f.ID, f.used = moot.BlobID(id), time.Unix(used, 0)
				page = append(page, f)
			}
			if err = errors.Join(err, rows.Err(), rows.Close()); err != nil {
				yield(found{}, err)
				return
			}
			for _, f := range page {
				if !yield(f, nil) {
					return
				}
			}
			if len(page) == 0 {
				return
			}
		}
	}
}

// found is a blob that is held, and when it was last put or asked for.
type found struct {
	moot.Blob
	used time.Time
}

// openSmall opens a small blob.
func (s *Store) openSmall(id moot.BlobID) (*held, error) {
	data, err := s.small.get(id)
	if err != nil {
		return nil, sqlite.Error("blob "+id.String(), err)
	}
	if data == nil {
		return nil, moot.NotFound
	}
	return &held{
		Blob: moot.Blob{ID: id, Size: int64(len(data))}, data: bytes.NewReader(data), tree: treeIn(data), close: func() {},
		broken: func() { s.dropBroken(id) },
	}, nil
}

// treeIn returns the tree of a blob that is in memory.
func treeIn(data []byte) *bytes.Reader {
	var tree bytes.Buffer
	if len(data) > blob.GroupSize {
		h := blob.NewHasher(&tree)
		_, _ = h.Write(data) // neither fails in memory
		_, _ = h.Sum()
	}
	return bytes.NewReader(tree.Bytes())
}

// dropBroken lets go of a row that no longer matches its name.
func (s *Store) dropBroken(id moot.BlobID) {
	s.log.Warn("a damaged blob was dropped: it is fetched again when it is needed", "blob", id)
	if err := s.small.drop(id); err != nil {
		s.log.Error("a damaged blob could not be dropped", "blob", id, "error", err)
	}
}

// PutMany implements moot.Blobs.
func (s *Store) PutMany(ctx context.Context, contents [][]byte) ([]moot.Blob, error) {
	if err := s.writable(ctx); err != nil {
		return nil, moot.Wrap("put", err)
	}
	if len(contents) > moot.MaxMany {
		return nil, moot.Errorf(moot.TooLarge, "put: %d blobs are more than the %d of one call", len(contents), moot.MaxMany)
	}
	names, list := make([]moot.Blob, len(contents)), make([]moot.Small, len(contents))
	for i, data := range contents {
		if len(data) > moot.MaxSmall {
			return nil, moot.Errorf(moot.TooLarge, "put: a blob of %d bytes is too large to be stored with others", len(data))
		}
		list[i] = moot.Small{ID: blob.IDOf(data), Data: data}
		names[i] = moot.Blob{ID: list[i].ID, Size: int64(len(data))}
	}
	if err := s.small.put(list); err != nil {
		if sqlite.IsFault(err) {
			err = s.stop(err)
		}
		return nil, sqlite.Error("put", err)
	}
	return names, nil
}

// GetMany implements moot.Blobs.
func (s *Store) GetMany(ctx context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	return func(yield func(moot.Small, error) bool) {
		for _, id := range ids {
			if err := s.usable(ctx); err != nil {
				yield(moot.Small{}, err)
				return
			}
			if data := s.getOne(ctx, id); data != nil && !yield(moot.Small{ID: id, Data: data}, nil) {
				return
			}
		}
	}
}

// getOne returns a small blob, verified; nil if it is not held.
func (s *Store) getOne(ctx context.Context, id moot.BlobID) []byte {
	data, err := s.small.get(id)
	switch {
	case err != nil:
		s.log.Error("a small blob could not be read", "blob", id, "error", err)
	case data != nil && blob.IDOf(data) == id:
		return data
	case data != nil:
		s.dropBroken(id)
	}
	if data := s.getPlaced(id); data != nil {
		return data
	}
	for one, err := range blob.GetEach(ctx, s, []moot.BlobID{id}) {
		if err == nil {
			return one.Data
		}
	}
	return nil
}

// HaveMany implements moot.Blobs.
func (s *Store) HaveMany(ctx context.Context, ids []moot.BlobID) ([]bool, error) {
	if err := s.usable(ctx); err != nil {
		return nil, moot.Wrap("have", err)
	}
	if len(ids) > moot.MaxMany {
		return nil, moot.Errorf(moot.TooLarge, "have: %d blobs are more than the %d of one call", len(ids), moot.MaxMany)
	}
	small, err := s.small.has(ids)
	if err != nil {
		return nil, sqlite.Error("have", err)
	}
	list := make([]bool, len(ids))
	for i, id := range ids {
		if list[i] = small[id]; list[i] {
			continue
		}
		h, err := s.Have(ctx, id)
		if list[i] = err == nil && h.Complete(); list[i] {
			s.blobs.touch(id, s.now())
		}
	}
	return list, nil
}
