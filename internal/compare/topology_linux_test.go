package compare

import (
	"context"
	"os"
	"testing"

	"github.com/mootspace/moot"
)

// TestNamespaces: a transfer is counted at both ends, with its headers. Without root
// the error is of kind Denied.
func TestNamespaces(t *testing.T) {
	g, err := newNetnsTopology(2, Options{SourceUp: 400e6, Up: 400e6, Down: 400e6})
	if os.Geteuid() != 0 {
		if moot.KindOf(err) != moot.Denied {
			t.Fatalf("without root: %v, want it denied", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	const size = 1 << 20
	top := g.(*netnsTopology)
	if took, err := top.transfer(t.Context(), size); err != nil || took <= 0 {
		t.Fatalf("a transfer took %v: %v", took, err)
	}
	sent, err := top.sent(t.Context(), nil)
	if err != nil || len(sent) != 3 {
		t.Fatalf("sent %v: %v", sent, err)
	}
	if sent[0] < size*104/100 || sent[0] > size*115/100 {
		t.Errorf("the source sent %d bytes for %d of payload", sent[0], size)
	}
	if sent[2] > size/100 {
		t.Errorf("a host without a part in it sent %d bytes", sent[2])
	}
	if got, known := top.received(1); !known || got < size {
		t.Errorf("the receiver counted %d bytes, %v", got, known)
	}
	if err := top.close(); err != nil {
		t.Error(err)
	}
}

// TestUnlimited: a link without a rate is neither shaped nor calibrated.
func TestUnlimited(t *testing.T) {
	if c, err := (&netnsTopology{}).calibrate(context.Background()); c != nil || err != nil {
		t.Errorf("calibrated to %+v, %v", c, err)
	}
	if got := lowerRate(0, 5); got != 5 {
		t.Errorf("the lower of no limit and 5 is %v", got)
	}
}
