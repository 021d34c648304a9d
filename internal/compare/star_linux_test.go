package compare

import (
	"context"
	"os"
	"testing"

	"github.com/mootspace/moot"
)

// TestStar: what one host sends another is counted at both, with its headers. Who may
// not make hosts is told so.
func TestStar(t *testing.T) {
	g, err := newStar(2, Options{SourceUp: 400e6, Up: 400e6, Down: 400e6})
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
	s := g.(*star)
	if took, err := s.transfer(t.Context(), size); err != nil || took <= 0 {
		t.Fatalf("a transfer took %v: %v", took, err)
	}
	sent, err := s.sent(t.Context(), nil)
	if err != nil || len(sent) != 3 {
		t.Fatalf("sent %v: %v", sent, err)
	}
	if sent[0] < size*104/100 || sent[0] > size*115/100 {
		t.Errorf("the source sent %d bytes for %d of payload", sent[0], size)
	}
	if sent[2] > size/100 {
		t.Errorf("a host that was not asked sent %d bytes", sent[2])
	}
	if got, known := s.received(1); !known || got < size {
		t.Errorf("the receiver counted %d bytes, %v", got, known)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// TestUnlimited: a link without a rate is not shaped, and so not calibrated.
func TestUnlimited(t *testing.T) {
	if c, err := (&star{}).calibrate(context.Background()); c != nil || err != nil {
		t.Errorf("calibrated to %+v, %v", c, err)
	}
	if got := least(0, 5); got != 5 {
		t.Errorf("the least of no limit and 5 is %v", got)
	}
}
