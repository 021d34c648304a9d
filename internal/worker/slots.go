package worker

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

// slots grants the slots of a worker to members by fair queuing.
type slots struct {
	count func() int

	mu      sync.Mutex
	running map[moot.MemberID]int
	served  map[moot.MemberID]uint64 // turn at which a member last got a slot
	turn    uint64
	total   int
	queued  map[moot.MemberID]int
	all     int // sum of queued
	waiting []*waiter
}

type waiter struct {
	member moot.MemberID
	ready  chan struct{}
}

func newSlots(count func() int) *slots {
	return &slots{count: count, running: map[moot.MemberID]int{}, served: map[moot.MemberID]uint64{}, queued: map[moot.MemberID]int{}}
}

// Limits on the tasks that wait for one member, and for all members, per slot.
const (
	maxQueued    = 8
	maxQueuedAll = 32
)

// queue counts a waiting task. Kind Unavailable if too many wait: other workers are less
// busy.
func (s *slots) queue(member moot.MemberID) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := max(s.count(), 1)
	if s.queued[member] >= maxQueued*n || s.all >= maxQueuedAll*n {
		return nil, moot.Errorf(moot.Unavailable, "this worker has too many tasks waiting")
	}
	s.queued[member]++
	s.all++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.queued[member]--; s.queued[member] == 0 {
			delete(s.queued, member)
		}
	}, nil
}

// recheckEvery is how often waiting tasks see a change of the number of slots.
const recheckEvery = time.Second

// maxRemembered bounds the members whose last turn is stored.
const maxRemembered = 10_000

// withdraw gives up a place in the queue, or the slot that was granted at that moment.
func (s *slots) withdraw(w *waiter, member moot.MemberID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, w); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		return
	}
	s.free(member)
}

// acquire waits until the task may run.
func (s *slots) acquire(ctx context.Context, member moot.MemberID) (release func(), err error) {
	w := &waiter{member, make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, w)
	s.grant()
	s.mu.Unlock()
	select {
	case <-w.ready:
		return func() { s.release(member) }, nil
	default:
	}
	tick := time.NewTicker(recheckEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.ready:
			return func() { s.release(member) }, nil
		case <-tick.C:
			s.mu.Lock()
			s.grant()
			s.mu.Unlock()
		case <-ctx.Done():
			s.withdraw(w, member)
			return nil, ctx.Err()
		}
	}
}

// grant grants free slots: to the member with the fewest running tasks, then to the one
// whose last turn is longest ago, then in order of arrival.
func (s *slots) grant() {
	for len(s.waiting) > 0 && s.total < s.count() {
		best := 0
		for i, w := range s.waiting {
			other := s.waiting[best].member
			if cmp.Or(cmp.Compare(s.running[w.member], s.running[other]), cmp.Compare(s.served[w.member], s.served[other])) < 0 {
				best = i
			}
		}
		w := s.waiting[best]
		s.waiting = slices.Delete(s.waiting, best, best+1)
		s.turn++
		s.running[w.member]++
		s.served[w.member] = s.turn
		s.total++
		close(w.ready)
	}
}

func (s *slots) release(member moot.MemberID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free(member)
}

func (s *slots) free(member moot.MemberID) {
	s.total--
	if s.running[member]--; s.running[member] == 0 {
		delete(s.running, member)
	}
	if len(s.served) > maxRemembered {
		clear(s.served)
	}
	s.grant()
}
