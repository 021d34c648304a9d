package ask

import (
	"context"
	"slices"
	"sync"

	"github.com/mootspace/moot"
)

// HaveMany reports what this machine or any one other node holds whole. Kind Unavailable if
// a required authority is away.
func (n *Node) HaveMany(ctx context.Context, ids []moot.BlobID) ([]bool, error) {
	held, err := n.cfg.Local.HaveMany(ctx, ids)
	if err != nil || !slices.Contains(held, false) {
		return held, err
	}
	var mu sync.Mutex
	rest := remaining(ids, held)
	search, cancel := context.WithTimeout(ctx, n.cfg.Discover)
	defer cancel()
	var required error
	var queries sync.WaitGroup
	a, ok := n.cfg.Locator.Authority()
	for p := range n.locate(search, wanted(rest)) {
		queries.Go(func() {
			has, err := n.haveAt(search, p, rest)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && ok && a.Required && a.ID == p.ID {
				required = n.at(p, err)
			}
			for i, id := range ids {
				held[i] = held[i] || has[id]
			}
			if !slices.Contains(held, false) {
				cancel()
			}
		})
	}
	queries.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return held, required
}

// remaining returns those that are not held.
func remaining(ids []moot.BlobID, held []bool) (list []moot.BlobID) {
	for i, id := range ids {
		if !held[i] {
			list = append(list, id)
		}
	}
	return list
}

// haveAt asks one node which of many blobs it holds.
func (n *Node) haveAt(ctx context.Context, p moot.Peer, ids []moot.BlobID) (map[moot.BlobID]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Stall)
	defer cancel()
	node, err := n.cfg.Dial(p)
	if err != nil {
		return nil, err
	}
	held, err := node.HaveMany(ctx, ids)
	if err != nil {
		return nil, err
	}
	has := map[moot.BlobID]bool{}
	for i, ok := range held {
		if ok && i < len(ids) {
			has[ids[i]] = true
		}
	}
	return has, nil
}
