package ask

import (
	"context"
	"io"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
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

// putAt streams r to the authority and checks the ID and size that it returns.
func (n *Node) putAt(ctx context.Context, a moot.Authority, r io.Reader) (moot.Blob, error) {
	server, err := n.cfg.Dial(a.Peer)
	if err != nil {
		return moot.Blob{}, at(a.Peer, err)
	}
	h := blob.NewHasher(nil)
	got, err := server.Put(ctx, io.TeeReader(r, h))
	if err != nil {
		return moot.Blob{}, at(a.Peer, err)
	}
	want, err := h.Sum()
	if err == nil && got != want {
		err = at(a.Peer, moot.Errorf(moot.Corrupt, "it stored %s (%d bytes) instead of %s (%d bytes)", got.ID, got.Size, want.ID, want.Size))
	}
	return want, err
}
