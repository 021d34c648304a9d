package compare

import (
	"context"
	"testing"
	"time"
)

// counting is a loopback with a scripted counter of received bytes, which stays at its
// last reading.
type counting struct {
	*loopback
	readings []int64
	known    bool
}

func (c *counting) received(int) (int64, bool) {
	next := c.readings[0]
	if len(c.readings) > 1 {
		c.readings = c.readings[1:]
	}
	return next, c.known
}

// TestSample: progress is relative to the first reading, and ends with a last one.
func TestSample(t *testing.T) {
	r := &runner{topology: &counting{newLoopback(1, Options{}), []int64{1000, 1500, 4000}, true}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	points := r.sample(ctx, 1, time.Now())
	if len(points) == 0 || points[0].Bytes != 500 || points[0].Seconds < 0 {
		t.Fatalf("%+v", points)
	}
	for i, p := range points[1:] {
		if p.Seconds < points[i].Seconds || p.Bytes < points[i].Bytes {
			t.Errorf("%+v", points)
		}
	}
	r.topology = &counting{newLoopback(1, Options{}), []int64{1000}, false}
	if points := r.sample(ctx, 1, time.Now()); points != nil {
		t.Errorf("from a host that does not count: %+v", points)
	}
}

// TestMeasure: all receivers' figures, with progress where it is counted.
func TestMeasure(t *testing.T) {
	b := newTestbed(t)
	top := &counting{newLoopback(1, Options{}), []int64{100, 600}, true}
	top.nodes[0] = true
	original := b.Home("original")
	if err := writeRandom(original, 500); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Do(t.Context(), memberOf(0), "share", original); err != nil {
		t.Fatal(err)
	}
	r := &runner{n: 1, file: original, size: 500, topology: top, testbed: b, readCPU: func() []coreTime { return nil }}
	r.arch.Server = true
	run, err := r.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	progress := run.Receivers[0].Progress
	if n := len(progress); n == 0 || progress[n-1].Bytes != 500 {
		t.Errorf("progress %+v", progress)
	}
	if run.Verified != 1 || run.Share != 1 || run.Copies != 1 || run.CPU != nil {
		t.Errorf("%+v", run)
	}
}

// TestAwaitIdle: ends early on an idle machine, late on a busy one, and with its context.
func TestAwaitIdle(t *testing.T) {
	for load, want := range map[float64]int{0: 2, 1: 3} { // readings, at least
		readings := 0
		r := &runner{n: 2, readCPU: func() []coreTime {
			readings++
			return []coreTime{{busy: load * float64(readings), total: float64(readings)}}
		}}
		if err := r.awaitIdle(t.Context()); err != nil || readings < want || load == 0 && readings > want {
			t.Errorf("a load of %v: %d readings, %v", load, readings, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &runner{n: 1, readCPU: func() []coreTime { return nil }}
	if err := r.awaitIdle(ctx); err != context.Canceled {
		t.Errorf("a cancelled wait: %v", err)
	}
}
