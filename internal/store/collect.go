package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"time"

	"github.com/mootspace/moot"
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
	Blobs, Bytes     int64
	Parts, PartBytes int64 // downloads that were given up
	Needed           int64 // bytes that stay because they are needed
	Leased           int64 // bytes that stay because they came lately
}

// Collect frees blobs that nothing needs: they are marked, doomed – from then on they are
// not held –, and unlinked if a second mark does not need them either. A crash in between
// leaves them held. What was downloaded in part, and not added to during a lease, goes too.
func (s *Store) Collect(ctx context.Context, o CollectOptions) (c Collected, err error) {
	if err := s.writable(ctx); err != nil {
		return c, moot.Wrap("collect", err)
	}
	if o.Lease == 0 {
		o.Lease = Lease
	}
	s.collecting.Lock()
	defer s.collecting.Unlock()
	limit := s.now().Add(-o.Lease)
	if !o.DryRun { // what an earlier collection has failed to revive
		err = cmpErr(s.small.reviveAll(), s.blobs.reviveAll())
	}
	var chosen []doomed
	if err == nil {
		chosen, err = s.choose(ctx, o, limit, &c)
	}
	if err == nil && !o.DryRun {
		err = s.collect(ctx, o, chosen, limit, &c)
	}
	if err == nil {
		err = s.sweepParts(limit, o.DryRun, &c)
	}
	if err == nil && !o.DryRun {
		err = s.sweepTrees(ctx, o, limit)
	}
	return c, sqlite.Error("collect", err)
}

// collect dooms what was chosen, marks again, and frees what is still not needed.
func (s *Store) collect(ctx context.Context, o CollectOptions, chosen []doomed, limit time.Time, c *Collected) error {
	c.Blobs, c.Bytes = 0, 0
	if len(chosen) == 0 {
		return nil
	}
	list, err := s.doom(chosen, limit)
	if err != nil {
		return errors.Join(err, s.revive(chosen))
	}
	needed, err := s.needed(ctx, o)
	if err != nil {
		return errors.Join(err, s.revive(list))
	}
	var back, gone []doomed
	for _, d := range list {
		if needed[d.ID] {
			back = append(back, d)
			c.Needed += d.Size
		} else {
			gone = append(gone, d)
			c.Blobs, c.Bytes = c.Blobs+1, c.Bytes+d.Size
		}
	}
	if err := s.revive(back); err != nil {
		return err
	}
	return s.erase(ctx, o, gone, limit)
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

// choose returns what nothing needs, and whose lease has ended.
func (s *Store) choose(ctx context.Context, o CollectOptions, limit time.Time, c *Collected) (chosen []doomed, err error) {
	needed, err := s.needed(ctx, o)
	if err != nil {
		return nil, err
	}
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

// doom has blobs not held any more, and returns them: those whose lease was renewed since
// they were chosen stay.
func (s *Store) doom(list []doomed, limit time.Time) ([]doomed, error) {
	hit, err := s.rows(list, `UPDATE small SET doomed = 1 WHERE id = ? AND used <= ?`, limit.Unix())
	for _, d := range list {
		if d.row || err != nil {
			continue
		}
		var done bool
		if done, err = s.blobs.doom(d.ID, limit); done {
			hit = append(hit, d)
		}
	}
	return hit, err
}

// revive has doomed blobs held again, unless they were put anew.
func (s *Store) revive(list []doomed) error {
	_, err := s.rows(list, `UPDATE small SET doomed = 0 WHERE id = ?`)
	for _, d := range list {
		if !d.row {
			err = errors.Join(err, s.blobs.revive(d.ID.String()))
		}
	}
	return err
}

// erase unlinks doomed blobs.
func (s *Store) erase(ctx context.Context, o CollectOptions, list []doomed, limit time.Time) error {
	if _, err := s.rows(list, `DELETE FROM small WHERE id = ? AND doomed = 1`); err != nil {
		return err
	}
	for _, d := range list {
		if d.row {
			continue
		}
		if err := s.blobs.erase(d.ID); err != nil {
			return err
		}
		if err := s.sweepTree(o, d.ID, limit); err != nil {
			return err
		}
	}
	return s.small.vacuum(ctx)
}

// rowsAtOnce bounds a transaction of the collector, so that others need not wait long.
const rowsAtOnce = 1000

// rows executes a statement for each blob that is a row, and returns those it changed.
func (s *Store) rows(list []doomed, text string, more ...any) (hit []doomed, err error) {
	list = slices.DeleteFunc(slices.Clone(list), func(d doomed) bool { return !d.row })
	for part := range slices.Chunk(list, rowsAtOnce) {
		var changed []doomed
		err := s.small.submit(func(tx *sql.Tx) error {
			changed = nil
			stmt, err := tx.Prepare(text)
			if err != nil {
				return err
			}
			defer stmt.Close()
			for _, d := range part {
				res, err := stmt.Exec(append([]any{d.ID[:]}, more...)...)
				if err != nil {
					return err
				}
				if n, err := res.RowsAffected(); err != nil {
					return err
				} else if n > 0 {
					changed = append(changed, d)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		hit = append(hit, changed...)
	}
	return hit, nil
}

func doomedName(hex string) string { return "doomed/" + hex }

// doom takes a blob's name away if its lease has ended; its tree stays until it is erased.
func (b *blobs) doom(id moot.BlobID, limit time.Time) (done bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	used, err := b.disk.used(b.name(id))
	if err == nil && !used.After(limit) {
		err, done = b.disk.rename(b.name(id), doomedName(id.String())), true
	}
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // dropped meanwhile
	}
	return done && err == nil, err
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

// erase removes a doomed blob.
func (b *blobs) erase(id moot.BlobID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.disk.remove(doomedName(id.String()))
}
