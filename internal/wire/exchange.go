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
	typeExchange = "application/vnd.moot.exchange"
	maxAsked     = 1024    // requests that may wait at the answering side
	maxRuns      = 1 << 16 // ranges in one frame
	maxKnown     = 64      // more parents than any group has
	keepEvery    = 20 * time.Second
	waitEvery    = time.Second // between words to those who wait for their turn
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
	h.exchanges.Add(1)
	defer h.exchanges.Add(-1)
	lane := h.uplink.join()
	defer h.uplink.leave(lane)
	w.Header().Set("Content-Type", typeExchange)
	w.WriteHeader(http.StatusOK)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	a := &answerer{h: h, lane: lane, ctx: ctx, id: id, size: held.Size, out: bufio.NewWriterSize(w, copyBuffer), flush: w.FlushError,
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
	lane  uint64 // at the uplink
	ctx   context.Context
	id    moot.BlobID
	size  int64
	out   *bufio.Writer
	flush func() error
	told  *blob.Set // what the other side knows to be held here
	to    receiver
	rests bool // the other side was told so

	next *turn // of the first request; nil if it does not wait yet; run's own

	mu    sync.Mutex
	asked []request
	more  chan struct{}
}

// request is a run that is asked for.
type request struct {
	groupRun
	known uint64 // see frameAsk
}

// listen takes in what is asked until the other side goes away or makes no sense.
func (a *answerer) listen(in *bufio.Reader) {
	for {
		kind, err := in.ReadByte()
		if err != nil {
			return
		}
		switch kind {
		case frameKeep:
			continue
		case frameCame:
			a.h.uplink.came(a.lane)
			continue
		}
		var req request
		if req.groupRun, err = readRun(in); err == nil && kind == frameAsk {
			req.known, err = binary.ReadUvarint(in)
		}
		if err != nil || kind != frameAsk && kind != frameCancel || !a.note(kind, req) {
			return
		}
	}
}

func (a *answerer) note(kind byte, req request) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if kind == frameCancel {
		for i, other := range a.asked {
			if other.groupRun == req.groupRun {
				a.asked = append(a.asked[:i], a.asked[i+1:]...)
				break
			}
		}
		return true
	}
	a.asked = append(a.asked, req)
	select {
	case a.more <- struct{}{}:
	default:
	}
	return len(a.asked) <= maxAsked
}

func (a *answerer) take() (request, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.asked) == 0 {
		return request{}, false
	}
	req := a.asked[0]
	a.asked = a.asked[1:]
	return req, true
}

// run answers until the other side leaves. What is newly held is told between parts.
func (a *answerer) run(held moot.Holding) error {
	a.greet(held)
	defer a.to.leave()
	begun := time.Now()
	tick := time.NewTicker(swarm.HoldingsInterval(0, 1))
	defer tick.Stop()
	patience := time.NewTicker(waitEvery)
	defer patience.Stop()
	for {
		turn := a.turn()
		if !here(turn) && (a.out.Flush() != nil || a.flush() != nil) {
			return nil // nobody listens any more
		}
		if a.told.Complete() {
			tick.Stop()
		}
		select {
		case <-turn:
			if err := a.send(); err != nil {
				return a.unlessLeft(err)
			}
		case <-a.more:
		case <-tick.C:
			a.news()
			tick.Reset(swarm.HoldingsInterval(time.Since(begun), int(a.h.exchanges.Load())))
		case <-patience.C:
			if turn != nil {
				a.out.WriteByte(frameWait)
			}
		case <-a.ctx.Done():
			return nil
		}
	}
}

// turn is closed when the next request may be answered; nil if there is none.
func (a *answerer) turn() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next == nil && len(a.asked) > 0 {
		r, _ := a.asked[0].in(a.size) // nothing, if it will be refused
		a.next = a.h.uplink.wait(a.lane, r.Length)
	}
	if a.next == nil {
		return nil
	}
	return a.next.now
}

