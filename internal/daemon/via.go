package daemon

import (
	"context"
	"io"
	"iter"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/ask"
	"github.com/mootspace/moot/internal/front/cli"
	"github.com/mootspace/moot/internal/locate"
)

// prefers returns the architecture that the space and the home allow: both if there
// is a server and this home may have peers, else the one there is.
func (n *node) prefers(ctx context.Context) cli.Via {
	switch {
	case n.serves, len(n.servers(ctx)) == 0:
		return cli.ViaPeers
	case n.settings.NoPeer:
		return cli.ViaServer
	}
	return cli.ViaBoth
}

// via returns this node as seen through an architecture: the same store, asked for
// in another way.
func (n *node) via(ctx context.Context, via cli.Via) (*ask.Node, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if node := n.vias[via]; node != nil {
		return node, nil
	}
	locator, err := n.locator(ctx, via)
	if err != nil {
		return nil, err
	}
	node := ask.New(ask.Config{
		Local: n.store, Self: n.self(), Locator: locator, Dial: n.dial.Dial, Log: n.log,
		Verify: n.verify, Stored: n.uploads.add,
	})
	n.vias[via] = node
	return node, nil
}

func (n *node) locator(ctx context.Context, via cli.Via) (moot.Locator, error) {
	servers := n.servers(ctx)
	if n.serves { // the server asks itself: its store is the space's
		servers = slices.Concat([]moot.Peer{{ID: n.self(), Server: true}}, servers)
	}
	switch {
	case via == cli.ViaServer && n.serves:
		return locate.None(), nil
	case via == cli.ViaServer && len(servers) == 0:
		return nil, moot.Errorf(moot.Unavailable, "this space has no server: start one with 'moot serve', or use --via peers")
	case via == cli.ViaServer:
		return locate.Fixed(servers[0]), nil
	case n.mesh == nil && via == cli.ViaPeers && n.serves:
		return locate.None(), nil
	case n.mesh == nil:
		return nil, moot.Errorf(moot.Unavailable, "this home asks its server only: use --via server")
	case via == cli.ViaPeers || n.serves || len(servers) == 0:
		return n.mesh, nil
	}
	return locate.Both(locate.Fixed(servers[0]), n.mesh), nil
}

// through is this node as seen through an architecture, whatever servers the space comes
// to have.
type through struct {
	n   *node
	via cli.Via
}

var _ moot.Node = through{}

func (t through) Put(ctx context.Context, r io.Reader) (moot.Blob, error) {
	node, err := t.n.via(ctx, t.via)
	if err != nil {
		return moot.Blob{}, err
	}
	return node.Put(ctx, r)
}

func (t through) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	node, err := t.n.via(ctx, t.via)
	if err != nil {
		return nil, err
	}
	return node.Get(ctx, id, r)
}

func (t through) Have(ctx context.Context, id moot.BlobID) (moot.Holding, error) {
	node, err := t.n.via(ctx, t.via)
	if err != nil {
		return moot.Holding{}, err
	}
	return node.Have(ctx, id)
}

func (t through) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	node, err := t.n.via(ctx, t.via)
	if err != nil {
		return nil, err
	}
	return node.Exchange(ctx, id)
}

func (t through) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	node, err := t.n.via(ctx, t.via)
	if err != nil {
		return err
	}
	return node.Append(ctx, mode, entries...)
}

func (t through) Query(ctx context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	node, err := t.n.via(ctx, t.via)
	if err != nil {
		return func(yield func(moot.Entry, error) bool) { yield(moot.Entry{}, err) }
	}
	return node.Query(ctx, q)
}

func (t through) Watch(ctx context.Context, since moot.Vector) iter.Seq2[moot.Entry, error] {
	node, err := t.n.via(ctx, t.via)
	if err != nil {
		return func(yield func(moot.Entry, error) bool) { yield(moot.Entry{}, err) }
	}
	return node.Watch(ctx, since)
}

func (t through) Vector(ctx context.Context) (moot.Vector, error) {
	node, err := t.n.via(ctx, t.via)
	if err != nil {
		return nil, err
	}
	return node.Vector(ctx)
}
