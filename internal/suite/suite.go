// Package suite holds what must be true of every architecture, over every store and
// every link: a list of scenarios, and the world in which they are run. A new store,
// link or architecture is a few lines in axes.go, and is then held to all of it.
//
// Like package daemon it knows every part; unlike it, it cuts links, turns clocks and
// loses disks.
package suite

import (
	"context"
	"time"
)

// T is what a scenario needs of testing.TB; a benchmark or a program may be one, too.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	TempDir() string
	Cleanup(func())
	Context() context.Context
}

// Scenario is something that must be true.
type Scenario struct {
	Name    string
	Members int // besides the founder
	Run     func(t T, w *World)
}

// Within is how long a scenario polls for what must become true: the bound that the
// architectures declare, for the interval at which the worlds' nodes compare, and
// some more for slow machines.
func Within() time.Duration { return bound + 20*time.Second }

// Eventually polls until check returns nil, and fails if it does not within the bound.
func Eventually(t T, what string, check func() error) {
	t.Helper()
	deadline := time.NewTimer(Within())
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%s: not within %v: %v", what, Within(), err)
		}
	}
}
