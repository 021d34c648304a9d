package swarm

import (
	"bytes"
	"slices"
	"time"

	"github.com/mootspace/moot"
)

// Ask is one request: these groups, in order, from that source.
type Ask struct {
	ID     uint64
	Source moot.Key
	Run    Run
}

// ask is an Ask in flight.
type ask struct {
	Ask
	next  int64     // first group that has not come
	begun time.Time // when it was asked
	moved time.Time // when a byte of it last came
}

// rest is what has not come yet.
func (a *ask) rest() Run { return Run{a.next, a.Run.End() - a.next} }

const (
	backoff    = 250 * time.Millisecond // after the first failure; doubles
	maxBackoff = 32 * time.Second
)

func (s *State) issue(src *source, run Run, now time.Time) Ask {
	s.lastID++
	if s.InFlight(src.id) == 0 {
		src.moved = now
	}
	a := &ask{Ask: Ask{s.lastID, src.id, run}, next: run.First, begun: now, moved: now}
	s.asks = append(s.asks, a)
	s.fly(a, +1)
	return a.Ask
}

// fly counts a request for each part that it is about.
func (s *State) fly(a *ask, by int32) {
	for p := a.Run.First / s.cfg.Part; p*s.cfg.Part < a.Run.End(); p++ {
		s.flying[p] += by
	}
}

// Arrived records that a verified group came in answer to a request. A request
// is over when its last group has come. Arrived returns the other requests that
// have become needless because all they would bring is held; they are over too.
func (s *State) Arrived(id uint64, group int64, now time.Time) (needless []uint64) {
	s.hold(group)
	if a := s.find(id); a != nil {
		a.next, a.moved = max(a.next, group+1), now
		src := s.sources[a.Source]
		src.fails, src.moved = 0, now
		src.meter.count(now)
		if a.rest().Count <= 0 {
			src.learn(a, now)
			s.forget(id)
		}
	}
	for _, a := range s.asks {
		if a.ID != id && a.rest().has(group) && s.brought(a) {
			needless = append(needless, a.ID)
		}
	}
	s.forget(needless...)
	return needless
}

// Touch records that bytes came which are not a whole group yet.
func (s *State) Touch(id uint64, now time.Time) {
	if a := s.find(id); a != nil {
		a.moved, s.sources[a.Source].moved = now, now
	}
}

// Failed records that a request ended early, and reports whether it was in flight.
// What it did not bring is free for others; its source is asked again after a time that
// doubles with each failure.
func (s *State) Failed(id uint64, now time.Time) bool {
	a := s.find(id)
	if a == nil {
		return false
	}
	s.forget(id)
	src := s.sources[a.Source]
	src.ready = now.Add(min(backoff<<min(src.fails, 16), maxBackoff))
	src.fails++
	return true
}

// Waits records that a source says that others come first there. It is believed for a while.
func (s *State) Waits(id moot.Key, now time.Time) {
	if src := s.sources[id]; src != nil {
		src.heard = now
	}
}

// believed is how many times longer than others a source may be silent that says that it
// is alive.
const believed = 12

// Stalled returns the sources that have left a request without a byte too long,
// sorted. An eager source answers one request after another, so that the later ones
// wait: it has stalled when it sends nothing at all. The caller removes them.
func (s *State) Stalled(now time.Time) []moot.Key {
	var stalled []moot.Key
	for _, a := range s.asks {
		moved := a.moved
		if src := s.sources[a.Source]; src.eager {
			moved = src.moved
			if src.heard.After(moved) && now.Sub(moved) < believed*s.cfg.Stall {
				moved = src.heard
			}
		}
		if now.Sub(moved) >= s.cfg.Stall {
			stalled = append(stalled, a.Source)
		}
	}
	slices.SortFunc(stalled, func(a, b moot.Key) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(stalled)
}

// InFlight returns how many requests a source has to answer.
func (s *State) InFlight(id moot.Key) (n int) {
	for _, a := range s.asks {
		if a.Source == id {
			n++
		}
	}
	return n
}

func (s *State) find(id uint64) *ask {
	for _, a := range s.asks {
		if a.ID == id {
			return a
		}
	}
	return nil
}

func (s *State) forget(ids ...uint64) {
	if len(ids) > 0 {
		s.land(func(a *ask) bool { return slices.Contains(ids, a.ID) })
	}
}

// land ends the requests that satisfy the condition.
func (s *State) land(over func(*ask) bool) {
	s.asks = slices.DeleteFunc(s.asks, func(a *ask) bool {
		if !over(a) {
			return false
		}
		s.fly(a, -1)
		return true
	})
}

// brought reports whether all that a request would still bring is held.
func (s *State) brought(a *ask) bool {
	for g := a.next; g < a.Run.End(); g++ {
		if !s.holds(g) {
			return false
		}
	}
	return true
}

// copies returns how many requests in flight will bring the group.
func (s *State) copies(g int64) (n int) {
	for _, a := range s.asks {
		if a.rest().has(g) {
			n++
		}
	}
	return n
}

func (src *source) learn(a *ask, now time.Time) {
	rate := float64(a.Run.Count) / max(now.Sub(a.begun), time.Microsecond).Seconds()
	if src.rate == 0 {
		src.rate = rate
	}
	src.rate = (src.rate + rate) / 2
}
