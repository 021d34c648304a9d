package wire

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

const (
	typeExchange = "application/vnd.moot.exchange"
	maxAsked     = 1024                  // requests that may wait at the answering side
	maxRuns      = 1 << 16               // ranges in one frame
	tellEvery    = 50 * time.Millisecond // what is newly held is told together
	keepEvery    = 20 * time.Second
)

// exchange serves POST /v1/blobs/{id}/exchange.
func (h *handler) exchange(w *writer, r *http.Request) error {
	id, err := moot.ParseBlobID(r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := h.allow(r, "read", id.String()); err != nil {
		return err
	}
	body, ok := r.Body.(*reader)
	if !ok {
		return moot.Errorf(moot.Invalid, "an exchange has a body, in which is said what is wanted")
	}
	held, err := h.node.Have(r.Context(), id)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", typeExchange)
	w.WriteHeader(http.StatusOK)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	a := &answerer{h: h, ctx: ctx, id: id, size: held.Size, out: bufio.NewWriterSize(w, copyBuffer), flush: w.FlushError,
		told: blob.NewSet(held.Size), more: make(chan struct{}, 1)}
	asks := &stoppable{reader: body}
	var failed error
	done := make(chan struct{})
	go func() {
		defer close(done)
		failed = a.run(held)
		asks.stop()
	}()
	a.listen(bufio.NewReader(asks)) // here, because a body must not be read once its handler has returned
	cancel()
	<-done
	return failed
}

// stoppable is a request's body whose reading can be ended from outside.
type stoppable struct {
	*reader
	mu      sync.Mutex
	stopped bool
}

func (s *stoppable) Read(p []byte) (int, error) {
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return 0, io.EOF
	}
	s.control.SetReadDeadline(time.Now().Add(s.stuck))
	s.mu.Unlock()
	return s.ReadCloser.Read(p)
}

func (s *stoppable) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	s.control.SetReadDeadline(time.Now())
}

// answerer is the answering side of an exchange.
type answerer struct {
	h     *handler
	ctx   context.Context
	id    moot.BlobID
	size  int64
	out   *bufio.Writer
	flush func() error
	told  *blob.Set // what the other side knows to be held here

	mu    sync.Mutex
	asked []groupRun
	more  chan struct{}
}

// listen takes in what is asked until the other side goes away or makes no sense.
func (a *answerer) listen(in *bufio.Reader) {
	for {
		kind, err := in.ReadByte()
		if err != nil {
			return
		}
		if kind == frameKeep {
			continue
		}
		run, err := readRun(in)
		if err != nil || kind != frameAsk && kind != frameCancel || !a.note(kind, run) {
			return
		}
	}
}

func (a *answerer) note(kind byte, run groupRun) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if kind == frameCancel {
		for i, other := range a.asked {
			if other == run {
				a.asked = append(a.asked[:i], a.asked[i+1:]...)
				break
			}
		}
		return true
	}
	a.asked = append(a.asked, run)
	select {
	case a.more <- struct{}{}:
	default:
	}
	return len(a.asked) <= maxAsked
}

func (a *answerer) take() (groupRun, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.asked) == 0 {
		return groupRun{}, false
	}
	run := a.asked[0]
	a.asked = a.asked[1:]
	return run, true
}

// run answers until the other side leaves. What is newly held is told between parts.
func (a *answerer) run(held moot.Holding) error {
	a.out.WriteByte(frameSize)
	a.number(uint64(a.size))
	a.tell(held)
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if !a.told.Complete() {
				if held, err := a.h.node.Have(a.ctx, a.id); err == nil && held.Size == a.size {
					a.tell(held)
				}
			}
		default:
		}
		run, ok := a.take()
		if ok {
			if err := a.part(run); err != nil {
				return err
			}
			continue
		}
		if a.out.Flush() != nil || a.flush() != nil {
			return nil // nobody listens any more
		}
		ticking := tick.C
		if a.told.Complete() {
			ticking = nil
		}
		select {
		case <-a.more:
		case <-ticking:
			if held, err := a.h.node.Have(a.ctx, a.id); err == nil && held.Size == a.size {
				a.tell(held)
			}
		case <-a.ctx.Done():
			return nil
		}
	}
}

