package swarm

import (
	"time"

	"github.com/mootspace/moot"
)

// meter measures the rate of a source.
type meter struct {
	since  time.Time // 0 before the first group
	groups int64     // groups since then
	rate   float64   // groups a second, smoothed over measurements
}

const (
	sampleEvery    = 250 * time.Millisecond
	pipelineAhead  = 250 * time.Millisecond // of bytes at its rate are requested from a pipelined source in advance
	pipelineMin    = 2
	pipelineMax    = 64
	pipelineEnough = 16 // sources from which one request each is enough: other receivers keep them busy
)

// count adds a group that arrived.
func (m *meter) count(now time.Time) {
	if m.since.IsZero() {
		m.since = now
	}
	m.groups++
	took := now.Sub(m.since)
	if took < sampleEvery {
		return
	}
	rate := float64(m.groups) / took.Seconds()
	if m.rate == 0 {
		m.rate = rate
	}
	m.rate, m.since, m.groups = (m.rate+rate)/2, now, 0
}

// Pipeline makes the number of requests in flight at a source follow its rate, instead
// of Config.Depth: for sources at which another request costs a few bytes only.
func (s *State) Pipeline(id moot.Key) {
	if src := s.sources[id]; src != nil {
		src.pipelined = true
	}
}

// depth returns the largest number of requests in flight at a source.
func (s *State) depth(src *source) int {
	if !src.pipelined {
		return s.cfg.Depth
	}
	least := pipelineMin
	if len(s.sources) >= pipelineEnough {
		least = 1
	}
	ahead := int(src.meter.rate*pipelineAhead.Seconds()/float64(s.cfg.Part)) + 1
	return min(max(ahead, least), pipelineMax)
}
