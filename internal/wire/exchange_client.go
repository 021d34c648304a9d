package wire

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// Exchange implements moot.Blobs.
func (c *Client) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	if err := c.mismatch.recent(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	body, requests := io.Pipe()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+blobPath(pathExchange, id), body)
	if err == nil {
		req.Header.Set("Content-Type", typeExchange)
		req.Header.Set("Accept", typeExchange)
		var resp *http.Response
		if resp, err = c.rt.RoundTrip(req); err == nil {
			if err = c.check(resp, typeExchange); err == nil {
				x := &exchange{cancel: cancel, requests: requests, body: resp.Body, in: bufio.NewReaderSize(resp.Body, copyBuffer), client: c, ctx: ctx, prefixes: map[groupRun]*prefix{}}
				go x.keepAlive()
				return x, nil
			}
			resp.Body.Close()
		}
	}
	err = c.transportError(ctx, err)
	cancel()
	_ = requests.Close() // a pipe
	return nil, err
}

// exchange is the client side.
type exchange struct {
	client *Client
	ctx    context.Context //nolint:containedctx // moot.Exchange's methods take none
	cancel context.CancelFunc
	body   io.Closer
	in     *bufio.Reader
	size   int64

	mu       sync.Mutex
	unacked  bool // a part was taken in and not acknowledged yet
	requests *io.PipeWriter
	prefixes map[groupRun]*prefix // of the runs requested with one
}

// prefix is the proof prefix that the responses to a run may omit.
type prefix struct {
	bytes []byte
	due   int // responses outstanding
}

func (x *exchange) Request(r moot.Range, known []byte) error {
	run, n := runOf(r), uint64(0)
	x.mu.Lock()
	defer x.mu.Unlock()
	if size := int64(len(known)); size >= blob.ProofPrefixSize(0) {
		n = uint64((size-blob.ProofPrefixSize(0))/(blob.ProofPrefixSize(1)-blob.ProofPrefixSize(0))) + 1
		if x.prefixes[run] == nil {
			x.prefixes[run] = &prefix{}
		}
		l := x.prefixes[run]
		l.due++
		if len(l.bytes) < len(known) { // a response to an earlier request may be outstanding
			l.bytes = known
		}
	}
	return x.write(binary.AppendUvarint(frame(frameRequest, run), n))
}

func (x *exchange) Cancel(r moot.Range) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.write(frame(frameCancel, runOf(r)))
}

func frame(kind byte, run groupRun) []byte {
	return binary.AppendUvarint(binary.AppendUvarint([]byte{kind}, run.first), run.count)
}

func (x *exchange) Ack() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unacked = true
}

// write writes a frame, after an acknowledgement that is due. The caller holds x.mu.
func (x *exchange) write(frame []byte) error {
	if x.unacked {
		frame, x.unacked = append([]byte{frameAck}, frame...), false
	}
	_, err := x.requests.Write(frame)
	return x.client.orTransportError(x.ctx, err)
}

// slice returns the slice that follows, completed by the prefix that was omitted.
func (x *exchange) slice(run groupRun) (io.Reader, error) {
	skipped, err := binary.ReadUvarint(x.in)
	if err != nil || skipped > maxPrefix {
		return nil, errFrame(err)
	}
	if skipped == 0 {
		return x.in, nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	l, left := x.prefixes[run], blob.ProofPrefixSize(int64(skipped)-1)
	if l == nil || int64(len(l.bytes)) < left {
		return nil, errFrame(nil)
	}
	x.release(run)
	return io.MultiReader(bytes.NewReader(l.bytes[:left]), x.in), nil
}

// keepAlive sends a frame at intervals, so that the server does not time out.
func (x *exchange) keepAlive() {
	tick := time.NewTicker(exchangeKeepAliveEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			x.mu.Lock()
			_, err := x.requests.Write([]byte{frameKeepAlive})
			x.mu.Unlock()
			if err != nil {
				return
			}
		case <-x.ctx.Done():
			return
		}
	}
}

// release drops the prefix of a run with the last response. The caller holds x.mu.
func (x *exchange) release(run groupRun) {
	if l := x.prefixes[run]; l != nil {
		if l.due--; l.due == 0 {
			delete(x.prefixes, run)
		}
	}
}

func (x *exchange) Next() (moot.ExchangeEvent, error) {
	x.mu.Lock()
	if x.unacked {
		_ = x.write(nil) // next returns the same error
	}
	x.mu.Unlock()
	ev, err := x.next()
	return ev, x.client.orTransportError(x.ctx, err)
}

func (x *exchange) next() (ev moot.ExchangeEvent, err error) {
	kind, err := x.in.ReadByte()
	if err != nil {
		return ev, err
	}
	switch kind {
	case frameSize:
		n, err := binary.ReadUvarint(x.in)
		if err != nil || n > blob.MaxSize {
			return ev, errFrame(err)
		}
		x.size = int64(n)
		return moot.ExchangeEvent{Size: x.size}, nil
	case frameHold:
		ev.Held, err = x.runs()
		ev.Size = x.size
		return ev, err
	case frameThrottle:
		return moot.ExchangeEvent{Size: x.size, Throttled: true}, nil
	case frameQueued:
		return moot.ExchangeEvent{Size: x.size, Queued: true}, nil
	case framePreferred:
		ev.Preferred, err = x.runs()
		ev.Size = x.size
		return ev, err
	case framePart, frameRefused:
		run, err := readRun(x.in)
		if err != nil {
			return ev, errFrame(err)
		}
		r, ok := run.in(x.size)
		if !ok {
			return ev, errFrame(nil)
		}
		ev = moot.ExchangeEvent{Size: x.size, Part: r, Refused: kind == frameRefused}
		if kind == frameRefused {
			x.mu.Lock()
			x.release(run)
			x.mu.Unlock()
		} else {
			ev.Slice, err = x.slice(run)
		}
		return ev, err
	}
	return ev, errFrame(nil)
}

func (x *exchange) runs() (list []moot.Range, err error) {
	n, err := binary.ReadUvarint(x.in)
	if err != nil || n > maxRuns {
		return nil, errFrame(err)
	}
	for range n {
		run, err := readRun(x.in)
		if err != nil {
			return nil, errFrame(err)
		}
		r, ok := run.in(x.size)
		if !ok {
			return nil, errFrame(nil)
		}
		list = append(list, r)
	}
	return list, nil
}

func (x *exchange) Close() error {
	x.cancel()
	_ = x.requests.Close() // a pipe
	return x.body.Close()
}

// orTransportError gives an error of the transport a kind; nil stays nil.
func (c *Client) orTransportError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return c.transportError(ctx, err)
}
