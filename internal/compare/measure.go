package compare

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mootspace/moot"
)

// measure times all receivers fetching the file at once. Copies are verified after the
// clock has stopped; the error is of kind Corrupt if one differs from the original.
func (r *runner) measure(ctx context.Context) (Run, error) {
	before, err := r.topology.sent(ctx, r.testbed)
	if err != nil {
		return Run{}, err
	}
	run := Run{Receivers: make([]Receiver, r.n)}
	g, getting := errgroup.WithContext(ctx)
	cpu, began := r.readCPU(), time.Now()
	for i := range run.Receivers {
		g.Go(func() (err error) {
			run.Receivers[i], err = r.get(getting, i+1, began)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return Run{}, err
	}
	run.CPU = cpuBetween(cpu, r.readCPU())
	after, err := r.topology.sent(ctx, r.testbed)
	if err != nil {
		return Run{}, err
	}
	for host := 1; host <= r.n; host++ {
		if err := SameTree(r.file, r.copyPath(host)); err != nil {
			return Run{}, moot.Wrap(fmt.Sprintf("the copy of receiver %d", host), err)
		}
		run.Verified++
	}
	run.summarise(before, after, r.size)
	return run, nil
}

// copyPath is where a receiver writes its copy.
func (r *runner) copyPath(host int) string {
	return filepath.Join(r.testbed.Dir, memberOf(host)+"-copy")
}

// get times one receiver's fetch and samples its progress.
func (r *runner) get(ctx context.Context, host int, began time.Time) (got Receiver, err error) {
	sampling, stop := context.WithCancel(ctx)
	progress := make(chan []Point, 1)
	go func() { progress <- r.sample(sampling, host, began) }()
	_, err = r.testbed.Do(ctx, memberOf(host), "get", sharedName, "-o", r.copyPath(host), "--via", r.arch.String())
	got.Seconds = time.Since(began).Seconds()
	stop()
	got.Progress = <-progress
	return got, err
}

// sampleInterval is between two readings of a receiver's byte counter.
const sampleInterval = 200 * time.Millisecond

// sample records the bytes received by a host until ctx ends, and a last time then;
// none if they are not counted.
func (r *runner) sample(ctx context.Context, host int, began time.Time) (points []Point) {
	base, known := r.topology.received(host)
	if !known {
		return nil
	}
	record := func() {
		if now, known := r.topology.received(host); known {
			points = append(points, Point{Seconds: time.Since(began).Seconds(), Bytes: now - base})
		}
	}
	tick := time.NewTicker(sampleInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			record()
		case <-ctx.Done():
			record()
			return points
		}
	}
}

// summarise computes a run's figures from its receivers and the byte counters.
func (r *Run) summarise(before, after []int64, size int64) {
	seconds := make([]float64, len(r.Receivers))
	for i, receiver := range r.Receivers {
		seconds[i] = receiver.Seconds
	}
	s := rangeOf(seconds)
	r.First, r.Median, r.Last = s.Min, s.Median, s.Max
	r.Sent = make([]int64, len(after))
	for i := range after {
		r.Sent[i] = after[i] - before[i]
	}
	r.Share = ratio(float64(r.Sent[0]), float64(sum(r.Sent)))
	r.Copies = ratio(float64(r.Sent[0]), float64(size))
	r.Overhead = ratio(float64(sum(r.Sent)), float64(size)*float64(len(r.Receivers)))
}
