package files

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

// Linear returns a node that decides about change sets in mode Swap one after the other: it
// refuses, with kind Conflict, what does not follow from the files as they are in the index,
// which must be one of the node's entries. The node itself merges them.
func Linear(node moot.Node, index *Index) moot.Node {
	return &linear{node, index, make(chan struct{}, 1)}
}

type linear struct {
	moot.Node
	index *Index
	busy  chan struct{} // room for one: who decides
}

// Append implements moot.Feeds.
func (l *linear) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && (entries[n].Kind == moot.KindChange) == (entries[0].Kind == moot.KindChange) {
			n++
		}
		var err error
		if mode == moot.Swap && entries[0].Kind == moot.KindChange {
			err = l.swap(ctx, entries[:n])
		} else {
			err = l.Node.Append(ctx, mode, entries[:n]...)
		}
		if err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// swap decides about each entry by what the ones before it have made of the files.
func (l *linear) swap(ctx context.Context, changes []moot.Entry) error {
	select {
	case l.busy <- struct{}{}:
		defer func() { <-l.busy }()
	case <-ctx.Done():
		return moot.Wrap("append", ctx.Err())
	}
	for _, e := range changes {
		err := l.index.View(ctx, func(t *tree.Tree) error { return t.Check(e) })
		if moot.KindOf(err) == moot.Conflict && l.held(ctx, e.ID) {
			continue
		}
		if err == nil {
			err = l.Node.Append(ctx, moot.Merge, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// held reports whether an entry is stored already.
func (l *linear) held(ctx context.Context, id moot.EntryID) bool {
	for _, err := range l.Query(ctx, moot.Query{IDs: []moot.EntryID{id}, History: true, Replica: true}) {
		return err == nil
	}
	return false
}
