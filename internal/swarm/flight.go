package swarm

import (
	"bytes"
	"slices"
	"time"

	"github.com/mootspace/moot"
)

// Request is for these groups, in order, from that source.
type Request struct {
	ID     uint64
	Source moot.Key
	Run    Run
}

// inflight is a Request that has not been answered completely.
type inflight struct {
	Request
	next     int64     // first group that has not arrived
	issued   time.Time // when the request was made
	progress time.Time // when its last byte arrived
}

// rest returns what has not arrived yet.
func (a *inflight) rest() Run { return Run{a.next, a.Run.End() - a.next} }

const (
	backoff    = 250 * time.Millisecond // after the first failure; doubles
	maxBackoff = 32 * time.Second
)

func (s *State) issue(src *source, run Run, now time.Time) Request {
	s.lastID++
	if s.InFlight(src.id) == 0 {
		src.progress = now
	}
	a := &inflight{Request: Request{s.lastID, src.id, run}, next: run.First, issued: now, progress: now}
	s.inflight = append(s.inflight, a)
	s.addPending(a, +1)
	return a.Request
}

// addPending counts a request for each part that it overlaps.
func (s *State) addPending(a *inflight, by int32) {
	for p := a.Run.First / s.cfg.Part; p*s.cfg.Part < a.Run.End(); p++ {
		s.pending[p] += by
	}
}

// Arrived records that a verified group arrived in answer to a request. A request is
// complete with its last group. Arrived returns the other requests that became redundant
// because all that they would deliver is held; they are complete, too.
func (s *State) Arrived(id uint64, group int64, now time.Time) (redundant []uint64) {
	s.hold(group)
	if a := s.find(id); a != nil {
		a.next, a.progress = max(a.next, group+1), now
		src := s.sources[a.Source]
		src.fails, src.progress = 0, now
		src.meter.count(now)
		if a.rest().Count <= 0 {
			src.learn(a, now)
			s.completeByID(id)
		}
	}
	for _, a := range s.inflight {
		if a.ID != id && a.rest().has(group) && s.redundant(a) {
			redundant = append(redundant, a.ID)
		}
	}
	s.completeByID(redundant...)
	return redundant
}

// Progress records that bytes arrived which are not a whole group yet.
func (s *State) Progress(id uint64, now time.Time) {
	if a := s.find(id); a != nil {
		a.progress, s.sources[a.Source].progress = now, now
	}
}

// Failed records that a request ended early, and reports whether it was in flight. What
// it did not deliver is free for other sources; its source backs off, twice as long after
// each failure.
func (s *State) Failed(id uint64, now time.Time) bool {
	a := s.find(id)
	if a == nil {
		return false
	}
	s.completeByID(id)
	src := s.sources[a.Source]
	src.ready = now.Add(min(backoff<<min(src.fails, 16), maxBackoff))
	src.fails++
	return true
}

// Queued records that requests wait at a source because other receivers come first.
func (s *State) Queued(id moot.Key, now time.Time) {
	if src := s.sources[id]; src != nil {
		src.queued = now
	}
}

// queuedFactor times the stall timeout is granted to a source that reports a queue.
const queuedFactor = 12

// Stalled returns the sources that have sent no byte of a request within the stall
// timeout, sorted. A pipelined source answers one request after another, so that the
// later ones wait: it has stalled when it sends nothing at all. The caller removes them.
func (s *State) Stalled(now time.Time) []moot.Key {
	var stalled []moot.Key
	for _, a := range s.inflight {
		moved := a.progress
		if src := s.sources[a.Source]; src.pipelined {
			moved = src.progress
			if src.queued.After(moved) && now.Sub(moved) < queuedFactor*s.cfg.Stall {
				moved = src.queued
			}
		}
		if now.Sub(moved) >= s.cfg.Stall {
			stalled = append(stalled, a.Source)
		}
	}
	slices.SortFunc(stalled, func(a, b moot.Key) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(stalled)
}

// InFlight returns the number of requests in flight at a source.
func (s *State) InFlight(id moot.Key) (n int) {
	for _, a := range s.inflight {
		if a.Source == id {
			n++
		}
	}
	return n
}

func (s *State) find(id uint64) *inflight {
	for _, a := range s.inflight {
		if a.ID == id {
			return a
		}
	}
	return nil
}

func (s *State) completeByID(ids ...uint64) {
	if len(ids) > 0 {
		s.complete(func(a *inflight) bool { return slices.Contains(ids, a.ID) })
	}
}

// complete ends the requests that satisfy the condition.
func (s *State) complete(over func(*inflight) bool) {
	s.inflight = slices.DeleteFunc(s.inflight, func(a *inflight) bool {
		if !over(a) {
			return false
		}
		s.addPending(a, -1)
		return true
	})
}

// redundant reports whether all that a request would still deliver is held.
func (s *State) redundant(a *inflight) bool {
	for g := a.next; g < a.Run.End(); g++ {
		if !s.holds(g) {
			return false
		}
	}
	return true
}

// copies returns the number of requests in flight that will deliver the group.
func (s *State) copies(g int64) (n int) {
	for _, a := range s.inflight {
		if a.rest().has(g) {
			n++
		}
	}
	return n
}

func (src *source) learn(a *inflight, now time.Time) {
	rate := float64(a.Run.Count) / max(now.Sub(a.issued), time.Microsecond).Seconds()
	if src.rate == 0 {
		src.rate = rate
	}
	src.rate = (src.rate + rate) / 2
}
