package feed

import (
	"sync"
	"time"

	"github.com/mootspace/moot"
)

// MaxDrift is how far ahead of this machine's clock an entry's time may be. Entries
// further ahead would win every conflict until then.
const MaxDrift = 10 * time.Minute

// Clock is a hybrid logical clock (Kulkarni et al., OPODIS 2014): close to the wall
// clock, and always later than anything seen. It is safe for concurrent use.
type Clock struct {
	now  func() time.Time
	mu   sync.Mutex
	last moot.Time
}

// NewClock returns a clock that is driven by now and later than last.
func NewClock(now func() time.Time, last moot.Time) *Clock {
	return &Clock{now: now, last: last}
}

// Now returns a time later than every one returned or observed before.
func (c *Clock) Now() moot.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = max(c.last+1, moot.TimeAt(c.now()))
	return c.last
}

// Check reports, with kind Invalid, that t lies too far in the future.
func (c *Clock) Check(t moot.Time) error {
	now := c.now()
	if t <= moot.TimeAt(now.Add(MaxDrift)) {
		return nil
	}
	return moot.Errorf(moot.Invalid, "its time is %v ahead of this machine's clock: one of the two clocks is wrong",
		t.Wall().Sub(now).Round(time.Second))
}

// Observe makes Now later than t, unless t lies too far in the future.
func (c *Clock) Observe(t moot.Time) error {
	if err := c.Check(t); err != nil {
		return err
	}
	c.advance(t)
	return nil
}

func (c *Clock) advance(t moot.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = max(c.last, t)
}
