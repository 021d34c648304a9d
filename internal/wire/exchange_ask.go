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
	ctx, cancel := context.WithCancel(ctx)
	body, asks := io.Pipe()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+blobPath(pathExchange, id), body)
	if err == nil {
		req.Header.Set("Content-Type", typeExchange)
		req.Header.Set("Accept", typeExchange)
		var resp *http.Response
		if resp, err = c.rt.RoundTrip(req); err == nil {
			if err = check(resp, typeExchange); err == nil {
				x := &exchange{cancel: cancel, asks: asks, body: resp.Body, in: bufio.NewReaderSize(resp.Body, copyBuffer), client: c, ctx: ctx, leads: map[groupRun]*lead{}}
				go x.keep()
				return x, nil
			}
			resp.Body.Close()
		}
	}
	err = c.broken(ctx, err)
	cancel()
	asks.Close()
	return nil, err
}

// exchange is the asking side.
type exchange struct {
	client *Client
	ctx    context.Context
	cancel context.CancelFunc
	body   io.Closer
	in     *bufio.Reader
	size   int64

	mu    sync.Mutex
	took  bool // a part, which was not said yet
	asks  *io.PipeWriter
	leads map[groupRun]*lead // of what was asked for
}

// lead is what need not be sent of a run.
type lead struct {
	bytes []byte
	due   int // answers that may come
}

func (x *exchange) Request(r moot.Range, known []byte) error {
	run, n := runOf(r), uint64(0)
	x.mu.Lock()
	defer x.mu.Unlock()
	if size := int64(len(known)); size >= blob.ProofPrefixSize(0) {
		n = uint64((size-blob.ProofPrefixSize(0))/(blob.ProofPrefixSize(1)-blob.ProofPrefixSize(0))) + 1
		if x.leads[run] == nil {
			x.leads[run] = &lead{}
		}
		l := x.leads[run]
		l.due++
		if len(l.bytes) < len(known) { // an answer to an earlier request may still come
			l.bytes = known
		}
	}
	return x.say(binary.AppendUvarint(frame(frameAsk, run), n))
}

func (x *exchange) Cancel(r moot.Range) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.say(frame(frameCancel, runOf(r)))
}

func frame(kind byte, run groupRun) []byte {
	return binary.AppendUvarint(binary.AppendUvarint([]byte{kind}, run.first), run.count)
}

func (x *exchange) Ack() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.took = true
}

// say writes a frame, after what is still to be said. The caller holds x.mu.
func (x *exchange) say(frame []byte) error {
	if x.took {
		frame, x.took = append([]byte{frameCame}, frame...), false
	}
	_, err := x.asks.Write(frame)
	return x.client.orBroken(x.ctx, err)
}

// slice returns the slice that comes now, with what was left out of it.
func (x *exchange) slice(run groupRun) (io.Reader, error) {
	known, err := binary.ReadUvarint(x.in)
	if err != nil || known > maxKnown {
		return nil, errFrame(err)
	}
	if known == 0 {
		return x.in, nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	l, left := x.leads[run], blob.ProofPrefixSize(int64(known)-1)
	if l == nil || int64(len(l.bytes)) < left {
		return nil, errFrame(nil)
	}
	x.answered(run)
	return io.MultiReader(bytes.NewReader(l.bytes[:left]), x.in), nil
}

// keep tells the other side from time to time that this one is there.
func (x *exchange) keep() {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			x.mu.Lock()
			_, err := x.asks.Write([]byte{frameKeep})
			x.mu.Unlock()
			if err != nil {
				return
			}
		case <-x.ctx.Done():
			return
		}
	}
}

// answered forgets what need not be sent once all answers have come. The caller
// holds x.mu.
func (x *exchange) answered(run groupRun) {
	if l := x.leads[run]; l != nil {
		if l.due--; l.due == 0 {
			delete(x.leads, run)
		}
	}
}

func (x *exchange) Next() (moot.ExchangeEvent, error) {
	x.mu.Lock()
	if x.took {
		_ = x.say(nil) // what broke is what next sees, too
	}
	x.mu.Unlock()
	ev, err := x.next()
	return ev, x.client.orBroken(x.ctx, err)
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
	case frameRest:
		return moot.ExchangeEvent{Size: x.size, Throttled: true}, nil
	case frameWait:
		return moot.ExchangeEvent{Size: x.size, Queued: true}, nil
	case frameFirst:
		ev.Preferred, err = x.runs()
		ev.Size = x.size
		return ev, err
	case framePart, frameNone:
		run, err := readRun(x.in)
		if err != nil {
			return ev, errFrame(err)
		}
		r, ok := run.in(x.size)
		if !ok {
			return ev, errFrame(nil)
		}
		ev = moot.ExchangeEvent{Size: x.size, Part: r, Refused: kind == frameNone}
		if kind == frameNone {
			x.mu.Lock()
			x.answered(run)
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
	x.asks.Close()
	return x.body.Close()
}

// orBroken gives an error of the transport a kind; nil stays nil.
func (c *Client) orBroken(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return c.broken(ctx, err)
}
