package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"iter"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/sqlite"
)

// Lease is how long a blob stays after it was put, or after somebody who was about to
// upload it was told that it is held.
const Lease = 24 * time.Hour

// CollectOptions shape a collection.
type CollectOptions struct {
	// Needed yields the blobs that must stay. It is called before blobs are chosen, and
	// again once these are no longer held: what is named in between is found then, and
	// what is named later is missing, and fetched like anything that is.
	Needed func(ctx context.Context) iter.Seq2[moot.BlobID, error]
	// Elsewhere reports that a blob need not be held twice; may be nil.
	Elsewhere func(moot.BlobID) bool
	Lease     time.Duration // 0: Lease
	DryRun    bool          // nothing is freed
}

// Collected is what a collection has freed, or would.
type Collected struct {
	Blobs, Bytes int64
	Needed       int64 // bytes that stay because they are needed
	Leased       int64 // bytes that stay because they came lately
}

// Collect frees blobs that nothing needs: they are marked, doomed – from then on they are
// not held –, and unlinked if a second mark does not need them either. A crash in between
// leaves them held.
func (s *Store) Collect(ctx context.Context, o CollectOptions) (c Collected, err error) {
	if o.Lease == 0 {
		o.Lease = Lease
	}
	s.collecting.Lock()
	defer s.collecting.Unlock()
	chosen, err := s.choose(ctx, o, &c)
	if err != nil || o.DryRun || len(chosen) == 0 {
		return c, durable.Error("collect", err)
	}
	if err := s.doom(chosen); err != nil {
		return c, errors.Join(durable.Error("collect", err), s.revive(chosen))
	}
	needed, err := s.needed(ctx, o)
	if err != nil {
		return Collected{}, errors.Join(durable.Error("collect", err), s.revive(chosen))
	}
	var back, gone []doomed
	for _, d := range chosen {
		if needed[d.ID] {
			back = append(back, d)
			c.Blobs, c.Bytes, c.Needed = c.Blobs-1, c.Bytes-d.Size, c.Needed+d.Size
		} else {
			gone = append(gone, d)
		}
	}
	if err := s.revive(back); err != nil {
		return c, durable.Error("collect", err)
	}
	return c, durable.Error("collect", s.erase(gone))
}

// doomed is a blob that is about to be collected.
type doomed struct {
	moot.Blob
	row bool // else a file
}

func (s *Store) needed(ctx context.Context, o CollectOptions) (map[moot.BlobID]bool, error) {
	needed := map[moot.BlobID]bool{}
	for id, err := range o.Needed(ctx) {
		if err != nil {
			return nil, err
		}
		if o.Elsewhere == nil || !o.Elsewhere(id) {
			needed[id] = true
		}
	}
	return needed, nil
}

// choose returns what nothing needs, and whose lease has ended. A lease is believed only
// if it does not lie in the future.
func (s *Store) choose(ctx context.Context, o CollectOptions, c *Collected) (chosen []doomed, err error) {
	needed, err := s.needed(ctx, o)
	if err != nil {
		return nil, err
	}
	limit := s.now().Add(-o.Lease)
	consider := func(f found, row bool) {
		switch {
		case needed[f.ID]:
			c.Needed += f.Size
		case f.used.After(limit):
			c.Leased += f.Size
		default:
			chosen = append(chosen, doomed{f.Blob, row})
			c.Blobs, c.Bytes = c.Blobs+1, c.Bytes+f.Size
		}
	}
	for f, err := range s.small.each() {
		if err != nil {
			return nil, err
		}
		consider(f, true)
	}
	err = s.blobs.each(func(id moot.BlobID) bool {
		if f, ok := s.blobs.found(id); ok {
			consider(f, false)
		}
		return ctx.Err() == nil
	})
	return chosen, errors.Join(err, ctx.Err())
}

// doom has blobs not held any more.
func (s *Store) doom(list []doomed) error {
	err := s.rows(list, `UPDATE small SET doomed = 1 WHERE id = ?`)
	for _, d := range list {
		if !d.row && err == nil {
			err = s.blobs.doom(d.ID)
		}
	}
	return err
}

// revive has doomed blobs held again, unless they were put anew.
func (s *Store) revive(list []doomed) error {
	err := s.rows(list, `UPDATE small SET doomed = 0 WHERE id = ?`)
	for _, d := range list {
		if !d.row {
			err = errors.Join(err, s.blobs.revive(d.ID.String()))
		}
	}
	return err
}

// erase unlinks doomed blobs.
func (s *Store) erase(list []doomed) error {
	err := s.rows(list, `DELETE FROM small WHERE id = ? AND doomed = 1`)
	for _, d := range list {
		if !d.row && err == nil {
			err = s.blobs.erase(d.ID)
		}
	}
	if err == nil {
		_, err = s.small.write.Exec(`PRAGMA incremental_vacuum`)
	}
	return err
}

// rowsAtOnce bounds a transaction of the collector, so that others need not wait long.
const rowsAtOnce = 1000

func (s *Store) rows(list []doomed, text string) error {
	for len(list) > 0 {
		part := list[:min(len(list), rowsAtOnce)]
		list = list[len(part):]
		err := s.small.submit(func(tx *sql.Tx) error {
			stmt, err := tx.Prepare(text)
			if err != nil {
				return err
			}
			defer stmt.Close()
			for _, d := range part {
				if d.row {
					if _, err := stmt.Exec(d.ID[:]); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return sqlite.Error("", err)
		}
	}
	return nil
}

func doomedName(hex string) string { return "doomed/" + hex }

// doom takes a blob's name away; its tree stays until it is erased.
func (b *blobs) doom(id moot.BlobID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.disk.rename(b.name(id), doomedName(id.String()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // dropped meanwhile
	}
	return err
}

// revive gives a doomed blob its name again, unless another has it.
func (b *blobs) revive(hex string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	id, err := moot.ParseBlobID(hex)
	if err != nil {
		return b.disk.remove(doomedName(hex))
	}
	if h, err := b.open(id); err == nil { // put anew
		h.close()
		return b.disk.remove(doomedName(hex))
	}
	err = b.disk.rename(doomedName(hex), b.name(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// reviveAll gives back what a crash has left doomed.
func (b *blobs) reviveAll() error {
	names, err := b.disk.list("doomed")
	for _, name := range names {
		if err := b.revive(name); err != nil {
			return err
		}
	}
	return err
}

// erase removes a doomed blob, and its tree unless it was put anew.
func (b *blobs) erase(id moot.BlobID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.disk.remove(doomedName(id.String())); err != nil {
		return err
	}
	if h, err := b.open(id); err == nil {
		h.close()
		return nil
	}
	return b.disk.remove(treeOf(b.name(id)))
}
