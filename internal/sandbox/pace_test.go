package sandbox

import (
	"math"
	"sync/atomic"
	"testing"
	"time"
)

// TestPace: processes may run for the share of the time, also if it is small.
func TestPace(t *testing.T) {
	for _, share := range []float64{-1, 0, 0.01, 0.04, 0.3, 0.9, 1, 2} {
		p, runs := pace{share: func() float64 { return share }}, 0
		const checks = 100_000
		for i := range checks {
			if p.runs(p.began.Add(time.Duration(i)*checkEvery + time.Millisecond)) {
				runs++
			}
		}
		if got, want := float64(runs)/checks, max(0, min(share, 1)); math.Abs(got-want) > 0.01*want {
			t.Errorf("share %v: %v", share, got)
		}
	}
	if !(pace{}).runs(time.Now()) {
		t.Error("without a share")
	}
}

// TestShare: a process that computes gets its share of a processor.
func TestShare(t *testing.T) {
	b := newBox(t)
	b.hostile("exit", Run{}) // compiles
	b.setShare(func() float64 { return 0.3 })
	const cpu = 300 * time.Millisecond
	if got := b.hostile("loop", Run{Limits: Limits{Wall: time.Minute, CPU: cpu}}); got.err == nil || got.took < 2*cpu || got.used.Wall >= got.took {
		t.Errorf("it took %v: %+v", got.took, got)
	}
}

// TestStopped: a process makes no progress while the share is 0, which its limit does not
// count, and then goes on to its end.
func TestStopped(t *testing.T) {
	b := newBox(t)
	code, err := build()
	if err != nil {
		t.Fatal(err)
	}
	b.hostile("exit", Run{}) // compiles
	var wrote atomic.Int64
	var checks, before int64
	const wall = 2 * time.Second
	b.setShare(func() float64 { // a check is made each 5 ms
		switch now := wrote.Load(); {
		case now == 0:
			return 1
		case checks == 10: // what it had written before has arrived
			before = now
		case checks == 450 && now != before:
			t.Errorf("it wrote %d bytes, and %d when it was stopped", before, now)
		}
		if checks++; checks <= 450 {
			return 0
		}
		return 1
	})
	r := b.of(code)
	r.Name, r.Args, r.Limits = "hostile", []string{"steps"}, Limits{Wall: wall}
	r.Stdout = writer(func(p []byte) { wrote.Add(int64(len(p))) })
	began := time.Now()
	exit, used, err := b.Run(t.Context(), r)
	if took := time.Since(began); err != nil || exit != 0 || took < wall || used.Wall >= wall {
		t.Errorf("exit %d, %v after %v: %+v", exit, err, took, used)
	}
	if checks <= 450 || wrote.Load() <= before {
		t.Errorf("%d checks, %d bytes of which %d before it was stopped", checks, wrote.Load(), before)
	}
	b.setShare(nil)
	if got := b.hostile("work", Run{}); got.exit != 7 {
		t.Errorf("afterwards: %+v", got)
	}
}

// setShare sets the share of the processes that start from now on.
func (b *box) setShare(share func() float64) {
	for _, c := range b.idle {
		c.kill()
	}
	b.idle, b.pace.share = nil, share
}
