package plan_test

import (
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot/internal/plan"
)

// TestBounds: values calculated by hand from the textbook's formulas.
func TestBounds(t *testing.T) {
	source := plan.Link{Up: 100e6, Down: 200e6}
	peer := plan.Link{Up: 50e6, Down: 200e6}
	for _, c := range []struct {
		name     string
		n        int
		peer     plan.Link
		cs, both time.Duration
	}{
		{"the source's uplink bounds one receiver", 1, peer, 5120 * time.Millisecond, 5120 * time.Millisecond},
		{"the source's first copy bounds a few peers", 2, peer, 10240 * time.Millisecond, 5120 * time.Millisecond},
		{"the sum of uplinks bounds many", 8, peer, 40960 * time.Millisecond, 8192 * time.Millisecond},
		{"a slow downlink bounds both", 2, plan.Link{Up: 50e6, Down: 10e6}, 51200 * time.Millisecond, 51200 * time.Millisecond},
		{"an unlimited uplink is no bound", 8, plan.Link{Down: 200e6}, 40960 * time.Millisecond, 5120 * time.Millisecond},
	} {
		receivers := slices.Repeat([]plan.Link{c.peer}, c.n)
		if got := plan.ClientServer(64e6, source, receivers); got != c.cs {
			t.Errorf("%s: client-server %v, want %v", c.name, got, c.cs)
		}
		if got := plan.PeerToPeer(64e6, source, receivers); got != c.both {
			t.Errorf("%s: peer-to-peer %v, want %v", c.name, got, c.both)
		}
	}
}
