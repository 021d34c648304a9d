package daemon

import (
	"context"
	"net/http"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// throttle counts the bytes sent to others and keeps them below the rate that the
// home's owner wishes, over all receivers together.
type throttle struct {
	sent    atomic.Int64
	limiter *rate.Limiter
}

// burst is the most that leaves at once: one write of the blob encoder.
const burst = 256 << 10

func newThrottle() *throttle { return &throttle{limiter: rate.NewLimiter(rate.Inf, burst)} }

// limit sets the rate in bytes per second; 0 for none.
func (t *throttle) limit(bytes int64) {
	if bytes <= 0 {
		t.limiter.SetLimit(rate.Inf)
		return
	}
	t.limiter.SetLimit(rate.Limit(bytes))
}

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
	for len(p) > 0 {
		chunk := p[:min(len(p), burst)]
		if err := w.t.limiter.WaitN(w.ctx, len(chunk)); err != nil {
			return n, err
		}
		m, err := w.ResponseWriter.Write(chunk)
		n += m
		w.t.sent.Add(int64(m))
		if err != nil {
			return n, err
		}
		p = p[m:]
	}
	return n, nil
}
