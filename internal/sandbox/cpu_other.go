//go:build !linux

package sandbox

import "time"

// threadClock is the real time where the time of one thread cannot be read on another: a
// run then ends rather too early than too late.
func threadClock() func() time.Duration {
	began := time.Now()
	return func() time.Duration { return time.Since(began) }
}
