package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// hand gives a task to a worker.
func (c *Coordinator) hand(t *task, w *worker, now time.Time) {
	j := t.job
	ctx, cancel := context.WithCancel(j.ctx)
	a := &attempt{task: t, worker: w, cancel: cancel, handed: now}
	t.running = append(t.running, a)
	w.running[a] = struct{}{}
	if t.voice == nil {
		t.voice = a
	}
	j.Running++
	j.dirty = true
	if t.input != nil && len(w.holds) < 4096 {
		w.holds[carrier(*t.input)] = struct{}{}
	}
	spec, runner, blobs := t.spec(), w.Runner, w.Blobs
	c.crew.Go(func() {
		defer cancel()
		o, err := runner.Run(ctx, spec, func(p moot.Progress) { c.post(func() { c.heard(a, p) }) })
		if err == nil {
			err = c.collect(ctx, blobs, &o)
		}
		c.post(func() { c.returned(a, o, err) })
	})
}

// collect makes sure that what a task made is here, and is what the worker says.
func (c *Coordinator) collect(ctx context.Context, from moot.Blobs, o *moot.Outcome) error {
	for _, one := range append([]*moot.Content{&o.Stdout, &o.Stderr}, pointers(o.Files)...) {
		if err := c.fetch(ctx, from, one); err != nil {
			return moot.Wrap("the worker's output "+one.Path, err)
		}
	}
	slices.SortFunc(o.Files, func(a, b moot.Content) int { return bytes.Compare([]byte(a.Path), []byte(b.Path)) })
	return checkPaths(o.Files)
}

func pointers(list []moot.Content) (p []*moot.Content) {
	for i := range list {
		p = append(p, &list[i])
	}
	return p
}

// fetch makes sure that content is here, in the outcome or among this node's blobs.
func (c *Coordinator) fetch(ctx context.Context, from moot.Blobs, one *moot.Content) error {
	if one.Size == 0 || len(one.Data) > 0 {
		h := blob.NewHasher(nil)
		h.Write(one.Data) // fails only if a tree is written
		b, err := h.Sum()
		if err == nil && b != one.Blob {
			err = moot.Errorf(moot.Corrupt, "is not what its hash says")
		}
		return err
	}
	if h, err := c.cfg.Node.Have(ctx, one.ID); err == nil && h.Complete() && h.Size == one.Size {
		return nil
	}
	rc, err := from.Get(ctx, one.ID, moot.Whole)
	if err != nil {
		return err
	}
	defer rc.Close()
	b, err := c.cfg.Node.Put(ctx, blob.NewDecoder(rc, one.ID, moot.Whole))
	if err == nil && b != one.Blob {
		err = moot.Errorf(moot.Corrupt, "is not what its hash says")
	}
	return err
}

// heard takes notice of what a task does while it runs.
func (c *Coordinator) heard(a *attempt, p moot.Progress) {
	if p.Started {
		a.started = c.cfg.Now()
		c.cfg.Log.Debug("a task started", "job", a.job.ID, "task", a.label, "worker", a.worker.Key.Short(), "after", a.started.Sub(a.handed))
	}
	if len(p.Text) > 0 {
		c.logged(a, p)
	}
}

// returned takes in what came of an attempt.
func (c *Coordinator) returned(a *attempt, o moot.Outcome, err error) {
	t, j, w := a.task, a.task.job, a.worker
	a.cancel()
	delete(w.running, a)
	t.running = slices.DeleteFunc(t.running, func(other *attempt) bool { return other == a })
	j.Running--
	j.dirty = true
	if j.State.Ended() || j.ctx.Err() != nil || t.state != taskWaits || t.keeping {
		if err == nil {
			w.failed = 0
		}
		return
	}
	if err != nil {
		c.lost(a, err)
		return
	}
	w.failed = 0
	sum, err := outcomeDigest(o)
	if err != nil {
		c.end(j, Failed, err.Error())
		return
	}
	j.Progress.Workers[w.Key]++
	j.Busy += o.Wall
	t.votes = append(t.votes, vote{w.Key, sum, o})
	c.judge(t)
}

// Times that a task may be lost with its workers, and how long a worker that was lost
// is left alone.
const (
	maxLost   = 10
	leastDown = time.Second
	mostDown  = time.Minute
)

// lost has a task run elsewhere, unless that cannot help.
func (c *Coordinator) lost(a *attempt, err error) {
	t, j, w := a.task, a.task.job, a.worker
	c.silence(a)
	kind := moot.KindOf(err)
	c.cfg.Log.Debug("a task was lost", "job", j.ID, "task", t.label, "worker", w.Key.Short(), "error", err)
	switch kind {
	case moot.Invalid, moot.TooLarge:
		c.end(j, Failed, because(t, err))
		return
	case moot.NotFound, moot.Corrupt, moot.Denied, moot.Stranger, moot.Revoked, moot.Full:
		t.lost++ // it may be had, or allowed, elsewhere
		j.spoiled[w.Key] = err
		if len(j.crew) == len(j.spoiled) || t.lost > maxLost {
			c.end(j, Failed, because(t, err))
			return
		}
	default:
		j.Lost++
		w.failed++
		w.down = c.cfg.Now().Add(min(mostDown, leastDown<<min(w.failed-1, 6)))
		if t.lost++; t.lost > maxLost {
			c.end(j, Failed, because(t, moot.Errorf(moot.Unavailable, "it was lost with its workers %d times, the last time: %w", t.lost, err)))
			return
		}
	}
	j.again(t)
}

// again puts a task in front of those to be run, unless enough others run it.
func (j *job) again(t *task) {
	if !t.queued && len(t.running)+len(t.votes) < j.check() {
		t.queued = true
		j.ready = slices.Insert(j.ready, 0, t)
	}
}

func because(t *task, err error) string {
	var e *moot.Error
	text := err.Error()
	if errors.As(err, &e) && e.Err != nil {
		text = e.Error()
	}
	if t.label == "" {
		return text
	}
	return fmt.Sprintf("task %s: %s", t.label, text)
}

// content opens bytes of an outcome.
func (c *Coordinator) content(ctx context.Context, one moot.Content) (io.ReadCloser, error) {
	if one.Size == 0 || len(one.Data) > 0 {
		return io.NopCloser(bytes.NewReader(one.Data)), nil
	}
	rc, err := c.cfg.Node.Get(ctx, one.ID, moot.Whole)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{blob.NewDecoder(rc, one.ID, moot.Whole), rc}, nil
}
