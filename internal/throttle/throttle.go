// Package throttle counts bytes and keeps them below a rate: of readers, and of what an
// HTTP handler answers.
//
// It must not know what the bytes are or whose they are.
package throttle

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/mootspace/moot"
)

// Throttle counts the bytes of one direction and keeps them below a rate, of all readers
// and writers together. The zero Throttle has no limit.
type Throttle struct {
	passed  atomic.Int64
	limiter atomic.Pointer[rate.Limiter] // nil: no limit
}

const (
	// Flows over a limited link take turns, so many a second that each of hundreds moves
	// every few seconds and none looks dead to the other side.
	turns     = 256
	leastTurn = 512 // bytes
	mostTurn  = 256 << 10

	// catchUp is how much may be made up for after a pause in scheduling.
	catchUp = time.Second / 16
)

// Passed returns how many bytes have passed.
func (t *Throttle) Passed() int64 { return t.passed.Load() }

// Limit sets the rate in bytes per second; 0 for none. Bytes that wait already wait no
// longer than they would have.
func (t *Throttle) Limit(bytes int64) {
	if bytes <= 0 {
		t.limiter.Store(nil)
		return
	}
	// A new limiter, because what the old one has promised would be paid at the new rate.
	burst := max(turnAt(rate.Limit(bytes)), int(float64(bytes)*catchUp.Seconds()))
	t.limiter.Store(rate.NewLimiter(rate.Limit(bytes), burst))
}

func turnAt(l rate.Limit) int { return int(min(max(l/turns, leastTurn), mostTurn)) }

// turn returns how many bytes should pass at once.
func (t *Throttle) turn() int {
	if l := t.limiter.Load(); l != nil {
		return turnAt(l.Limit())
	}
	return mostTurn
}

// pass counts bytes, at most a turn, and waits until they may pass. Kind Unavailable if
// ctx does not allow for that.
func (t *Throttle) pass(ctx context.Context, n int) error {
	t.passed.Add(int64(n))
	l := t.limiter.Load()
	for l != nil && n > 0 { // more than the burst if the limit was lowered just now
		some := min(n, l.Burst())
		if err := l.WaitN(ctx, some); err != nil {
			return moot.Errorf(moot.Unavailable, "wait for the rate limit: %w", err)
		}
		n -= some
	}
	return nil
}

// Reader returns r, read no faster than the limit. Bytes are read first and wait then, so
// that no turn goes to a reader without bytes.
func (t *Throttle) Reader(ctx context.Context, r io.Reader) io.Reader {
	return &throttledReader{r, t, ctx}
}

type throttledReader struct {
	io.Reader
	t   *Throttle
	ctx context.Context //nolint:containedctx // methods of io take no context
}

func (r *throttledReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p[:min(len(p), r.t.turn())])
	if late := r.t.pass(r.ctx, n); late != nil {
		return 0, late
	}
	return n, err
}

// Handler limits what a handler answers.
func (t *Throttle) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&throttledWriter{w, t, r.Context()}, r)
	})
}

type throttledWriter struct {
	http.ResponseWriter
	t   *Throttle
	ctx context.Context //nolint:containedctx // methods of io take no context
}

// Unwrap lets http.ResponseController reach deadlines and flushing.
func (w *throttledWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *throttledWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		chunk := p[:min(len(p), w.t.turn())]
		if err := w.t.pass(w.ctx, len(chunk)); err != nil {
			return n, err
		}
		var m int
		m, err = w.ResponseWriter.Write(chunk)
		n += m
		p = p[m:]
	}
	return n, err
}
