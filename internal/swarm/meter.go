package swarm

import (
	"time"

	"github.com/mootspace/moot"
)

// meter measures how fast a source is.
type meter struct {
	since time.Time // 0 before the first group
	came  int64     // groups since then
	rate  float64   // groups a second, smoothed over measurements
}

const (
	meterEvery = 250 * time.Millisecond
	eagerAhead = 250 * time.Millisecond // of bytes at its rate are asked of an eager source in advance
	eagerLeast = 2
	eagerMost  = 64
	eagerMany  = 16 // with so many sources one request at each is enough: others keep them busy
)

// count takes in a group that came.
func (m *meter) count(now time.Time) {
	if m.since.IsZero() {
		m.since = now
	}
	m.came++
	took := now.Sub(m.since)
	if took < meterEvery {
		return
	}
	rate := float64(m.came) / took.Seconds()
	if m.rate == 0 {
		m.rate = rate
	}
	m.rate, m.since, m.came = (m.rate+rate)/2, now, 0
}

// Eager has the number of requests in flight at a source follow how fast it is, instead
// of Config.Depth: for those of whom one more request costs but a few bytes.
func (s *State) Eager(id moot.Key) {
	if src := s.sources[id]; src != nil {
		src.eager = true
	}
}

// depth returns how many requests may be in flight at a source.
func (s *State) depth(src *source) int {
	if !src.eager {
		return s.cfg.Depth
	}
	least := eagerLeast
	if len(s.sources) >= eagerMany {
		least = 1
	}
	ahead := int(src.meter.rate*eagerAhead.Seconds()/float64(s.cfg.Part)) + 1
	return min(max(ahead, least), eagerMost)
}
