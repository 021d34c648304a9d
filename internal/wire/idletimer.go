package wire

import (
	"context"
	"time"

	"github.com/mootspace/moot"
)

// idleTimer ends a request when the other side has sent nothing for the idle timeout
// while this side waited; this side's own time does not count.
type idleTimer struct {
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

// newIdleTimer returns a context for the request, and starts the timer.
func newIdleTimer(ctx context.Context, limit time.Duration) (context.Context, *idleTimer) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() {
		cancel(moot.Errorf(moot.Unavailable, "no data for %v", limit))
	})
	return ctx, &idleTimer{limit, timer, cancel}
}

// start and rest are called around every wait.
func (p *idleTimer) start() { p.timer.Reset(p.limit) }
func (p *idleTimer) pause() { p.timer.Stop() }

// stop ends the request.
func (p *idleTimer) stop() {
	p.timer.Stop()
	p.cancel(nil)
}
