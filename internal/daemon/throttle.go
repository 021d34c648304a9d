package daemon

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/mootspace/moot"
)

// throttle counts the bytes that go one way, and keeps them below the rate that the
// home's owner wishes, over all others together.
type throttle struct {
	passed  atomic.Int64
	limiter atomic.Pointer[rate.Limiter] // nil: no limit
}

const (
	// Those who wait for a limited link take turns. There are so many turns a second that
	// even hundreds of them move every few seconds, and none seems dead to the other side.
	turns     = 256
	leastTurn = 512 // bytes
	mostTurn  = 256 << 10

	// catchUp is how much may be made up for after a pause, as of a process that did not
	// get its turn on the processor.
	catchUp = time.Second / 16
)

// limit sets the rate in bytes per second; 0 for none. What waits already waits no
// longer than it would have.
func (t *throttle) limit(bytes int64) {
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
func (t *throttle) turn() int {
	if l := t.limiter.Load(); l != nil {
		return turnAt(l.Limit())
	}
	return mostTurn
}

// pass counts bytes, at most a turn, and waits until they may pass. Kind Unavailable if
// ctx does not allow for that.
func (t *throttle) pass(ctx context.Context, n int) error {
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

// reader returns r, read no faster than the limit. What was read is handed on when it
// may pass, so that nobody has the turn who has nothing to read.
func (t *throttle) reader(ctx context.Context, r io.Reader) io.Reader {
	return &throttledReader{r, t, ctx}
}

type throttledReader struct {
	io.Reader
	t   *throttle
	ctx context.Context
}

func (r *throttledReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p[:min(len(p), r.t.turn())])
	if late := r.t.pass(r.ctx, n); late != nil {
		return 0, late
	}
	return n, err
}

// wrap limits what a handler answers.
func (t *throttle) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&throttledWriter{w, t, r.Context()}, r)
	})
}

type throttledWriter struct {
	http.ResponseWriter
	t   *throttle
	ctx context.Context
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
