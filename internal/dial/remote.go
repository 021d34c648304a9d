package dial

import (
	"bytes"
	"context"
	"io"
	"iter"

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

// Put implements moot.Blobs. It and PutMany are the only calls that send blobs unasked.
func (r Remote) Put(ctx context.Context, src io.Reader) (moot.Blob, error) {
	return r.Client.Put(ctx, r.out.Reader(ctx, src))
}

// GetMany implements moot.Blobs.
func (r Remote) GetMany(ctx context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	return r.Client.GetManyThrough(ctx, ids, func(src io.Reader) io.Reader { return r.in.Reader(ctx, src) })
}

// PutMany implements moot.Blobs.
func (r Remote) PutMany(ctx context.Context, contents [][]byte) ([]moot.Blob, error) {
	return r.Client.PutManyThrough(ctx, contents, func(src io.Reader) io.Reader { return r.out.Reader(ctx, src) })
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

// PutMany implements moot.Blobs. The bytes have arrived, and those that follow wait.
func (s Metered) PutMany(ctx context.Context, contents [][]byte) ([]moot.Blob, error) {
	for _, c := range contents {
		if _, err := io.Copy(io.Discard, s.In.Reader(ctx, bytes.NewReader(c))); err != nil {
			return nil, err
		}
	}
	return s.Node.PutMany(ctx, contents)
}
