package sign

import (
	"context"
	"slices"

	"github.com/mootspace/moot"
)

// catchUp makes sure that the feed ends, here and at the node, with the entry that is going
// to be continued. The node may hold more if an acknowledgement was lost or the local
// store is behind; the local store may, if others brought it up to date. Kind Fork if
// either holds something that is neither before nor after that entry.
func (s *Signer) catchUp(ctx context.Context, node moot.Feeds) error {
	if err := s.ready(); err != nil {
		return err
	}
	heads, err := s.heads(ctx)
	if err != nil {
		return err
	}
	held, err := s.holdsLast(ctx, heads)
	if err != nil {
		return err
	}
	if (s.doubt || !held) && node != s.local {
		if err := s.pull(ctx, node, heads); err != nil {
			return err
		}
		if heads, err = s.heads(ctx); err != nil {
			return err
		}
	}
	if heads, err = s.restoreRecent(ctx, heads); err != nil {
		return err
	}
	switch {
	case len(heads) > 1:
		return moot.Errorf(moot.Fork, "the feed of this device was continued from two copies of its home")
	case len(heads) == 0 || s.last != nil && heads[0].ID == s.last.ID:
		return nil
	}
	return s.continueAfter(ctx, heads[0])
}

// heads returns the ends of this feed's branches that the local store holds. A vector
// stops before an entry that lacks its body, and the feed does not end there.
func (s *Signer) heads(ctx context.Context) ([]moot.Head, error) {
	v, err := s.local.Vector(ctx)
	heads := v.Heads[s.self]
	if err != nil || s.last != nil && len(heads) == 1 && heads[0].ID == s.last.ID {
		return heads, err
	}
	heads = slices.Clone(heads)
	since := moot.Vector{Heads: map[moot.Key][]moot.Head{s.self: heads}}
	for e, err := range s.local.Query(ctx, moot.Query{Author: s.self, History: true, Replica: true, Since: since}) {
		if err != nil {
			return nil, err
		}
		heads = slices.DeleteFunc(heads, func(h moot.Head) bool { return h.ID == e.Prev })
		heads = append(heads, moot.Head{Seq: e.Seq, ID: e.ID})
	}
	return heads, nil
}

// holdsLast reports whether the local store, of whose feed these are the heads, holds the
// end of the feed.
func (s *Signer) holdsLast(ctx context.Context, heads []moot.Head) (bool, error) {
	if s.last == nil {
		return true, nil
	}
	for _, h := range heads {
		if h.ID == s.last.ID {
			return true, nil
		}
	}
	return s.holds(ctx, s.last.ID)
}

// restoreRecent brings what was stored elsewhere last to the local store, if no node
// did. Kind Unavailable if what comes before it is missing, too.
func (s *Signer) restoreRecent(ctx context.Context, heads []moot.Head) ([]moot.Head, error) {
	held, err := s.holdsLast(ctx, heads)
	if held || err != nil {
		return heads, err
	}
	if err := s.local.Append(ctx, moot.Merge, s.recent...); moot.KindOf(err) == moot.Gap {
		return nil, moot.Errorf(moot.Unavailable, "what this device wrote before has not arrived here: %w", err)
	} else if err != nil {
		return nil, err
	}
	return s.heads(ctx)
}

// continueAfter makes an entry that the local store holds the end of the feed.
func (s *Signer) continueAfter(ctx context.Context, head moot.Head) error {
	e, err := s.entry(ctx, head.ID)
	if err == nil {
		s.last = e
		s.author.Reset(s.last)
	}
	return err
}

// pullBatch is how many entries are brought to the local store at once.
const pullBatch = 256

// pull brings the entries of this feed that a node holds to the local store; and all
// others, if these refer to some of them.
func (s *Signer) pull(ctx context.Context, node moot.Feeds, heads []moot.Head) error {
	since := moot.Vector{Heads: map[moot.Key][]moot.Head{}}
	since.Heads[s.self] = heads
	mine, err := moot.Ancestors(ctx, s.local, s.self, since.Seq(s.self))
	if err != nil {
		return err
	}
	since.Heads[s.self] = mine
	err = s.copyFrom(ctx, node, moot.Query{Author: s.self, History: true, Replica: true, Since: since})
	if moot.KindOf(err) != moot.Gap {
		return err
	}
	if since, err = s.local.Vector(ctx); err != nil {
		return err
	}
	since = since.Clone()
	since.Heads[s.self] = mine
	return s.copyFrom(ctx, node, moot.Query{History: true, Replica: true, Since: since})
}

// copyFrom appends to the local store what a node answers to a query.
func (s *Signer) copyFrom(ctx context.Context, node moot.Feeds, q moot.Query) error {
	var some []moot.Entry
	for e, err := range node.Query(ctx, q) {
		if err != nil {
			return err
		}
		if some = append(some, e); len(some) < pullBatch {
			continue
		}
		if err := s.local.Append(ctx, moot.Merge, some...); err != nil {
			return err
		}
		some = nil
	}
	if len(some) == 0 {
		return nil
	}
	return s.local.Append(ctx, moot.Merge, some...)
}

// holds reports whether the local store holds an entry.
func (s *Signer) holds(ctx context.Context, id moot.EntryID) (bool, error) {
	e, err := s.find(ctx, id)
	return e != nil, err
}

// find returns an entry that the local store holds, or nil.
func (s *Signer) find(ctx context.Context, id moot.EntryID) (*moot.Entry, error) {
	for e, err := range s.local.Query(ctx, moot.Query{History: true, Replica: true, IDs: []moot.EntryID{id}}) {
		return &e, err
	}
	return nil, nil
}

// entry returns an entry that the local store must hold, as its vector names it.
func (s *Signer) entry(ctx context.Context, id moot.EntryID) (*moot.Entry, error) {
	e, err := s.find(ctx, id)
	if e == nil && err == nil {
		err = moot.Errorf(moot.Internal, "entry %s is missing from the database", id)
	}
	return e, err
}