func here(turn <-chan struct{}) bool {
	select {
	case <-turn:
		return true
	default:
		return false
	}
}

// send answers the next request. Its turn has come.
func (a *answerer) send() error {
	a.next = nil
	req, ok := a.take()
	sent := false
	if ok {
		var err error
		if sent, err = a.part(req); err != nil {
			return err
		}
	}
	if !sent { // it was taken back, or refused
		a.h.uplink.withdraw(a.lane)
	}
	if ok {
		a.wish(req.groupRun)
	}
	return nil
}

// greet begins the conversation.
func (a *answerer) greet(held moot.Holding) {
	a.out.WriteByte(frameSize)
	a.number(uint64(a.size))
	a.tell(held)
	if held.Complete() {
		a.to = a.h.spreads.join(moot.Blob{ID: a.id, Size: a.size})
		a.wish(groupRun{})
	}
}

// unlessLeft returns an error that is not the other side's departure.
func (a *answerer) unlessLeft(err error) error {
	if a.ctx.Err() != nil {
		return nil
	}
	return err
}

// news tells what has come to be held.
func (a *answerer) news() {
	if held, err := a.h.node.Have(a.ctx, a.id); err == nil && held.Size == a.size {
		a.tell(held)
	}
}

// tell says what is held that was not said before.
func (a *answerer) tell(held moot.Holding) {
	var news []groupRun
	for _, r := range a.told.AddNew(held.Ranges) {
		news = append(news, runOf(r))
	}
	for len(news) > 0 {
		some := news[:min(len(news), maxRuns)]
		news = news[len(some):]
		a.runs(frameHold, some)
	}
}

// wish says what should be asked for first, after a part was sent.
func (a *answerer) wish(sent groupRun) {
	a.mu.Lock()
	waiting := len(a.asked)
	a.mu.Unlock()
	first, spared := a.to.sent(sent, waiting)
	if len(first) > 0 {
		a.runs(frameFirst, first)
	}
	if spared && a.h.spared && !a.rests {
		a.rests = true
		a.out.WriteByte(frameRest)
	}
}

func (a *answerer) runs(kind byte, runs []groupRun) {
	a.out.WriteByte(kind)
	a.number(uint64(len(runs)))
	for _, run := range runs {
		a.number(run.first)
		a.number(run.count)
	}
}

func (a *answerer) number(n uint64) {
	var buf [binary.MaxVarintLen64]byte
	a.out.Write(buf[:binary.PutUvarint(buf[:], n)])
}

// part sends what was asked for, or says that it is not held. An error after its
// beginning ends the exchange: the other side cannot know where the next frame is.
func (a *answerer) part(req request) (sent bool, err error) {
	kind := byte(framePart)
	var slice io.ReadCloser
	rng, ok := req.in(a.size)
	ok = ok && req.known <= maxKnown
	if ok {
		slice, err = a.h.node.Get(a.ctx, a.id, rng)
		ok = err == nil
	}
	if !ok {
		kind = frameNone
	}
	a.out.WriteByte(kind)
	a.number(req.first)
	a.number(req.count)
	if !ok {
		return false, nil
	}
	defer slice.Close()
	a.number(req.known)
	to := &trimmed{to: a.out}
	if req.known > 0 {
		to.skip = blob.ProofPrefixSize(int64(req.known) - 1)
	}
	_, err = io.Copy(to, slice)
	return true, err
}

// trimmed leaves out the first bytes of what is written to it.
type trimmed struct {
	to   *bufio.Writer
	skip int64
}

// Buffered tells the writing side that it needs no buffer of its own.
func (t *trimmed) Buffered() int { return t.to.Buffered() }

func (t *trimmed) Write(p []byte) (int, error) {
	n := min(t.skip, int64(len(p)))
	t.skip -= n
	m, err := t.to.Write(p[n:])
	return int(n) + m, err
}
