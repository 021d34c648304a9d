package daemon

import (
	"context"
	"io"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/wire"
)

// Whatever comes of blobs, through any architecture, comes from a dialled node or is put
// into a server's store; so these two are where it is limited. What nodes say about blobs
// and entries is little, and waits for nothing.

// remoteNode is a dialled node with which blobs are exchanged at limited rates.
type remoteNode struct {
	*wire.Client
	in, out *throttle
}

func (n *node) metered(c pooled) remoteNode { return remoteNode{c.Client, n.in, n.out} }

func (r remoteNode) Get(ctx context.Context, id moot.BlobID, rng moot.Range) (io.ReadCloser, error) {
	slice, err := r.Client.Get(ctx, id, rng)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{r.in.reader(ctx, slice), slice}, nil
}

// Put implements moot.Blobs. Only here does a node send what was not asked for.
func (r remoteNode) Put(ctx context.Context, src io.Reader) (moot.Blob, error) {
	return r.Client.Put(ctx, r.out.reader(ctx, src))
}

// Exchange implements moot.Blobs.
func (r remoteNode) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	x, err := r.Client.Exchange(ctx, id)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	return meteredExchange{x, ctx, cancel, r.in}, nil
}

type meteredExchange struct {
	moot.Exchange
	ctx    context.Context
	cancel context.CancelFunc
	in     *throttle
}

func (x meteredExchange) Next() (moot.ExchangeEvent, error) {
	ev, err := x.Exchange.Next()
	if ev.Slice != nil {
		ev.Slice = x.in.reader(x.ctx, ev.Slice)
	}
	return ev, err
}

// Close implements moot.Exchange.
func (x meteredExchange) Close() error {
	x.cancel()
	return x.Exchange.Close()
}

// taking is a server's store, into which others put blobs at a limited rate.
type taking struct {
	moot.Node
	in *throttle
}

func (s taking) Put(ctx context.Context, r io.Reader) (moot.Blob, error) {
	return s.Node.Put(ctx, s.in.reader(ctx, r))
}
