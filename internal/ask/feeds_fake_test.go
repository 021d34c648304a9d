package ask

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/mootspace/moot"
)

// feeds keeps entries in memory: chains must have no gaps, what is cited must be there, and Swap refuses a
// version of a key that the new entry does not replace.
type feeds struct {
	lock    sync.Mutex
	entries []moot.Entry
}

func (f *feeds) Append(_ context.Context, mode moot.Mode, entries ...moot.Entry) error {
	f.lock.Lock()
	defer f.lock.Unlock()
	for _, e := range entries {
		switch last := f.vector().Seq(e.Author); {
		case e.Seq <= last:
			continue
		case e.Seq > last+1:
			return moot.Errorf(moot.Gap, "have %d, got %d", last, e.Seq)
		}
		for _, id := range e.Cites {
			if !slices.ContainsFunc(f.entries, func(o moot.Entry) bool { return o.ID == id }) {
				return moot.Errorf(moot.Gap, "have not %s", id)
			}
		}
		for _, o := range f.entries {
			if mode == moot.Swap && o.Key == e.Key && !slices.Contains(e.Replaces, o.ID) {
				return moot.Errorf(moot.Conflict, "%s was changed", e.Key)
			}
		}
		f.entries = append(f.entries, e)
	}
	return nil
}

func (f *feeds) Query(_ context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	f.lock.Lock()
	all := slices.Clone(f.entries)
	f.lock.Unlock()
	slices.SortStableFunc(all, func(a, b moot.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	return func(yield func(moot.Entry, error) bool) {
		for _, e := range all {
			if e.Seq <= q.Since.Seq(e.Author) || !q.Author.IsZero() && q.Author != e.Author {
				continue
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (f *feeds) Watch(ctx context.Context, since moot.Vector) iter.Seq2[moot.Entry, error] {
	return f.Query(ctx, moot.Query{History: true, Since: since})
}

func (f *feeds) Vector(context.Context) (moot.Vector, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	return f.vector(), nil
}

func (f *feeds) vector() moot.Vector {
	var v moot.Vector
	for _, e := range f.entries {
		v.Add(&e)
	}
	return v
}

func entry(author moot.Key, seq uint64, key string) moot.Entry {
	return moot.Entry{ID: moot.EntryID{author[0], byte(seq)}, Author: author, Seq: seq, Key: key}
}
