// Package swarm schedules the download of one blob from several sources at once
// ([State]), and on the sending side super-seeding ([SuperSeed]) and the send window
// ([SendWindow]): pure state machines, so that they can be tested and whole swarms be
// simulated. The rules are those of BitTorrent (Cohen, "Incentives Build Robustness in
// BitTorrent", 2003): rarest part first with random ties, and a bounded end-game; but
// what a reader needs next goes before everything else.
//
// It must not know any network, clock, disk or hash: time is passed in, groups that
// arrive have been verified by the caller, and bytes are counted in groups.
package swarm

import (
	"math/rand/v2"
	"time"

	"github.com/mootspace/moot"
)

// Copies is the largest number of sources from which one group is in flight.
const Copies = 2

// Config describes a download.
type Config struct {
	Groups     int64         // of the whole blob, at least 1
	Part       int64         // groups in a request; 0 means PartGroups(Groups)
	Window     int           // parts ahead of a reader that are requested in order; 0 means 8
	Depth      int           // requests in flight at one source; 0 means 2
	Stall      time.Duration // stall timeout: a source with requests sends nothing for so long; 0 means 5 s
	HedgeAfter time.Duration // hedge delay: a reader waits so long before a second source is used; 0 means 2 s
	Seed       uint64        // of the random choice between equally rare parts
}

// Run is a range of groups.
type Run struct{ First, Count int64 }

// End returns the group after the last.
func (r Run) End() int64 { return r.First + r.Count }

func (r Run) has(g int64) bool { return g >= r.First && g < r.End() }

func (r Run) meets(o Run) bool { return r.First < o.End() && o.First < r.End() }

func (r Run) covers(o Run) bool { return r.First <= o.First && o.End() <= r.End() }

// State is one download. It is not safe for concurrent use.
type State struct {
	cfg      Config
	random   *rand.Rand
	held     []uint64 // bitmap of groups
	missing  []int32  // by part: groups not held
	lacking  int64    // groups not held
	avail    []int32  // by part: sources that hold some of it
	pending  []int32  // by part: requests in flight for some of it
	wants    []Run    // needed by each reader, from its position
	ordered  []Run    // those of wants that are needed in order
	sources  map[moot.Key]*source
	inflight []*inflight // in flight, the oldest first
	lastID   uint64
}

// PartGroups returns the part size for a blob of so many groups of 16 KiB: a power of
// two that makes 350 to 700 parts, at most 16 MiB each. With fewer parts peers have too
// little to exchange for too long; each part costs processor time.
func PartGroups(groups int64) int64 {
	part := int64(1)
	for part < 1024 && part*700 < groups {
		part *= 2
	}
	return part
}

// New returns a download of which nothing is held, wanted or known.
func New(cfg Config) *State {
	cfg.Groups = max(cfg.Groups, 1)
	if cfg.Part <= 0 {
		cfg.Part = PartGroups(cfg.Groups)
	}
	cfg.Window = positive(cfg.Window, 8)
	cfg.Depth = positive(cfg.Depth, 2)
	cfg.Stall = positive(cfg.Stall, 5*time.Second)
	cfg.HedgeAfter = positive(cfg.HedgeAfter, 2*time.Second)
	parts := (cfg.Groups + cfg.Part - 1) / cfg.Part
	s := &State{
		cfg:     cfg,
		random:  rand.New(rand.NewPCG(cfg.Seed, 0)),
		held:    make([]uint64, (cfg.Groups+63)/64),
		lacking: cfg.Groups,
		missing: make([]int32, parts),
		avail:   make([]int32, parts),
		pending: make([]int32, parts),
		sources: map[moot.Key]*source{},
	}
	for p := range parts {
		s.missing[p] = int32(s.part(p).Count)
	}
	return s
}

func positive[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Want replaces what is wanted: for every reader the groups it still needs. Those in
// ordered are needed one after the other, beginning with the first; the others in any
// order. Nothing else is ever requested.
func (s *State) Want(ordered, others []Run) {
	s.ordered = s.clip(s.ordered[:0], ordered)
	s.wants = s.clip(append(s.wants[:0], s.ordered...), others)
}

func (s *State) clip(to, runs []Run) []Run {
	for _, r := range runs {
		first := max(r.First, 0)
		if end := min(r.End(), s.cfg.Groups); end > first {
			to = append(to, Run{first, end - first})
		}
	}
	return to
}

// Held records groups that are held already.
func (s *State) Held(r Run) {
	for g := max(r.First, 0); g < min(r.End(), s.cfg.Groups); g++ {
		s.hold(g)
	}
}

// Wanting reports whether any wanted group is not held.
func (s *State) Wanting() bool {
	for p := range s.missing {
		if s.open(int64(p)) && s.some(int64(p), func(int64) bool { return true }) {
			return true
		}
	}
	return false
}

func (s *State) hold(g int64) {
	if g >= 0 && g < s.cfg.Groups && !s.holds(g) {
		s.held[g/64] |= 1 << (g % 64)
		s.missing[g/s.cfg.Part]--
		s.lacking--
	}
}

func (s *State) holds(g int64) bool { return s.held[g/64]&(1<<(g%64)) != 0 }

// part returns the groups of part p.
func (s *State) part(p int64) Run {
	first := p * s.cfg.Part
	return Run{first, min(s.cfg.Part, s.cfg.Groups-first)}
}

// open reports whether part p may have wanted groups that are not held.
func (s *State) open(p int64) bool {
	if s.missing[p] == 0 {
		return false
	}
	for _, w := range s.wants {
		if w.meets(s.part(p)) {
			return true
		}
	}
	return false
}

// needs reports whether the group is wanted and not held.
func (s *State) needs(g int64) bool {
	if s.holds(g) {
		return false
	}
	for _, w := range s.wants {
		if w.has(g) {
			return true
		}
	}
	return false
}

// some reports whether part p has a needed group that satisfies the condition.
func (s *State) some(p int64, cond func(g int64) bool) bool {
	part := s.part(p)
	for g := part.First; g < part.End(); g++ {
		if s.needs(g) && cond(g) {
			return true
		}
	}
	return false
}
