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

// putAt streams r to the authority, whose client verifies the name that it answers with.
func (n *Node) putAt(ctx context.Context, a moot.Authority, r io.Reader) (moot.Blob, error) {
	server, err := n.cfg.Dial(a.Peer)
	if err != nil {
		return moot.Blob{}, at(a.Peer, err)
	}
	b, err := server.Put(ctx, r)
	return b, at(a.Peer, err)
}
