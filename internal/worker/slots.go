package worker

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

// slots hand out the right to run, in turns between members.
type slots struct {
	count func() int

	mu      sync.Mutex
	running map[moot.Key]int
	served  map[moot.Key]uint64 // when a member last got a slot, as a count of all
	turn    uint64
	total   int
	queued  map[moot.Key]int
	all     int
	waiting []*waiter
}

type waiter struct {
	member moot.Key
	ready  chan struct{}
}

func newSlots(count func() int) *slots {
	return &slots{count: count, running: map[moot.Key]int{}, served: map[moot.Key]uint64{}, queued: map[moot.Key]int{}}
}

// maxQueued bounds the tasks that wait here for one member, and for all together, as
// multiples of the slots.
const (
	maxQueued    = 8
	maxQueuedAll = 32
)

// queue takes note of a task, or refuses it with kind Unavailable: others are less busy.
func (s *slots) queue(member moot.Key) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := max(s.count(), 1)
	if s.queued[member] >= maxQueued*n || s.all >= maxQueuedAll*n {
		return nil, moot.Errorf(moot.Unavailable, "this worker has too much to do")
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

// again is how often the number of slots is looked at while tasks wait: it may grow.
const again = time.Second

// maxRemembered is of how many members the turns are remembered.
const maxRemembered = 10_000

// acquire waits until the task may run.
func (s *slots) acquire(ctx context.Context, member moot.Key) (release func(), err error) {
	w := &waiter{member, make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, w)
	s.serve()
	s.mu.Unlock()
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		select {
		case <-w.ready:
			return func() { s.release(member) }, nil
		case <-tick.C:
			s.mu.Lock()
			s.serve()
			s.mu.Unlock()
		case <-ctx.Done():
			s.mu.Lock()
			defer s.mu.Unlock()
			if i := slices.Index(s.waiting, w); i >= 0 {
				s.waiting = slices.Delete(s.waiting, i, i+1)
				return nil, ctx.Err()
			}
			s.free(member) // it came in the same moment
			return nil, ctx.Err()
		}
	}
}

// serve lets those run who may: who has less running goes first, then whose turn is
// longest ago, then who came first.
func (s *slots) serve() {
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

func (s *slots) release(member moot.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free(member)
}

func (s *slots) free(member moot.Key) {
	s.total--
	if s.running[member]--; s.running[member] == 0 {
		delete(s.running, member)
	}
	if len(s.served) > maxRemembered {
		clear(s.served)
	}
	s.serve()
}
