package ask

import (
	"context"
	"io"

	"github.com/mootspace/moot"
)

// Put stores r at the authority if one is required, else on this machine, where other
// nodes find it. Kind Unavailable if a required authority is away.
func (n *Node) Put(ctx context.Context, r io.Reader) (moot.Blob, error) {
	a, ok := n.cfg.Locator.Authority()
	if ok && a.Required {
		return n.putAt(ctx, a, r)
	}
	b, err := n.cfg.Local.Put(ctx, r)
	if err == nil {
		n.announce(ctx, b.ID)
		if ok && n.cfg.Stored != nil {
			n.cfg.Stored(b.ID)
		}
	}
	return b, err
}

// PutMany is Put for many small blobs: one request to a required authority, or one call of
// the store here.
func (n *Node) PutMany(ctx context.Context, contents [][]byte) ([]moot.Blob, error) {
	a, ok := n.cfg.Locator.Authority()
	if ok && a.Required {
		server, err := n.cfg.Dial(a.Peer)
		if err != nil {
			return nil, n.at(a.Peer, err)
		}
		stored, err := server.PutMany(ctx, contents)
		return stored, n.at(a.Peer, err)
	}
	stored, err := n.cfg.Local.PutMany(ctx, contents)
	if err != nil || len(stored) == 0 {
		return stored, err
	}
	ids := make([]moot.BlobID, len(stored))
	for i, b := range stored {
		ids[i] = b.ID
	}
	n.announceMany(ctx, ids)
	if ok && n.cfg.Stored != nil {
		n.cfg.Stored(ids...)
	}
	return stored, nil
}

// announcedAll is how many small blobs are announced each. Of more only some are, because
// a receiver of one of a batch usually wants others of it, too.
const announcedAll = 16

// announceMany makes this node findable as a holder of a batch of small blobs.
func (n *Node) announceMany(ctx context.Context, ids []moot.BlobID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), announceTime)
	go func() {
		defer cancel()
		for _, id := range ids {
			if len(ids) > announcedAll && !sampled(id) {
				continue
			}
			if err := n.cfg.Locator.Announce(ctx, id); err != nil {
				n.cfg.Log.Debug("not announced", "blob", id, "error", err)
			}
		}
	}()
}

// sampled selects one ID in 64, everywhere the same: holders of a batch announce these, and
// those who want it look for them.
func sampled(id moot.BlobID) bool { return id[0] < 4 }

// putAt streams r to the authority, whose client verifies the name that it answers with.
func (n *Node) putAt(ctx context.Context, a moot.Authority, r io.Reader) (moot.Blob, error) {
	server, err := n.cfg.Dial(a.Peer)
	if err != nil {
		return moot.Blob{}, n.at(a.Peer, err)
	}
	b, err := server.Put(ctx, r)
	return b, n.at(a.Peer, err)
}
