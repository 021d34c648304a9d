package ask

import (
	"context"
	"io"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// Get returns the range from this machine if it is held here. Otherwise it is downloaded
// from other nodes, stored, and returned in order while it arrives; groups that have
// arrived stay if the reader leaves, and are not fetched again. Only the range is
// fetched. Kinds: NotFound if all nodes found have nothing of it; Unavailable if no node
// that has it can be reached.
func (n *Node) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	if h, err := n.cfg.Local.Have(ctx, id); err == nil && holds(h, r) {
		rc, err := n.cfg.Local.Get(ctx, id, r)
		if err == nil || moot.KindOf(err) != moot.Corrupt && moot.KindOf(err) != moot.NotFound {
			return rc, err
		}
		n.cfg.Log.Warn("the copy held here is damaged, fetching from other nodes", "blob", id, "error", err)
	}
	d := n.join(ctx, id)
	rc, err := d.read(ctx, r)
	if err != nil {
		n.leave(d)
	}
	return rc, err
}

// Have returns what this machine and all nodes found can serve together.
func (n *Node) Have(ctx context.Context, id moot.BlobID) (moot.Holding, error) {
	local, err := n.cfg.Local.Have(ctx, id)
	if err == nil && local.Complete() || err != nil && moot.KindOf(err) != moot.NotFound {
		return local, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	best, known := local, err == nil
	outcomes := outcomes{}
	for f := range n.find(ctx, id, func(moot.Peer) bool { return true }) {
		switch {
		case f.err != nil:
			outcomes.add(f.peer, f.err, n.now())
		case f.holding.Complete():
			return f.holding, nil
		case !known:
			best, known = f.holding, true
		case f.holding.Size == best.Size:
			best.Ranges = union(append(best.Ranges, f.holding.Ranges...))
		}
	}
	if known {
		return best, nil
	}
	return moot.Holding{}, n.unavailable(outcomes)
}

// Exchange serves parts by Get, which fetches what is not held here.
func (n *Node) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	return blob.NewExchange(ctx, n, id), nil
}

// holds reports whether all of the range is held.
func holds(h moot.Holding, r moot.Range) bool {
	if h.Complete() {
		return true
	}
	r = r.In(h.Size)
	for _, held := range h.Ranges {
		if r.Length > 0 && held.Offset <= r.Offset && r.End() <= held.End() {
			return true
		}
	}
	return false
}
