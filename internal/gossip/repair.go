package gossip

import (
	"context"

	"github.com/mootspace/moot"
)

// batchSize is the number of entries appended at once: enough for one disk write.
const batchSize = 256

// Reconcile synchronises two nodes, both ways, and returns how many entries each got.
// Entries that one of them rejects are left out, and so are the later ones of the same
// author; the error is of the link or of the store.
func Reconcile(ctx context.Context, local, remote moot.Feeds) (pulled, pushed int, err error) {
	return reconcile(ctx, local, remote, &seen{})
}

func reconcile(ctx context.Context, local, remote moot.Feeds, known *seen) (pulled, pushed int, err error) {
	theirs, err := remote.Vector(ctx)
	if err != nil {
		return 0, 0, err
	}
	ours, err := local.Vector(ctx)
	if err != nil {
		return 0, 0, err
	}
	if !ours.Includes(theirs) {
		if pulled, err = copyTo(ctx, remote, local, ours, known); err != nil {
			return pulled, 0, err
		}
	}
	if !theirs.Includes(ours) {
		pushed, err = copyTo(ctx, local, remote, theirs, nil)
	}
	return pulled, pushed, err
}

// transfer copies entries from one node to another.
type transfer struct {
	to      moot.Feeds
	refused map[moot.Key]bool // authors with a rejected entry
	batch   []moot.Entry
	known   *seen // for entries that are pulled; nil for those pushed
	moved   int
}

// copyTo appends to one node the entries of another beyond since.
func copyTo(ctx context.Context, from, to moot.Feeds, since moot.Vector, known *seen) (int, error) {
	t := &transfer{to: to, refused: map[moot.Key]bool{}, known: known}
	for e, err := range from.Query(ctx, moot.Query{History: true, Since: since}) {
		if err != nil {
			return t.moved, err
		}
		if known != nil {
			known.add(e.ID)
		}
		t.batch = append(t.batch, e)
		if len(t.batch) == batchSize {
			if err := t.flush(ctx); err != nil {
				return t.moved, err
			}
		}
	}
	err := t.flush(ctx)
	return t.moved, err
}

// flush appends the batch at once, and if it is rejected one by one.
func (t *transfer) flush(ctx context.Context) error {
	entries := t.batch[:0:len(t.batch)]
	for _, e := range t.batch {
		if !t.refused[e.Author] {
			entries = append(entries, e)
		}
	}
	t.batch = nil
	if len(entries) == 0 {
		return nil
	}
	err := t.to.Append(ctx, moot.Merge, entries...)
	if err == nil {
		t.moved += len(entries)
		return nil
	}
	if !refusal(err) {
		return err
	}
	for _, e := range entries {
		if t.refused[e.Author] {
			continue
		}
		switch err := t.to.Append(ctx, moot.Merge, e); {
		case err == nil:
			t.moved++
		case refusal(err):
			t.refused[e.Author] = true
		default:
			return err
		}
	}
	return nil
}

// refusal reports whether an entry was rejected; other errors are of a node or a disk.
func refusal(err error) bool {
	switch moot.KindOf(err) {
	case moot.Unavailable, moot.Internal, moot.Full:
		return false
	}
	return true
}
