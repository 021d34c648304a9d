package swarm

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"github.com/mootspace/moot"
)

// source is a node that requests can be sent to.
type source struct {
	id        moot.Key
	held      []Run // sorted, disjoint
	parts     []bool
	preferred []bool    // parts that it prefers to send; nil if none
	throttled bool      // only parts that no other source has are requested
	fails     int       // failed requests since a group last arrived
	ready     time.Time // end of the back-off after a failure
	progress  time.Time // when a byte last arrived, or a request ended a pause
	queued    time.Time // when it last reported that requests wait
	rate      float64   // groups a second, smoothed; 0 if not yet known
	pipelined bool      // its depth follows its rate
	meter     meter
}

// AddSource makes id a source of the groups held, or replaces what it is known to hold.
// The runs may be unsorted, overlap and exceed the blob.
func (s *State) AddSource(id moot.Key, held []Run) {
	src := s.sources[id]
	if src == nil {
		src = &source{id: id, parts: make([]bool, len(s.avail))}
		s.sources[id] = src
	}
	src.held = s.tidy(held)
	s.count(src, -1)
	clear(src.parts)
	for _, r := range src.held {
		for p := r.First / s.cfg.Part; p*s.cfg.Part < r.End(); p++ {
			src.parts[p] = true
		}
	}
	s.count(src, +1)
}

// Gained records that a source holds more than before.
func (s *State) Gained(id moot.Key, r Run) {
	src, clipped := s.sources[id], s.clip(nil, []Run{r})
	if src == nil || len(clipped) == 0 {
		return
	}
	r = clipped[0]
	src.held = insert(src.held, r)
	for p := r.First / s.cfg.Part; p*s.cfg.Part < r.End(); p++ {
		if !src.parts[p] {
			src.parts[p] = true
			s.avail[p]++
		}
	}
}

// Throttle limits the requests to a source to parts that no other source has.
func (s *State) Throttle(id moot.Key) {
	if src := s.sources[id]; src != nil {
		src.throttled = true
	}
}

// Prefer makes parts go before others in requests to a source.
func (s *State) Prefer(id moot.Key, r Run) {
	src := s.sources[id]
	if src == nil {
		return
	}
	if src.preferred == nil {
		src.preferred = make([]bool, len(s.avail))
	}
	for _, r := range s.clip(nil, []Run{r}) {
		for p := r.First / s.cfg.Part; p*s.cfg.Part < r.End(); p++ {
			src.preferred[p] = true
		}
	}
}

// RemoveSource forgets a source; its requests are free for other sources.
func (s *State) RemoveSource(id moot.Key) {
	if src := s.sources[id]; src != nil {
		s.count(src, -1)
		delete(s.sources, id)
	}
	s.complete(func(a *inflight) bool { return a.Source == id })
}

// Useful reports whether the source holds anything that is needed.
func (s *State) Useful(id moot.Key) bool {
	src := s.sources[id]
	if src == nil {
		return false
	}
	for p := range src.parts {
		if src.parts[p] && s.open(int64(p)) && s.some(int64(p), src.holds) {
			return true
		}
	}
	return false
}

// Brings reports whether a new source with these groups would have something needed that
// no source has.
func (s *State) Brings(held []Run) bool {
	added := &source{held: s.tidy(held)}
	for p := range s.missing {
		if !s.open(int64(p)) || s.whole(int64(p)) {
			continue
		}
		if s.some(int64(p), func(g int64) bool { return added.holds(g) && !s.reach(g) }) {
			return true
		}
	}
	return false
}

// Rate returns the rate of a source in groups a second; 0 if not known.
func (s *State) Rate(id moot.Key) float64 {
	if src := s.sources[id]; src != nil {
		return src.rate
	}
	return 0
}

// Part returns the largest number of groups in a request.
func (s *State) Part() int64 { return s.cfg.Part }

// whole reports whether one source has all of part p.
func (s *State) whole(p int64) bool {
	for _, src := range s.sources {
		if src.parts[p] && src.covers(s.part(p)) {
			return true
		}
	}
	return false
}

// reach reports whether any source has the group.
func (s *State) reach(g int64) bool {
	for _, src := range s.sources {
		if src.holds(g) {
			return true
		}
	}
	return false
}

func (s *State) count(src *source, by int32) {
	for p, has := range src.parts {
		if has {
			s.avail[p] += by
		}
	}
}

// tidy clips, sorts and joins runs.
func (s *State) tidy(runs []Run) []Run {
	var tidy []Run
	for _, r := range runs {
		first := max(r.First, 0)
		if end := min(r.End(), s.cfg.Groups); r.Count > 0 && end > first {
			tidy = append(tidy, Run{first, end - first})
		}
	}
	slices.SortFunc(tidy, func(a, b Run) int { return cmp.Compare(a.First, b.First) })
	joined := tidy[:0]
	for _, r := range tidy {
		if n := len(joined); n > 0 && r.First <= joined[n-1].End() {
			joined[n-1].Count = max(joined[n-1].End(), r.End()) - joined[n-1].First
			continue
		}
		joined = append(joined, r)
	}
	return joined
}

// insert adds a run to tidy ones, which stay so.
func insert(runs []Run, r Run) []Run {
	i := sort.Search(len(runs), func(i int) bool { return runs[i].End() >= r.First })
	j := i
	for j < len(runs) && runs[j].First <= r.End() {
		end := max(r.End(), runs[j].End())
		r.First = min(r.First, runs[j].First)
		r.Count = end - r.First
		j++
	}
	return slices.Replace(runs, i, j, r)
}

func (src *source) holds(g int64) bool { return src.covers(Run{g, 1}) }

func (src *source) covers(r Run) bool {
	i := sort.Search(len(src.held), func(i int) bool { return src.held[i].End() > r.First })
	return i < len(src.held) && src.held[i].covers(r)
}
