package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// smallBlobs holds blobs of at most moot.MaxSmall bytes as rows of a database of their
// own: many are made durable by one commit, where each file would cost two flushes.
type smallBlobs struct {
	write, read *sql.DB
	reads       *sqlite.Statements
	now         func() time.Time
	fail        func(error) error // called after a failed write; see Store.stop

	requests chan *smallRequest
	closing  chan struct{} // closed by close
	done     chan struct{} // closed when the writer has ended
}

// smallRequest is something that the writer does in its next transaction.
type smallRequest struct {
	do   func(*sql.Tx) error // may be called again, if it was undone
	done chan error          // buffered
}

// smallSchema has what is known of the blobs apart from their bytes, so that leases, doom
// and sums cost the same for large ones and small ones.
const smallSchema = `CREATE TABLE IF NOT EXISTS small (
	n      INTEGER PRIMARY KEY,
	id     BLOB    NOT NULL UNIQUE,
	size   INTEGER NOT NULL,
	used   INTEGER NOT NULL,          -- seconds since 1970: when it was last put or asked for
	doomed INTEGER NOT NULL DEFAULT 0 -- 1: about to be collected, and not held
);
CREATE TABLE IF NOT EXISTS content (
	n    INTEGER PRIMARY KEY REFERENCES small (n) ON DELETE CASCADE,
	data BLOB    NOT NULL
);
CREATE INDEX IF NOT EXISTS doomed ON small (n) WHERE doomed = 1;` + reviveSmall

const reviveSmall = `UPDATE small SET doomed = 0 WHERE doomed = 1`

// maxLog bounds in bytes what the file of the WAL takes once it is in the database.
const maxLog = 4 << 20

func openSmall(path string, now func() time.Time, fail func(error) error) (s *smallBlobs, err error) {
	s = &smallBlobs{
		now: now, fail: fail,
		requests: make(chan *smallRequest), closing: make(chan struct{}), done: make(chan struct{}),
	}
	if path == "" {
		s.write, err = sqlite.OpenMemory()
		s.read = s.write
	} else {
		s.write, s.read, err = sqlite.Open(path)
	}
	if err != nil {
		return nil, err
	}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, s.closeDatabases())
	}
	s.reads = sqlite.NewStatements(s.read)
	go s.writeLoop()
	return s, nil
}

// prepare makes the schema. A database that has a WAL already gives space back only after
// it was vacuumed (sqlite.org/pragma.html#pragma_auto_vacuum).
func (s *smallBlobs) prepare() error {
	const incremental = 2
	var mode int
	if err := s.write.QueryRow(`PRAGMA auto_vacuum`).Scan(&mode); err != nil {
		return err
	}
	texts := []string{fmt.Sprintf(`PRAGMA journal_size_limit = %d`, maxLog), smallSchema}
	if mode != incremental {
		texts = append([]string{fmt.Sprintf(`PRAGMA auto_vacuum = %d`, incremental), `VACUUM`}, texts...)
	}
	for _, text := range texts {
		if _, err := s.write.Exec(text); err != nil {
			return err
		}
	}
	return nil
}

func (s *smallBlobs) close() error {
	close(s.closing)
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
	for {
		select {
		case r := <-s.requests:
			s.answer(s.gather(r))
		case <-s.closing:
			return
		}
	}
}

// answer does what is asked for; what cannot be done fails nothing else.
func (s *smallBlobs) answer(batch []*smallRequest) {
	err := s.commit(batch)
	if err != nil && len(batch) > 1 && !sqlite.IsFault(err) {
		for _, r := range batch {
			s.answer([]*smallRequest{r})
		}
		return
	}
	if sqlite.IsFault(err) {
		err = s.fail(err)
	}
	for _, r := range batch {
		r.done <- err
	}
}

// gather returns r and the requests that wait behind it.
func (s *smallBlobs) gather(r *smallRequest) []*smallRequest {
	batch := []*smallRequest{r}
	for len(batch) < maxWaiting {
		select {
		case r := <-s.requests:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
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
	select {
	case s.requests <- r:
		return <-r.done
	case <-s.closing:
		return errClosed()
	}
}

// put stores blobs whose names are known. Bytes that are there are replaced: they may be
// damaged.
func (s *smallBlobs) put(list []moot.Small) error {
	used := s.now().Unix()
	return s.submit(func(tx *sql.Tx) error {
		row, err := tx.Prepare(`INSERT INTO small (id, size, used) VALUES (?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET size = excluded.size, used = excluded.used, doomed = 0`)
		if err != nil {
			return err
		}
		defer row.Close()
		content, err := tx.Prepare(`INSERT OR REPLACE INTO content (n, data) SELECT n, ? FROM small WHERE id = ?`)
		if err != nil {
			return err
		}
		defer content.Close()
		for _, b := range list {
			if b.Data == nil {
				b.Data = []byte{}
			}
			if _, err := row.Exec(b.ID[:], len(b.Data), used); err != nil {
				return err
			}
			if _, err := content.Exec(b.Data, b.ID[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// get returns a blob's bytes, which are not verified; nil if it is not held.
func (s *smallBlobs) get(id moot.BlobID) (data []byte, err error) {
	err = s.reads.QueryRow(`SELECT data FROM small JOIN content USING (n) WHERE id = ? AND doomed = 0`, id[:]).Scan(&data)
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
			rows, err := s.reads.Query(`SELECT n, id, used, size FROM small WHERE doomed = 0 AND n > ? ORDER BY n LIMIT 1000`, last)
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

// reviveAll gives back what is doomed.
func (s *smallBlobs) reviveAll() error {
	return s.submit(func(tx *sql.Tx) error {
		_, err := tx.Exec(reviveSmall)
		return err
	})
}

// vacuumAtOnce bounds, in pages, for how long giving space back has others wait.
const vacuumAtOnce = 1000

// vacuum gives the space of rows that are gone back to the file system.
func (s *smallBlobs) vacuum(ctx context.Context) error {
	for {
		var free int
		err := s.write.QueryRowContext(ctx, `PRAGMA freelist_count`).Scan(&free)
		if err != nil || free == 0 {
			break
		}
		if _, err := s.write.ExecContext(ctx, fmt.Sprintf(`PRAGMA incremental_vacuum(%d)`, vacuumAtOnce)); err != nil {
			return err
		}
	}
	_, err := s.write.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return err
}
