package blob

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

// pollEvery is the time between looks at what the node holds, while nothing is requested.
const pollEvery = 250 * time.Millisecond

// Source is what NewExchange needs of a node.
type Source interface {
	Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error)
	Have(ctx context.Context, id moot.BlobID) (moot.Holding, error)
}

// NewExchange returns an exchange of one Get after another, for a node that has no
// stream of its own. It never fails by itself: errors of the node come from Next.
func NewExchange(ctx context.Context, n Source, id moot.BlobID) moot.Exchange {
	ctx, cancel := context.WithCancel(ctx)
	return &exchange{ctx: ctx, cancel: cancel, node: n, id: id, added: make(chan struct{}, 1)}
}

type exchange struct {
	ctx    context.Context //nolint:containedctx // of the node's calls, until Close: moot.Exchange's methods take none
	cancel context.CancelFunc
	node   Source
	id     moot.BlobID
	done   func() // closes the slice of the last part; nil if closed. Next's own
	known  *Set   // what was announced; nil before the first poll. Next's own

	mu       sync.Mutex
	requests []moot.Range
	added    chan struct{} // signals that a request was added
}

func (x *exchange) Request(r moot.Range, _ []byte) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.requests = append(x.requests, r)
	select {
	case x.added <- struct{}{}:
	default:
	}
	return x.ctx.Err()
}

func (x *exchange) Cancel(r moot.Range) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, other := range x.requests {
		if other == r {
			x.requests = append(x.requests[:i], x.requests[i+1:]...)
			break
		}
	}
	return nil
}

func (x *exchange) Ack() {}

func (x *exchange) Close() error {
	x.cancel()
	return nil
}

func (x *exchange) Next() (moot.ExchangeEvent, error) {
	if x.done != nil {
		x.done()
		x.done = nil
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if r, ok := x.pop(); ok {
			return x.part(r)
		}
		select {
		case <-x.added:
		case <-tick.C:
			if ev, err := x.poll(); err != nil || len(ev.Held) > 0 {
				return ev, err
			}
		case <-x.ctx.Done():
			return moot.ExchangeEvent{}, x.ctx.Err()
		}
	}
}

func (x *exchange) pop() (moot.Range, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.requests) == 0 {
		return moot.Range{}, false
	}
	r := x.requests[0]
	x.requests = x.requests[1:]
	return r, true
}

// part gets a part. Only an error that is not about the part ends the exchange.
func (x *exchange) part(r moot.Range) (moot.ExchangeEvent, error) {
	slice, err := x.node.Get(x.ctx, x.id, r)
	switch kind := moot.KindOf(err); {
	case err == nil:
		end := sync.OnceFunc(func() { slice.Close() })
		stop := context.AfterFunc(x.ctx, end)
		x.done = func() { stop(); end() }
		return moot.ExchangeEvent{Part: r, Slice: slice}, nil
	case kind == moot.NotFound, kind == moot.Corrupt:
		return moot.ExchangeEvent{Part: r, Refused: true}, nil
	}
	return moot.ExchangeEvent{}, err
}

// poll returns what has come to be held since the last poll.
func (x *exchange) poll() (ev moot.ExchangeEvent, err error) {
	h, err := x.node.Have(x.ctx, x.id)
	if moot.KindOf(err) == moot.NotFound {
		return ev, nil
	}
	if err != nil {
		return ev, err
	}
	if x.known == nil || x.known.size != h.Size {
		x.known = NewSet(h.Size)
	}
	return moot.ExchangeEvent{Size: h.Size, Held: x.known.AddNew(h.Ranges)}, nil
}
