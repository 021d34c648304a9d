package compare

import (
	"context"
	"os"
	"strings"
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

// TestScalabilityInNamespaces: hosts of their own where they can be made, with a
// calibrated link; else loopback, with the reason.
func TestScalabilityInNamespaces(t *testing.T) {
	log := logCommands(t)
	o := small()
	o.Peers, o.Architectures, o.Loopback = []int{1}, o.Architectures[:1], false
	o.SourceUp, o.Up, o.Down = 400e6, 400e6, 400e6
	r, err := measure(t.Context(), o, 0.125)
	if err != nil {
		t.Fatal(err)
	}
	run := r.Rows[0].Runs[0]
	if run.Failed != "" || run.Verified != 1 {
		t.Errorf("%+v", run)
	}
	listen := "h0 serve --listen 10.77.0.1:7444"
	if os.Geteuid() != 0 {
		listen = "h0 serve --listen 127.0.0.1:0"
		if r.Calibration != nil || r.Setup.Down != 0 || !strings.Contains(r.Setup.Fallback, "network namespace") {
			t.Errorf("without root: %+v", r.Setup)
		}
	} else if c := r.Calibration; c == nil || c.Nominal != 400e6 || c.Payload <= 0 || c.Wire < c.Payload || r.Setup.Fallback != "" {
		t.Errorf("as root: %+v, %+v", r.Setup, c)
	} else if run.Void != c.Void || len(run.Receivers[0].Progress) == 0 {
		t.Errorf("void %q, and the calibration is %q; progress %v", run.Void, c.Void, run.Receivers[0].Progress)
	}
	if log.count(listen) != 1 {
		lines, _ := log.lines()
		t.Errorf("no %q in %q", listen, lines)
	}
	log.nothingLeft()
}
