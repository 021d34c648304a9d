package wire

import (
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot/internal/swarm"
)

// uplink gives the exchanges of this node their turns to send parts.
type uplink struct {
	mu      sync.Mutex
	plan    *swarm.SendWindow
	waiting []*turn // the oldest first
	timer   *time.Timer
	last    uint64 // number of an exchange
	given   int    // turns
}

// turn is what an exchange waits for before it sends a part.
type turn struct {
	lane  uint64
	bytes int64
	now   chan struct{} // closed when it has come
}

// join returns the number by which an exchange goes.
func (u *uplink) join() uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.plan == nil {
		u.plan = swarm.NewSendWindow()
	}
	u.last++
	return u.last
}

func (u *uplink) leave(lane uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.plan.Leave(lane)
	u.waiting = slices.DeleteFunc(u.waiting, func(t *turn) bool { return t.lane == lane })
	u.admit()
}

// wait queues for sending so many bytes. They are counted as sent from when the turn comes.
func (u *uplink) wait(lane uint64, bytes int64) *turn {
	u.mu.Lock()
	defer u.mu.Unlock()
	t := &turn{lane, bytes, make(chan struct{})}
	u.waiting = append(u.waiting, t)
	u.admit()
	return t
}

// came notes that the other side has got a part.
func (u *uplink) came(lane uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.plan.Ack(lane, time.Now())
	u.admit()
}

// withdraw gives a turn back that has come, but was not used.
func (u *uplink) withdraw(lane uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.plan.Withdraw(lane)
	u.admit()
}

// admit lets all go whose turn has come. The caller holds u.mu.
func (u *uplink) admit() {
	now := time.Now()
	for t := u.next(now); t != nil; t = u.next(now) {
		u.waiting = slices.DeleteFunc(u.waiting, func(o *turn) bool { return o == t })
		u.plan.Sent(t.lane, t.bytes, now)
		u.given++
		close(t.now)
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
	u.timer.Reset(u.plan.NextExpiry(now))
}

// next returns whose turn it is, if there is room: alternately who waits for longest, so
// that nobody starves, and who has got least. The caller holds u.mu.
func (u *uplink) next(now time.Time) (best *turn) {
	for _, t := range u.waiting {
		if !u.plan.CanSend(t.lane, now) {
			continue
		}
		if best == nil || u.given%2 == 1 && u.plan.Total(t.lane) < u.plan.Total(best.lane) {
			best = t
		}
	}
	return best
}
