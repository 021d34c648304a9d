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
	"github.com/mootspace/moot/internal/swarm"
)

const (
	typeExchange           = "application/vnd.moot.exchange"
	maxRequests            = 1024    // requests that may wait
	maxRuns                = 1 << 16 // ranges in one frame
	maxPrefix              = 64      // parents; more than any group has
	exchangeKeepAliveEvery = 20 * time.Second
	queuedEvery            = time.Second // between reports that requests wait
)

// exchange serves POST /v2/blobs/{id}/exchange.
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
		return moot.Errorf(moot.Invalid, "an exchange needs a body, which carries the requests")
	}
	held, err := h.node.Have(r.Context(), id)
	if err != nil {
		return err
	}
	h.exchanges.Add(1)
	defer h.exchanges.Add(-1)
	flow := h.sends.join()
	defer h.sends.leave(flow)
	w.Header().Set("Content-Type", typeExchange)
	w.WriteHeader(http.StatusOK)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	a := &responder{h: h, flow: flow, ctx: ctx, id: id, size: held.Size, out: bufio.NewWriterSize(w, copyBuffer), flush: w.FlushError,
		announced: blob.NewSet(held.Size), added: make(chan struct{}, 1)}
	requests := &stoppable{reader: body}
	var failed error
	done := make(chan struct{})
	go func() {
		defer close(done)
		failed = a.run(held)
		requests.stop()
	}()
	a.readRequests(bufio.NewReader(requests)) // here, as a body must not be read once its handler has returned
	cancel()
	<-done
	return failed
}

// stoppable is a request's body whose Read another goroutine can end.
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
	s.control.SetReadDeadline(time.Now().Add(s.stall))
	s.mu.Unlock()
	return s.ReadCloser.Read(p)
}

func (s *stoppable) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	s.control.SetReadDeadline(time.Now())
}

// responder is the serving side of an exchange.
type responder struct {
	h         *handler
	flow      uint64          // in the send queue
	ctx       context.Context //nolint:containedctx // of one request, which its methods share
	id        moot.BlobID
	size      int64
	out       *bufio.Writer
	flush     func() error
	announced *blob.Set // what was announced to the client
	to        receiver
	throttled bool // the client was asked to back off

	next *turn // of the first request; nil if none is queued for it; run's own

	mu       sync.Mutex
	requests []request
	added    chan struct{}
}

// request is a run that was requested.
type request struct {
	groupRun
	prefix uint64 // parents to omit; see frames.go
}

// readRequests reads frames until the client leaves or sends an invalid one.
func (a *responder) readRequests(in *bufio.Reader) {
	for {
		kind, err := in.ReadByte()
		if err != nil {
			return
		}
		switch kind {
		case frameKeepAlive:
			continue
		case frameAck:
			a.h.sends.ack(a.flow)
			continue
		}
		var req request
		if req.groupRun, err = readRun(in); err == nil && kind == frameRequest {
			req.prefix, err = binary.ReadUvarint(in)
		}
		if err != nil || kind != frameRequest && kind != frameCancel || !a.enqueue(kind, req) {
			return
		}
	}
}

func (a *responder) enqueue(kind byte, req request) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if kind == frameCancel {
		for i, other := range a.requests {
			if other.groupRun == req.groupRun {
				a.requests = append(a.requests[:i], a.requests[i+1:]...)
				break
			}
		}
		return true
	}
	a.requests = append(a.requests, req)
	select {
	case a.added <- struct{}{}:
	default:
	}
	return len(a.requests) <= maxRequests
}

func (a *responder) dequeue() (request, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.requests) == 0 {
		return request{}, false
	}
	req := a.requests[0]
	a.requests = a.requests[1:]
	return req, true
}

// run answers requests until the client leaves. Announcements go between parts.
func (a *responder) run(held moot.Holding) error {
	a.begin(held)
	defer a.to.leave()
	started := time.Now()
	tick := time.NewTicker(swarm.HoldingsInterval(0, 1))
	defer tick.Stop()
	queued := time.NewTicker(queuedEvery)
	defer queued.Stop()
	for {
		turn := a.turn()
		if !granted(turn) && (a.out.Flush() != nil || a.flush() != nil) {
			return nil // the client has left
		}
		if a.announced.Complete() {
			tick.Stop()
		}
		select {
		case <-turn:
			if err := a.send(); err != nil {
				return a.unlessClosed(err)
			}
		case <-a.added:
		case <-tick.C:
			a.announce()
			tick.Reset(swarm.HoldingsInterval(time.Since(started), int(a.h.exchanges.Load())))
		case <-queued.C:
			if turn != nil {
				a.out.WriteByte(frameQueued)
			}
		case <-a.ctx.Done():
			return nil
		}
	}
}

