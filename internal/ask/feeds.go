package ask

import (
	"context"
	"iter"

	"github.com/mootspace/moot"
)

// Query queries the authority if one is required, else this machine. An entry that does
// not verify ends the result with kind Corrupt.
func (n *Node) Query(ctx context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	feeds, a, err := n.feeds()
	if err != nil {
		return failed(err)
	}
	if !a.Required {
		return feeds.Query(ctx, q)
	}
	return n.checked(a, feeds.Query(ctx, q))
}

// Watch watches the authority if one is required, else this machine.
func (n *Node) Watch(ctx context.Context, since moot.Vector) iter.Seq2[moot.Entry, error] {
	feeds, a, err := n.feeds()
	if err != nil {
		return failed(err)
	}
	if !a.Required {
		return feeds.Watch(ctx, since)
	}
	return n.checked(a, feeds.Watch(ctx, since))
}

// Vector returns the vector of the authority if one is required, else of this machine.
func (n *Node) Vector(ctx context.Context) (moot.Vector, error) {
	feeds, a, err := n.feeds()
	switch {
	case err != nil:
		return moot.Vector{}, err
	case !a.Required:
		return feeds.Vector(ctx)
	}
	v, err := feeds.Vector(ctx)
	return v, n.at(a.Peer, err)
}

// feeds returns the feeds of a required authority; else those of this machine, which
// gossip keeps up to date, and the zero Authority.
func (n *Node) feeds() (moot.Feeds, moot.Authority, error) {
	a, ok := n.cfg.Locator.Authority()
	if !ok || !a.Required {
		return n.cfg.Local, moot.Authority{}, nil
	}
	server, err := n.cfg.Dial(a.Peer)
	return server, a, n.at(a.Peer, err)
}

// checked yields the entries of an authority, each verified first.
func (n *Node) checked(a moot.Authority, entries iter.Seq2[moot.Entry, error]) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) {
		for e, err := range entries {
			if err == nil && n.cfg.Verify != nil {
				err = n.cfg.Verify(e)
			}
			if err != nil {
				yield(moot.Entry{}, n.at(a.Peer, err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func failed(err error) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) { yield(moot.Entry{}, err) }
}
