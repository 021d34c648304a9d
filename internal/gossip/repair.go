package gossip

import (
	"context"

	"github.com/mootspace/moot"
)

// batch is how many entries are appended at once: enough for one disk write.
const batch = 256

// Reconcile brings two nodes in step, both ways, and returns how many entries each
// got. Entries that one of them refuses are left out, and so are the later ones of
// the same author; the error is of the link or of the store.
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

// transfer carries entries from one node to another.
type transfer struct {
	to      moot.Feeds
	refused map[moot.Key]bool // authors of whom an entry was refused
	waiting []moot.Entry
	known   *seen // of entries that come in; nil for those that go out
	moved   int
}

// copyTo appends to one node what another holds beyond since.
func copyTo(ctx context.Context, from, to moot.Feeds, since moot.Vector, known *seen) (int, error) {
	t := &transfer{to: to, refused: map[moot.Key]bool{}, known: known}
	for e, err := range from.Query(ctx, moot.Query{History: true, Since: since}) {
		if err != nil {
			return t.moved, err
		}
		if known != nil {
			known.add(e.ID)
		}
		t.waiting = append(t.waiting, e)
		if len(t.waiting) == batch {
			if err := t.flush(ctx); err != nil {
				return t.moved, err
			}
		}
	}
	err := t.flush(ctx)
	return t.moved, err
}

// flush appends what waits: at once, and if that is refused one by one.
func (t *transfer) flush(ctx context.Context) error {
	entries := t.waiting[:0:len(t.waiting)]
	for _, e := range t.waiting {
		if !t.refused[e.Author] {
			entries = append(entries, e)
		}
	}
	t.waiting = nil
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

// refusal reports whether an entry was judged, rather than a node or a disk failing.
func refusal(err error) bool {
	switch moot.KindOf(err) {
	case moot.Unavailable, moot.Internal, moot.Full:
		return false
	}
	return true
}
