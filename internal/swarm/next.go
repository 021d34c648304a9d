package swarm

import (
	"time"

	"github.com/mootspace/moot"
)

// Next returns the next request to a source; false if there is none until something
// changes or time passes. The rules, in this order: a second source for a reader whose
// next part is late; what the readers need next; what the source prefers to send; the
// rarest part; a second copy of what is in flight (the end-game).
func (s *State) Next(id moot.Key, now time.Time) (Request, bool) {
	src := s.sources[id]
	if src == nil || now.Before(src.ready) || s.InFlight(id) >= s.depth(src) {
		return Request{}, false
	}
	for _, rule := range []func(*source, time.Time) Run{s.late, s.ahead, s.preferred, s.rarest, s.endgame} {
		if run := rule(src, now); run.Count > 0 {
			return s.issue(src, s.piece(src, run), now), true
		}
	}
	return Request{}, false
}

// piece shortens a run for a pipelined source: to a quarter of a part while too little
// is held to serve others, and when most of what is missing is in flight, so that all
// uplinks are used to the end.
func (s *State) piece(src *source, r Run) Run {
	if !src.pipelined {
		return r
	}
	coming := int64(0)
	for _, a := range s.inflight {
		coming += a.rest().Count
	}
	if held := s.cfg.Groups - s.lacking; held < pieces*s.cfg.Part || s.lacking-coming < coming {
		r.Count = min(r.Count, max(1, s.cfg.Part/pieces))
	}
	return r
}

// pieces is how many requests a part is split into at the beginning and at the end.
const pieces = 4

// late returns what a reader needs next, if another source has not sent it within
// HedgeAfter and this one is likely to take less than half the time.
func (s *State) late(src *source, now time.Time) Run {
	for _, w := range s.ordered {
		g := s.before(w)
		for _, a := range s.inflight {
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

// slow reports whether src would send the rest of the request in less than half the
// time, by the rates of both so far.
func (s *State) slow(a *inflight, src *source, now time.Time) bool {
	age := now.Sub(a.issued)
	if age < s.cfg.HedgeAfter {
		return false
	}
	come, rest := float64(a.next-a.Run.First), float64(a.rest().Count)
	if come == 0 {
		return true
	}
	return src.rate > 0 && rest/src.rate < rest*age.Seconds()/come/2
}

// ahead returns the first run in the readers' windows that was not requested; of
// several readers, the one that needs its run soonest goes first.
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

// preferred returns a run that was not requested, of what the source prefers to send.
func (s *State) preferred(src *source, _ time.Time) Run {
	if src.preferred == nil {
		return Run{}
	}
	return s.rarestOf(src, src.preferred)
}

// rarest returns a run that was not requested, of a part that the fewest sources have;
// equally rare parts are equally likely.
func (s *State) rarest(src *source, _ time.Time) Run { return s.rarestOf(src, src.parts) }

func (s *State) rarestOf(src *source, among []bool) Run {
	best, fewest, ties := 0, int32(0), 0
	for p, has := range among {
		if !has || src.throttled && s.avail[p] > 1 || ties > 0 && s.avail[p] > fewest || !s.offers(src, int64(p)) {
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

// offers reports whether free would find anything in part p, for most parts without a
// look at each group.
func (s *State) offers(src *source, p int64) bool {
	if !s.open(p) {
		return false
	}
	part, touched := s.part(p), s.pending[p] > 0
	if touched {
		for _, a := range s.inflight {
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

// endgame returns a second copy of the oldest request to another source, once everything
// available is in flight.
func (s *State) endgame(src *source, _ time.Time) Run {
	for p := range s.missing {
		if s.open(int64(p)) && s.some(int64(p), func(g int64) bool { return s.copies(g) == 0 && s.reach(g) }) {
			return Run{}
		}
	}
	for _, a := range s.inflight {
		if a.Source != src.id {
			if run := s.second(src, a); run.Count > 0 {
				return run
			}
		}
	}
	return Run{}
}

// second returns the first run of a request that src has, that is needed, and that is
// in flight less than Copies times.
func (s *State) second(src *source, a *inflight) Run {
	return s.stretch(a.rest(), func(g int64) bool {
		return s.needs(g) && src.holds(g) && s.copies(g) < Copies && !s.requestedFrom(src.id, g)
	})
}

// free returns the first run of part p that src has, that is needed, and that was not
// requested.
func (s *State) free(src *source, p int64) Run {
	return s.stretch(s.part(p), func(g int64) bool {
		return s.needs(g) && src.holds(g) && s.copies(g) == 0
	})
}

// stretch returns the first run in r whose groups satisfy the condition.
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

// requestedFrom reports whether the group is in flight from the source itself.
func (s *State) requestedFrom(id moot.Key, g int64) bool {
	for _, a := range s.inflight {
		if a.Source == id && a.rest().has(g) {
			return true
		}
	}
	return false
}
