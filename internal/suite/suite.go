// Package suite holds what must be true of every architecture, over every store and
// every link: a list of scenarios, and the world in which they are run, whose members'
// nodes are those that ship (package node). A new store or link is a few lines in
// axes.go, a new architecture a value of package arch, and is then held to all of it.
//
// It cuts links, turns clocks, loses disks and falsifies answers. It must not know how a
// node is assembled, nor homes, flags or front ends.
package suite

import (
	"context"
	"time"

	"github.com/mootspace/moot/internal/arch"
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

	Where      func(arch.Architecture) bool // the architectures of which it speaks; nil: all
	ServerOnly bool                         // the server has no links with peers
	Repair     time.Duration                // between exchanges of entries; 0: short
}

// In runs the scenario in a world over the named store, link and architecture.
func (s Scenario) In(t T, store, link, architecture string) {
	s.Run(t, NewWorld(t, Topology{
		Store: store, Link: link, Architecture: architecture, Members: s.Members, ServerOnly: s.ServerOnly, Repair: s.Repair,
	}))
}

// Speaks reports whether a scenario says something about an architecture.
func (s Scenario) Speaks(a arch.Architecture) bool { return s.Where == nil || s.Where(a) }

// Within is how long a scenario polls for what must become true: the bound that gossip
// declares for the interval at which the worlds' nodes exchange entries, and some more
// for links to come back and for slow machines.
func Within() time.Duration { return bound + 40*time.Second }

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
