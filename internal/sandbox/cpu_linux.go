package sandbox

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadClock returns the processor time of the thread that calls it, which may then be
// read on any thread. The clock's number is made of the thread's as in the kernel's
// include/linux/posix-timers.h.
func threadClock() func() time.Duration {
	const perThread, scheduled = 4, 2
	clock := int32(^unix.Gettid()<<3 | perThread | scheduled)
	return func() time.Duration {
		var t unix.Timespec
		if unix.ClockGettime(clock, &t) != nil { // the thread has ended
			return 0
		}
		return time.Duration(t.Nano())
	}
}
