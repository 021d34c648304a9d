package compare

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mootspace/moot"
)

// measure has all receivers get the file at once and returns the figures. Copies are
// compared with the original after the clock has stopped; the error is of kind Corrupt
// if one differs.
func (t *trial) measure(ctx context.Context) (Run, error) {
	before, err := t.ground.sent(ctx, t.stage)
	if err != nil {
		return Run{}, err
	}
	run := Run{Receivers: make([]Receiver, t.n)}
	g, getting := errgroup.WithContext(ctx)
	cpu, began := readCPU(), time.Now()
	for i := range run.Receivers {
		g.Go(func() (err error) {
			run.Receivers[i], err = t.get(getting, i+1, began)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return Run{}, err
	}
	run.CPU = between(cpu, readCPU())
	after, err := t.ground.sent(ctx, t.stage)
	if err != nil {
		return Run{}, err
	}
	for host := 1; host <= t.n; host++ {
		if err := SameTree(t.file, t.copied(host)); err != nil {
			return Run{}, moot.Wrap(fmt.Sprintf("the copy of receiver %d", host), err)
		}
		run.Verified++
	}
	run.figure(before, after, t.size)
	return run, nil
}

// copied is where a receiver puts the file.
func (t *trial) copied(host int) string { return filepath.Join(t.stage.Dir, who(host)+"-copy") }

// get has one receiver fetch the file, and watches how it comes.
func (t *trial) get(ctx context.Context, host int, began time.Time) (r Receiver, err error) {
	watching, end := context.WithCancel(ctx)
	seen := make(chan []Point, 1)
	go func() { seen <- t.watch(watching, host, began) }()
	_, err = t.stage.Do(ctx, who(host), "get", data, "-o", t.copied(host), "--via", string(t.arch))
	r.Seconds = time.Since(began).Seconds()
	end()
	r.Progress = <-seen
	return r, err
}

// sampleEvery is how often a receiver's link is looked at.
const sampleEvery = 200 * time.Millisecond

// watch notes what comes in at a host until ctx ends, and a last time then.
func (t *trial) watch(ctx context.Context, host int, began time.Time) (points []Point) {
	base, known := t.ground.received(host)
	if !known {
		return nil
	}
	note := func() {
		if now, known := t.ground.received(host); known {
			points = append(points, Point{Seconds: time.Since(began).Seconds(), Bytes: now - base})
		}
	}
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			note()
		case <-ctx.Done():
			note()
			return points
		}
	}
}

// figure works out a run's figures from its receivers and what was sent.
func (r *Run) figure(before, after []int64, size int64) {
	seconds := make([]float64, len(r.Receivers))
	for i, receiver := range r.Receivers {
		seconds[i] = receiver.Seconds
	}
	s := spread(seconds)
	r.First, r.Middle, r.Last = s.Min, s.Median, s.Max
	r.Sent = make([]int64, len(after))
	for i := range after {
		r.Sent[i] = after[i] - before[i]
	}
	r.Share = ratio(float64(r.Sent[0]), float64(sum(r.Sent)))
	r.Copies = ratio(float64(r.Sent[0]), float64(size))
	r.Overhead = ratio(float64(sum(r.Sent)), float64(size)*float64(len(r.Receivers)))
}
