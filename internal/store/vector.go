package store

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/mootspace/moot"
)

// Vector implements [moot.Feeds]. An entry in force whose body is missing is not
// counted as held, nor are those after it, so that a replica which got it without
// its body – from a node that dropped it, or a hostile one – asks others again.
func (s *Store) Vector(ctx context.Context) (moot.Vector, error) {
	if err := s.usable(ctx); err != nil {
		return moot.Vector{}, moot.Wrap("vector", err)
	}
	v := moot.Vector{Heads: map[moot.Key][]moot.Head{}, Shown: s.view.revision.Load()}
	feeds, err := s.feeds(moot.Key{})
	for _, f := range feeds {
		var heads []moot.Head
		if heads, err = s.heads(f); err != nil {
			break
		}
		if len(heads) > 0 {
			v.Heads[f.author] = heads
		}
	}
	if err != nil {
		return moot.Vector{}, moot.Wrap("vector", err)
	}
	return v, nil
}

// heads returns the ends of a feed's branches, or the entries before what lacks its body;
// none that precedes another.
func (s *Store) heads(f branchedFeed) (heads []moot.Head, err error) {
	ends := make([]uint64, len(f.branches)) // how far each is held
	for i, b := range f.branches {
		switch {
		case b.parent.Seq > ends[b.parent.Branch] && i > 0:
			continue // something before it lacks its body
		case b.hole > 0:
			ends[i] = b.hole - 1
		default:
			ends[i] = b.end.Seq
		}
	}
	for i, b := range f.branches {
		switch {
		case ends[i] <= b.parent.Seq || f.continues(ends, i):
		case ends[i] == b.end.Seq:
			heads = append(heads, b.end)
		default:
			e, err := s.entryAt(f.author, moot.Position{Branch: i, Seq: ends[i]})
			if err != nil {
				return nil, err
			}
			heads = append(heads, moot.Head{Seq: e.Seq, ID: e.ID})
		}
	}
	slices.SortFunc(heads, func(a, b moot.Head) int {
		return cmp.Or(cmp.Compare(b.Seq, a.Seq), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return heads, nil
}

// continues reports whether a branch that is held begins after where another one, held
// up to ends[i], stops.
func (f branchedFeed) continues(ends []uint64, i int) bool {
	for j, b := range f.branches {
		if j != i && b.parent == (moot.Position{Branch: i, Seq: ends[i]}) && ends[j] > b.parent.Seq {
			return true
		}
	}
	return false
}
