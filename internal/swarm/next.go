package swarm

import (
	"time"

	"github.com/mootspace/moot"
)

// Next returns what the source should be asked for now; false if nothing: then
// the caller tries again when anything has changed, or after a while. The rules,
// in this order: help a reader whose next part is late; what the readers need
// next; what the source
// wishes to be rid of; the rarest part; a second copy of what is in flight (the end-game).
func (s *State) Next(id moot.Key, now time.Time) (Ask, bool) {
	src := s.sources[id]
	if src == nil || now.Before(src.ready) || s.InFlight(id) >= s.depth(src) {
		return Ask{}, false
	}
	for _, rule := range []func(*source, time.Time) Run{s.late, s.ahead, s.wished, s.rarest, s.endgame} {
		if run := rule(src, now); run.Count > 0 {
			return s.issue(src, s.piece(src, run), now), true
		}
	}
	return Ask{}, false
}

// piece returns the beginning of a run, if requests to its source cost little: a quarter of a part while so little is held
// that there is nothing to give others for it, and when most of what is missing is in
// flight, so that all uplinks are of use to the end.
func (s *State) piece(src *source, r Run) Run {
	if !src.eager {
		return r
	}
	flying := int64(0)
	for _, a := range s.asks {
		flying += a.rest().Count
	}
	if held := s.cfg.Groups - s.lack; held < pieces*s.cfg.Part || s.lack-flying < flying {
		r.Count = min(r.Count, max(1, s.cfg.Part/pieces))
	}
	return r
}

// pieces of a part are asked for at the beginning and at the end.
const pieces = 4

// late returns what a reader stands before, if somebody else was asked for it a
// while ago and the source is likely to bring it in less than half the time.
func (s *State) late(src *source, now time.Time) Run {
	for _, w := range s.ordered {
		g := s.before(w)
		for _, a := range s.asks {
			if g < w.End() && a.rest().has(g) && a.Source != src.id && s.slow(a, src, now) {
				if run := s.second(src, a); run.Count > 0 && run.First == g {
					return run
				}
			}
		}
	}
	return Run{}
}

// before returns the first group of the run that is not held, or its end.
func (s *State) before(r Run) int64 {
	g := r.First
	for g < r.End() && s.holds(g) {
		g++
		if p := g / s.cfg.Part; g < r.End() && s.missing[p] == 0 {
			g = s.part(p).End()
		}
	}
	return min(g, r.End())
}

// slow reports whether src would bring the rest of the request in less than half
// the time, judged by how both did so far.
func (s *State) slow(a *ask, src *source, now time.Time) bool {
	age := now.Sub(a.begun)
	if age < s.cfg.Patience {
		return false
	}
	come, rest := float64(a.next-a.Run.First), float64(a.rest().Count)
	if come == 0 {
		return true
	}
	return src.rate > 0 && rest/src.rate < rest*age.Seconds()/come/2
}

// ahead returns the first stretch in the readers' windows that nobody was asked
// for; among several readers the one with the shortest way to it goes first.
func (s *State) ahead(src *source, _ time.Time) Run {
	for i := range int64(s.cfg.Window) {
		for _, w := range s.ordered {
			p := w.First/s.cfg.Part + i
			if p < int64(len(s.missing)) && s.part(p).First < w.End() && src.parts[p] {
				if run := s.free(src, p); run.Count > 0 {
					return run
				}
			}
		}
	}
	return Run{}
}

// wished returns a stretch that nobody was asked for from what the source wishes to be
// asked for first.
func (s *State) wished(src *source, _ time.Time) Run {
	if src.first == nil {
		return Run{}
	}
	return s.rarestOf(src, src.first)
}

// rarest returns a stretch that nobody was asked for, from a part that the
// fewest sources have; each of the equally rare is equally likely.
func (s *State) rarest(src *source, _ time.Time) Run { return s.rarestOf(src, src.parts) }

func (s *State) rarestOf(src *source, among []bool) Run {
	best, fewest, ties := 0, int32(0), 0
	for p, has := range among {
		if !has || src.rests && s.avail[p] > 1 || ties > 0 && s.avail[p] > fewest || !s.offers(src, int64(p)) {
			continue
		}
		if ties == 0 || s.avail[p] < fewest {
			fewest, ties = s.avail[p], 0
		}
		ties++
		if s.random.IntN(ties) == 0 {
			best = p
		}
	}
	if ties == 0 {
		return Run{}
	}
	return s.free(src, int64(best))
}

// offers reports whether free would find anything in part p; for most parts
// without looking at each group.
func (s *State) offers(src *source, p int64) bool {
	if !s.open(p) {
		return false
	}
	part, touched := s.part(p), s.flying[p] > 0
	if touched {
		for _, a := range s.asks {
			if a.Run.covers(part) {
				return false
			}
		}
	}
	for _, w := range s.wants {
		if !touched && w.covers(part) && src.covers(part) {
			return true
		}
	}
	return s.free(src, p).Count > 0
}

// endgame returns a second copy of the oldest request of somebody else, once
// everything that can be had is in flight.
func (s *State) endgame(src *source, _ time.Time) Run {
	for p := range s.missing {
		if s.open(int64(p)) && s.some(int64(p), func(g int64) bool { return s.copies(g) == 0 && s.reach(g) }) {
			return Run{}
		}
	}
	for _, a := range s.asks {
		if a.Source != src.id {
			if run := s.second(src, a); run.Count > 0 {
				return run
			}
		}
	}
	return Run{}
}

// second returns the first stretch of a request that src has, that is needed,
// and that no third would be asked for.
func (s *State) second(src *source, a *ask) Run {
	return s.stretch(a.rest(), func(g int64) bool {
		return s.needs(g) && src.holds(g) && s.copies(g) < Copies && !s.asked(src.id, g)
	})
}

// free returns the first stretch of part p that src has, that is needed, and
// that nobody was asked for.
func (s *State) free(src *source, p int64) Run {
	return s.stretch(s.part(p), func(g int64) bool {
		return s.needs(g) && src.holds(g) && s.copies(g) == 0
	})
}

// stretch returns the first stretch in r whose groups satisfy the condition.
func (s *State) stretch(r Run, cond func(g int64) bool) Run {
	first := r.First
	for first < r.End() && !cond(first) {
		first++
	}
	end := first
	for end < r.End() && cond(end) {
		end++
	}
	return Run{first, end - first}
}

// asked reports whether the source itself was asked for the group.
func (s *State) asked(id moot.Key, g int64) bool {
	for _, a := range s.asks {
		if a.Source == id && a.rest().has(g) {
			return true
		}
	}
	return false
}
