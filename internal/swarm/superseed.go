package swarm

import (
	"math/rand/v2"
	"time"
)

// NewsAfter is how long a node waits until it tells again what it has come to hold, if
// it has been telling for so long, and so many at the same time. All news together cost
// the square of the number of peers; they are needed soon by few, who depend on one
// another, and at first, while there is little to choose from.
func NewsAfter(age time.Duration, peers int) time.Duration {
	return min(50*time.Millisecond+age/4, 25*time.Millisecond*time.Duration(max(2, min(peers, 40))))
}

// Spread is what a source of a whole blob wishes: that each part leaves it once before
// any leaves it twice, so that all of the blob is among the others soon, also if the
// source goes away then. Receivers are told which parts to ask for first; those that
// were promised to one are not promised to another unless it goes away.
//
// Receivers go by numbers of the caller's. It is not safe for concurrent use.
type Spread struct {
	part     int64
	groups   int64
	waiting  []int64          // parts promised to nobody, in random order
	promised map[int64]uint64 // parts on their way, and to whom
	open     map[uint64]int   // how many of them
	sent     map[int64]int64  // by part: groups that have left, until all parts have
	total    int64            // groups that have left
}

// promiseAhead is how many parts a receiver knows of beyond those it has asked for.
const promiseAhead = 8

// NewSpread returns the wishes of a source of which nothing was asked yet.
func NewSpread(groups, part int64, seed uint64) *Spread {
	s := &Spread{part: part, groups: groups, promised: map[int64]uint64{}, open: map[uint64]int{}, sent: map[int64]int64{}}
	for _, p := range rand.New(rand.NewPCG(seed, 2)).Perm(int((groups + part - 1) / part)) {
		s.waiting = append(s.waiting, int64(p))
	}
	return s
}

// Promise returns what a receiver should ask for first beyond what it was told before;
// asked is how many of its requests wait.
func (s *Spread) Promise(to uint64, asked int) (runs []Run) {
	for s.open[to] < asked+promiseAhead && len(s.waiting) > 0 {
		p := s.waiting[len(s.waiting)-1]
		s.waiting = s.waiting[:len(s.waiting)-1]
		if s.sent[p] >= s.size(p) {
			continue
		}
		s.promised[p] = to
		s.open[to]++
		runs = append(runs, Run{p * s.part, s.size(p)})
	}
	return runs
}

// Sent records that a part, or a piece of one, was sent to somebody.
func (s *Spread) Sent(r Run) {
	s.total += r.Count
	p := r.First / s.part
	to, promised := s.promised[p]
	if !promised && len(s.waiting) == 0 {
		return // all have left, or are about to
	}
	s.sent[p] += r.Count
	if promised && s.sent[p] >= s.size(p) {
		delete(s.promised, p)
		s.open[to]--
	}
}

// Spared reports whether a server may leave the rest to so many receivers: each part has
// left it, some twice, and their uplinks together are much more than its own, so that
// little time is lost.
func (s *Spread) Spared(receivers int) bool {
	const enough, copies = 12, 1.3
	return receivers >= enough && float64(s.total) >= copies*float64(s.groups)
}

// size returns how many groups part p has.
func (s *Spread) size(p int64) int64 { return min(s.part, s.groups-p*s.part) }

// Leave records that a receiver is gone: what it was promised and has not got is for
// others.
func (s *Spread) Leave(who uint64) {
	for p, to := range s.promised {
		if to == who {
			delete(s.promised, p)
			s.waiting = append(s.waiting, p)
		}
	}
	delete(s.open, who)
}
