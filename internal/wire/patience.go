package wire

import (
	"context"
	"time"

	"github.com/mootspace/moot"
)

// patience ends a request when the other side has been silent for too long while
// this side waited for it; the time that this side takes itself does not count.
type patience struct {
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

// newPatience returns a context for the request, and begins to wait.
func newPatience(ctx context.Context, limit time.Duration) (context.Context, *patience) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() {
		cancel(moot.Errorf(moot.Unavailable, "silent for %v", limit))
	})
	return ctx, &patience{limit, timer, cancel}
}

// begin and rest are called around every wait.
func (p *patience) begin() { p.timer.Reset(p.limit) }
func (p *patience) rest()  { p.timer.Stop() }

// over ends the request.
func (p *patience) over() {
	p.timer.Stop()
	p.cancel(nil)
}