// turn returns a channel that is closed when the next request may be answered; nil if
func (a *responder) turn() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next == nil && len(a.requests) > 0 {
		r, _ := a.requests[0].in(a.size) // nothing, if it will be refused
		a.next = a.h.sends.wait(a.flow, r.Length)
	}
	if a.next == nil {
		return nil
	}
	return a.next.granted
}

func granted(turn <-chan struct{}) bool {
	select {
	case <-turn:
		return true
	default:
		return false
	}
}

// send answers the next request, whose turn was granted.
func (a *responder) send() error {
	a.next = nil
	req, ok := a.dequeue()
	sent := false
	if ok {
		var err error
		if sent, err = a.part(req); err != nil {
			return err
		}
	}
	if !sent { // it was cancelled, or refused
		a.h.sends.withdraw(a.flow)
	}
	if ok {
		a.assign(req.groupRun)
	}
	return nil
}

// begin sends the size and the holding.
func (a *responder) begin(held moot.Holding) {
	a.out.WriteByte(frameSize)
	a.number(uint64(a.size))
	a.announceHolding(held)
	if held.Complete() {
		a.to = a.h.superSeeds.join(moot.Blob{ID: a.id, Size: a.size})
		a.assign(groupRun{})
	}
}

// unlessClosed returns an error that is not the client's departure.
func (a *responder) unlessClosed(err error) error {
	if a.ctx.Err() != nil {
		return nil
	}
	return err
}

// announce announces what has come to be held.
func (a *responder) announce() {
	if held, err := a.h.node.Have(a.ctx, a.id); err == nil && held.Size == a.size {
		a.announceHolding(held)
	}
}

// announceHolding announces what is held and was not announced before.
func (a *responder) announceHolding(held moot.Holding) {
	var added []groupRun
	for _, r := range a.announced.AddNew(held.Ranges) {
		added = append(added, runOf(r))
	}
	for len(added) > 0 {
		some := added[:min(len(added), maxRuns)]
		added = added[len(some):]
		a.runs(frameHold, some)
	}
}

// assign assigns parts to the client after one was sent, or asks it to back off.
func (a *responder) assign(sent groupRun) {
	a.mu.Lock()
	waiting := len(a.requests)
	a.mu.Unlock()
	first, backOff := a.to.sent(sent, waiting)
	if len(first) > 0 {
		a.runs(framePreferred, first)
	}
	if backOff && a.h.backOff && !a.throttled {
		a.throttled = true
		a.out.WriteByte(frameThrottle)
	}
}

func (a *responder) runs(kind byte, runs []groupRun) {
	a.out.WriteByte(kind)
	a.number(uint64(len(runs)))
	for _, run := range runs {
		a.number(run.first)
		a.number(run.count)
	}
}

func (a *responder) number(n uint64) {
	var buf [binary.MaxVarintLen64]byte
	a.out.Write(buf[:binary.PutUvarint(buf[:], n)])
}

// part sends a part, or a refusal if it is not held. An error after its beginning ends
// the exchange, because the client cannot know where the next frame begins.
func (a *responder) part(req request) (sent bool, err error) {
	kind := byte(framePart)
	var slice io.ReadCloser
	rng, ok := req.in(a.size)
	ok = ok && req.prefix <= maxPrefix
	if ok {
		slice, err = a.h.node.Get(a.ctx, a.id, rng)
		ok = err == nil
	}
	if !ok {
		kind = frameRefused
	}
	a.out.WriteByte(kind)
	a.number(req.first)
	a.number(req.count)
	if !ok {
		return false, nil
	}
	defer slice.Close()
	a.number(req.prefix)
	to := &trimmed{to: a.out}
	if req.prefix > 0 {
		to.skip = blob.ProofPrefixSize(int64(req.prefix) - 1)
	}
	_, err = io.Copy(to, slice)
	return true, err
}

// trimmed drops the first bytes written to it.
type trimmed struct {
	to   *bufio.Writer
	skip int64
}

// Buffered shows the writer of a slice that it needs no buffer of its own.
func (t *trimmed) Buffered() int { return t.to.Buffered() }

func (t *trimmed) Write(p []byte) (int, error) {
	n := min(t.skip, int64(len(p)))
	t.skip -= n
	m, err := t.to.Write(p[n:])
	return int(n) + m, err
}
