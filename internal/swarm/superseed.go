package swarm

import (
	"math/rand/v2"
	"time"
)

// HoldingsInterval is the time between announcements of what a node has come to hold,
// in an exchange of this age among so many. All announcements together cost the square
// of the number of peers; they are urgent among few peers, which depend on one another,
// and at the beginning, while there is little to choose from.
func HoldingsInterval(age time.Duration, peers int) time.Duration {
	return min(50*time.Millisecond+age/4, 25*time.Millisecond*time.Duration(max(2, min(peers, 40))))
}

// SuperSeed is super-seeding: the source of a whole blob sends each part once before it
// sends any part twice, so that the receivers soon hold the blob together, also if the
// source leaves then. Each receiver is assigned parts to request first; a part is
// assigned to one receiver only, unless that leaves.
//
// Receivers are numbered by the caller. It is not safe for concurrent use.
type SuperSeed struct {
	part       int64
	groups     int64
	unassigned []int64          // parts assigned to no receiver, in random order
	assigned   map[int64]uint64 // by part: the receiver
	open       map[uint64]int   // by receiver: parts assigned and not sent yet
	sent       map[int64]int64  // by part: groups sent, until all parts are
	total      int64            // groups sent
}

// assignAhead is how many parts are assigned to a receiver beyond those it has requested.
const assignAhead = 8

// NewSuperSeed returns the state of a source that has sent nothing.
func NewSuperSeed(groups, part int64, seed uint64) *SuperSeed {
	s := &SuperSeed{part: part, groups: groups, assigned: map[int64]uint64{}, open: map[uint64]int{}, sent: map[int64]int64{}}
	for _, p := range rand.New(rand.NewPCG(seed, 2)).Perm(int((groups + part - 1) / part)) {
		s.unassigned = append(s.unassigned, int64(p))
	}
	return s
}

// Assign returns parts newly assigned to a receiver; waiting is the number of its
// requests that are not answered yet.
func (s *SuperSeed) Assign(to uint64, waiting int) (runs []Run) {
	for s.open[to] < waiting+assignAhead && len(s.unassigned) > 0 {
		p := s.unassigned[len(s.unassigned)-1]
		s.unassigned = s.unassigned[:len(s.unassigned)-1]
		if s.sent[p] >= s.size(p) {
			continue
		}
		s.assigned[p] = to
		s.open[to]++
		runs = append(runs, Run{p * s.part, s.size(p)})
	}
	return runs
}

// Sent records that a part, or a piece of one, was sent to any receiver.
func (s *SuperSeed) Sent(r Run) {
	s.total += r.Count
	p := r.First / s.part
	to, assigned := s.assigned[p]
	if !assigned && len(s.unassigned) == 0 {
		return // every part was sent, or is assigned
	}
	s.sent[p] += r.Count
	if assigned && s.sent[p] >= s.size(p) {
		delete(s.assigned, p)
		s.open[to]--
	}
}

// CanBackOff reports whether so many receivers can finish almost as fast without this
// source: it has sent each part, some twice, and their uplinks together are much more
// than its own.
func (s *SuperSeed) CanBackOff(receivers int) bool {
	const enough, copies = 12, 1.3
	return receivers >= enough && float64(s.total) >= copies*float64(s.groups)
}

// size returns how many groups part p has.
func (s *SuperSeed) size(p int64) int64 { return min(s.part, s.groups-p*s.part) }

// Leave removes a receiver, and frees the parts assigned to it that were not sent.
func (s *SuperSeed) Leave(receiver uint64) {
	for p, to := range s.assigned {
		if to == receiver {
			delete(s.assigned, p)
			s.unassigned = append(s.unassigned, p)
		}
	}
	delete(s.open, receiver)
}