// tell says what is held that was not said before.
func (a *answerer) tell(held moot.Holding) {
	var news []groupRun
	for _, r := range held.Ranges {
		for _, m := range a.told.Missing(r) {
			news = append(news, runOf(m))
			for g := range blob.Groups(m.Length) {
				a.told.Add(m.Offset/blob.GroupSize + g)
			}
		}
	}
	for len(news) > 0 {
		some := news[:min(len(news), maxRuns)]
		news = news[len(some):]
		a.out.WriteByte(frameHold)
		a.number(uint64(len(some)))
		for _, run := range some {
			a.number(run.first)
			a.number(run.count)
		}
	}
}

func (a *answerer) number(n uint64) {
	var buf [binary.MaxVarintLen64]byte
	a.out.Write(buf[:binary.PutUvarint(buf[:], n)])
}

// part sends what was asked for, or says that it is not held. An error after its
// beginning ends the exchange: the other side cannot know where the next frame is.
func (a *answerer) part(run groupRun) error {
	kind := byte(framePart)
	var slice io.ReadCloser
	rng, ok := run.in(a.size)
	if ok {
		var err error
		slice, err = a.h.node.Get(a.ctx, a.id, rng)
		ok = err == nil
	}
	if !ok {
		kind = frameNone
	}
	a.out.WriteByte(kind)
	a.number(run.first)
	a.number(run.count)
	if !ok {
		return nil
	}
	defer slice.Close()
	_, err := io.Copy(a.out, slice)
	return err
}

// Exchange implements blob.Exchanger.
func (c *Client) Exchange(ctx context.Context, id moot.BlobID) (blob.Exchange, error) {
	ctx, cancel := context.WithCancel(ctx)
	body, asks := io.Pipe()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+blobPath(pathExchange, id), body)
	if err == nil {
		req.Header.Set("Content-Type", typeExchange)
		req.Header.Set("Accept", typeExchange)
		var resp *http.Response
		if resp, err = c.rt.RoundTrip(req); err == nil {
			if err = check(resp, typeExchange); err == nil {
				x := &exchange{cancel: cancel, asks: asks, body: resp.Body, in: bufio.NewReaderSize(resp.Body, copyBuffer), client: c, ctx: ctx}
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

	mu   sync.Mutex
	asks *io.PipeWriter
}

func (x *exchange) Ask(r moot.Range) error    { return x.say(frameAsk, r) }
func (x *exchange) Cancel(r moot.Range) error { return x.say(frameCancel, r) }

func (x *exchange) say(kind byte, r moot.Range) error {
	run := runOf(r)
	frame := binary.AppendUvarint(binary.AppendUvarint([]byte{kind}, run.first), run.count)
	x.mu.Lock()
	defer x.mu.Unlock()
	_, err := x.asks.Write(frame)
	return x.client.orBroken(x.ctx, err)
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

func (x *exchange) Next() (blob.Event, error) {
	ev, err := x.next()
	return ev, x.client.orBroken(x.ctx, err)
}

func (x *exchange) next() (ev blob.Event, err error) {
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
		return blob.Event{Size: x.size}, nil
	case frameHold:
		return x.hold()
	case framePart, frameNone:
		run, err := readRun(x.in)
		if err != nil {
			return ev, errFrame(err)
		}
		r, ok := run.in(x.size)
		if !ok {
			return ev, errFrame(nil)
		}
		ev = blob.Event{Size: x.size, Part: r, Refused: kind == frameNone}
		if kind == framePart {
			ev.Slice = x.in
		}
		return ev, nil
	}
	return ev, errFrame(nil)
}

func (x *exchange) hold() (ev blob.Event, err error) {
	n, err := binary.ReadUvarint(x.in)
	if err != nil || n > maxRuns {
		return ev, errFrame(err)
	}
	ev.Size = x.size
	for range n {
		run, err := readRun(x.in)
		if err != nil {
			return ev, errFrame(err)
		}
		r, ok := run.in(x.size)
		if !ok {
			return ev, errFrame(nil)
		}
		ev.Held = append(ev.Held, r)
	}
	return ev, nil
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
