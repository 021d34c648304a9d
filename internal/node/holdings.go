package node

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
)

// Limits of asking who holds what.
const (
	holdingsTime  = 2 * time.Second  // for some blobs
	onlyOnTime    = 10 * time.Second // for all
	holdingsPeers = 64               // devices that are asked
)

// Holdings says of each blob who is known to hold it, and asks some devices.
func (c *copies) Holdings(ctx context.Context, peers []moot.Peer, q app.HoldingsQuery) ([]app.Holding, error) {
	own, err := c.holds(ctx, c.local, q.Blobs)
	if err != nil {
		return nil, err
	}
	open := q.Blobs
	if !q.Count {
		open = slices.DeleteFunc(slices.Clone(open), func(id moot.BlobID) bool { return own[id] })
	}
	asked := peers[:min(len(peers), holdingsPeers)]
	answered, all := c.askFor(ctx, holdingsTime, asked, open)
	c.notice(slices.Collect(maps.Keys(answered)))
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]app.Holding, len(q.Blobs))
	for i, id := range q.Blobs {
		holders := c.holders(id)
		h := app.Holding{Copies: len(holders), Now: app.NotAvailable}
		switch {
		case own[id]:
			h.Copies, h.Now = h.Copies+1, app.Here
		case slices.ContainsFunc(holders, func(k moot.Key) bool { return answered[k] }):
			h.Now = app.Available
		case !all || len(asked) < len(peers):
			h.Now = app.Unknown
		}
		list[i] = h
	}
	return list, ctx.Err()
}

// askFor asks devices what they hold, and does not wait for ever. It returns who answered,
// and whether all did that can be reached.
func (c *copies) askFor(ctx context.Context, limit time.Duration, peers []moot.Peer, ids []moot.BlobID) (answered map[moot.Key]bool, all bool) {
	if len(ids) == 0 {
		return nil, true
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answered, slow := c.ask(ctx, peers, ids, true)
	return answered, !slow
}

// OnlyOn returns the files in force that are held by some devices, and no others are known
// to hold, and whether all these have answered.
func (c *copies) OnlyOn(ctx context.Context, peers []moot.Peer, limit time.Duration, devices []moot.Key) (only []heldFile, sure bool, err error) {
	var all []heldFile
	if err := c.files(ctx, func(f heldFile) { all = append(all, f) }); err != nil {
		return nil, false, err
	}
	ids := idsOf(all)
	own, err := c.holds(ctx, c.local, ids)
	if err != nil {
		return nil, false, err
	}
	among := func(k moot.Key) bool { return slices.Contains(devices, k) }
	suspect := slices.DeleteFunc(ids, func(id moot.BlobID) bool { return own[id] && !among(c.self) })
	if !among(c.self) || len(devices) > 1 { // what the others of them hold
		c.askFor(ctx, limit, slices.DeleteFunc(slices.Clone(peers), func(p moot.Peer) bool { return !among(p.ID) }), suspect)
	}
	c.mu.Lock()
	suspect = slices.DeleteFunc(suspect, func(id moot.BlobID) bool { return !own[id] && !slices.ContainsFunc(c.holders(id), among) })
	c.mu.Unlock()
	others := slices.DeleteFunc(slices.Clone(peers), func(p moot.Peer) bool { return among(p.ID) })
	answered, _ := c.askFor(ctx, limit, others, suspect)
	c.mu.Lock()
	defer c.mu.Unlock()
	alone := map[moot.BlobID]bool{}
	for _, id := range suspect {
		alone[id] = !slices.ContainsFunc(c.holders(id), func(k moot.Key) bool { return !among(k) })
	}
	return slices.DeleteFunc(all, func(f heldFile) bool { return !alone[f.Blob.ID] }), len(answered) == len(others), ctx.Err()
}

// askable returns the devices that can be asked through an architecture what they hold.
func (n *Node) askable(ctx context.Context, via moot.Architecture) (peers []moot.Peer) {
	if via.Peers || n.routes.server {
		peers = n.holdingPeers(ctx)
	}
	if via.Server && !n.routes.server {
		peers = append(peers, n.network.Servers(ctx)...)
	}
	return distinct(peers, n.Self())
}

// Holdings implements app.Copies.
func (c fileCopies) Holdings(ctx context.Context, q app.HoldingsQuery) ([]app.Holding, error) {
	if len(q.Blobs) > app.MaxHoldings {
		return nil, moot.Errorf(moot.Invalid, "%d blobs are too many at once (want at most %d)", len(q.Blobs), app.MaxHoldings)
	}
	return c.files.copies.Holdings(ctx, c.askable(ctx, c.via), q)
}

// OnlyOn implements app.Copies.
func (c fileCopies) OnlyOn(ctx context.Context, devices []moot.Key) (app.FileCount, error) {
	if len(devices) == 0 {
		return app.FileCount{}, moot.Errorf(moot.Invalid, "no device is given")
	}
	return c.onlyOn(ctx, c.via, onlyOnTime, devices)
}

// OnlyHere returns which of the files in force no other device is known to hold; none if
// there is no other.
func (n *Node) OnlyHere(ctx context.Context) (app.FileCount, error) {
	if len(n.network.others()) == 0 {
		return app.FileCount{}, nil
	}
	return n.onlyOn(ctx, n.routes.preferred(ctx), holdingsTime, []moot.Key{n.Self()})
}

func (n *Node) onlyOn(ctx context.Context, via moot.Architecture, limit time.Duration, devices []moot.Key) (count app.FileCount, err error) {
	only, sure, err := n.files.copies.OnlyOn(ctx, n.askable(ctx, via), limit, devices)
	count.Unsure = !sure && len(only) > 0
	counted := map[moot.BlobID]bool{}
	for _, f := range only {
		count.Files++
		if !counted[f.Blob.ID] {
			count.Bytes += f.Blob.Size
		}
		counted[f.Blob.ID] = true
	}
	return count, err
}
