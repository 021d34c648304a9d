package dial

import (
	"context"
	"io"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/throttle"
	"github.com/mootspace/moot/internal/wire"
)

// Remote is a dialled node with which blobs are exchanged at limited rates: here and at
// Metered all bytes of blobs from others enter. Messages about blobs and entries are
// small and not limited.
type Remote struct {
	*wire.Client
	in, out *throttle.Throttle
}

var _ moot.Node = Remote{}

// Get implements moot.Blobs.
func (r Remote) Get(ctx context.Context, id moot.BlobID, rng moot.Range) (io.ReadCloser, error) {
	slice, err := r.Client.Get(ctx, id, rng)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{r.in.Reader(ctx, slice), slice}, nil
}

// Put implements moot.Blobs. It is the only call that sends blobs unasked.
func (r Remote) Put(ctx context.Context, src io.Reader) (moot.Blob, error) {
	return r.Client.Put(ctx, r.out.Reader(ctx, src))
}

// Exchange implements moot.Blobs.
func (r Remote) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	x, err := r.Client.Exchange(ctx, id)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	return meteredExchange{x, ctx, cancel, r.in}, nil
}

type meteredExchange struct {
	moot.Exchange
	ctx    context.Context //nolint:containedctx // moot.Exchange's methods take none
	cancel context.CancelFunc
	in     *throttle.Throttle
}

func (x meteredExchange) Next() (moot.ExchangeEvent, error) {
	ev, err := x.Exchange.Next()
	if ev.Slice != nil {
		ev.Slice = x.in.Reader(x.ctx, ev.Slice)
	}
	return ev, err
}

// Close implements moot.Exchange.
func (x meteredExchange) Close() error {
	x.cancel()
	return x.Exchange.Close()
}

// Metered is a node into which others put blobs at a limited rate.
type Metered struct {
	moot.Node
	In *throttle.Throttle
}

// Put implements moot.Blobs.
func (s Metered) Put(ctx context.Context, r io.Reader) (moot.Blob, error) {
	return s.Node.Put(ctx, s.In.Reader(ctx, r))
}
