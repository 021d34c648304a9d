package wire

import (
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot/internal/swarm"
)

// sendQueue grants the exchanges of this node their turns to send parts.
type sendQueue struct {
	mu      sync.Mutex
	window  *swarm.SendWindow
	waiting []*turn // the oldest first
	timer   *time.Timer
	last    uint64 // number of a flow
	granted int    // number of turns
}

// turn is an exchange's permission to send a part.
type turn struct {
	flow    uint64
	bytes   int64
	granted chan struct{} // closed when it is
}

// join returns the number of a new flow: one exchange.
func (u *sendQueue) join() uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.window == nil {
		u.window = swarm.NewSendWindow()
	}
	u.last++
	return u.last
}

func (u *sendQueue) leave(flow uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.window.Leave(flow)
	u.waiting = slices.DeleteFunc(u.waiting, func(t *turn) bool { return t.flow == flow })
	u.admit()
}

// wait queues a part of so many bytes, which count as sent once the turn is granted.
func (u *sendQueue) wait(flow uint64, bytes int64) *turn {
	u.mu.Lock()
	defer u.mu.Unlock()
	t := &turn{flow, bytes, make(chan struct{})}
	u.waiting = append(u.waiting, t)
	u.admit()
	return t
}

// ack records that the receiver has acknowledged a part.
func (u *sendQueue) ack(flow uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.window.Ack(flow, time.Now())
	u.admit()
}

// withdraw returns a turn that was granted, but not used.
func (u *sendQueue) withdraw(flow uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.window.Withdraw(flow)
	u.admit()
}

// admit grants all turns for which the window has room. The caller holds u.mu.
func (u *sendQueue) admit() {
	now := time.Now()
	for t := u.next(now); t != nil; t = u.next(now) {
		u.waiting = slices.DeleteFunc(u.waiting, func(o *turn) bool { return o == t })
		u.window.Sent(t.flow, t.bytes, now)
		u.granted++
		close(t.granted)
	}
	if len(u.waiting) == 0 {
		return
	}
	if u.timer == nil {
		u.timer = time.AfterFunc(time.Hour, func() {
			u.mu.Lock()
			defer u.mu.Unlock()
			u.admit()
		})
	}
	u.timer.Reset(u.window.NextExpiry(now))
}

// next returns the next turn, if there is room: alternately the one that waits longest,
// so that no flow starves, and that of the flow that was sent least. The caller holds
// u.mu.
func (u *sendQueue) next(now time.Time) (best *turn) {
	for _, t := range u.waiting {
		if !u.window.CanSend(t.flow, now) {
			continue
		}
		if best == nil || u.granted%2 == 1 && u.window.Total(t.flow) < u.window.Total(best.flow) {
			best = t
		}
	}
	return best
}
