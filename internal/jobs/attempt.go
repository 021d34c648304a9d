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

// dispatch runs a task on a worker.
func (c *Coordinator) dispatch(t *task, w *worker, now time.Time) {
	j := t.job
	ctx, cancel := context.WithCancel(j.ctx)
	a := &attempt{task: t, worker: w, cancel: cancel, dispatched: now, charge: j.expected()}
	c.used[j.By] += a.charge
	t.running = append(t.running, a)
	w.running[a] = struct{}{}
	if t.logSource == nil {
		t.logSource = a
	}
	j.Running++
	j.dirty = true
	if t.input != nil && len(w.holds) < 4096 {
		w.holds[inputBlob(*t.input)] = struct{}{}
	}
	spec, runner, blobs := t.spec(), w.Runner, w.Blobs
	c.wg.Go(func() {
		defer cancel()
		o, err := runner.Run(ctx, spec, func(p moot.Progress) { c.post(func() { c.progressed(a, p) }) })
		if err == nil {
			err = c.collect(ctx, blobs, &o)
		}
		c.post(func() { c.returned(a, o, err) })
	})
}

// collect stores the outputs of a task at this node, and verifies them.
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

// fetch verifies attached content, and stores other content at this node unless it is
// stored already: this is the only time that an output is written here.
func (c *Coordinator) fetch(ctx context.Context, from moot.Blobs, one *moot.Content) error {
	if one.Size == 0 || len(one.Data) > 0 {
		h := blob.NewHasher(nil)
		h.Write(one.Data) // fails only if a tree is written
		b, err := h.Sum()
		if err == nil && b != one.Blob {
			err = moot.Errorf(moot.Corrupt, "its content does not match its hash")
		}
		return err
	}
	if c.holds(ctx, one.Blob) {
		return nil
	}
	rc, err := from.Get(ctx, one.ID, moot.Whole)
	if err != nil {
		return err
	}
	defer rc.Close()
	b, err := c.cfg.Node.Put(ctx, blob.NewDecoder(rc, one.ID, moot.Whole))
	if err == nil && b != one.Blob {
		err = moot.Errorf(moot.Corrupt, "its content does not match its hash")
	}
	return err
}

// progressed handles the progress of a running task.
func (c *Coordinator) progressed(a *attempt, p moot.Progress) {
	if p.Started {
		a.started = c.cfg.Now()
		c.cfg.Log.Debug("a task started", "job", a.job.ID, "task", a.label, "worker", a.worker.Key.Short(), "after", a.started.Sub(a.dispatched))
	}
	if len(p.Text) > 0 {
		c.logged(a, p)
	}
}

// returned handles the end of an attempt.
func (c *Coordinator) returned(a *attempt, o moot.Outcome, err error) {
	t, j, w := a.task, a.task.job, a.worker
	now := c.cfg.Now()
	o.Wall = min(max(o.Wall, 0), now.Sub(a.dispatched)) // a worker may say anything
	a.cancel()
	delete(w.running, a)
	t.running = slices.DeleteFunc(t.running, func(other *attempt) bool { return other == a })
	j.Running--
	j.dirty = true
	c.used[j.By] -= a.charge
	if err == nil {
		c.used[j.By] += o.Wall
	} else if !a.started.IsZero() {
		c.used[j.By] += now.Sub(a.started)
	}
	if j.State.Ended() || j.ctx.Err() != nil || t.state != taskWaits || t.committing {
		if err == nil {
			w.failed = 0
		}
		return
	}
	if _, cheat := c.distrusted[w.Member]; cheat || a.moved && err != nil {
		c.switchLogSource(a)
		j.requeue(t)
		return
	}
	if err != nil {
		c.lost(a, err)
		return
	}
	w.failed = 0
	r := c.record(w.Key, w.Member)
	r.Runs, r.Wall = r.Runs+1, r.Wall+o.Wall
	if o.Failure != "" && c.limited(t, w) {
		c.switchLogSource(a)
		j.requeue(t)
		return
	}
	sum, err := outcomeDigest(o)
	if err != nil {
		c.end(j, Failed, err.Error())
		return
	}
	j.Progress.Workers[w.Key]++
	j.Busy += o.Wall
	j.ran, j.ended = j.ran+o.Wall, j.ended+1
	v := vote{worker: w.Key, member: w.Member, server: w.Server, digest: sum, outcome: o}
	t.votes = append(t.votes, v)
	c.doubt(t, v)
	c.verify(t)
}

// Limit on the losses of one task, and back-off of a worker after a loss.
const (
	maxLost    = 20 // runs that had begun,
	lostAlone  = 3  // on workers of so many devices
	minBackoff = time.Second
	maxBackoff = time.Minute
)

func backoff(failures int) time.Duration {
	return min(maxBackoff, minBackoff<<min(max(failures-1, 0), 6))
}

// lost runs a task on another worker, or on the same one later.
func (c *Coordinator) lost(a *attempt, err error) {
	t, j, w := a.task, a.task.job, a.worker
	c.switchLogSource(a)
	now := c.cfg.Now()
	c.cfg.Log.Debug("a task was lost", "job", j.ID, "task", t.label, "worker", w.Key.Short(), "error", err)
	switch moot.KindOf(err) {
	case moot.Invalid, moot.TooLarge:
		j.refused[w.Member] = struct{}{}
		others := slices.ContainsFunc(j.pool, func(other *worker) bool {
			_, refused := j.refused[other.Member]
			return !refused && c.unfit(t, other) == ""
		})
		if len(j.refused) > 1 || !others {
			c.end(j, Failed, explain(t, err))
			return
		}
		j.exclude(w, err, now)
	case moot.NotFound, moot.Corrupt, moot.Denied, moot.Stranger, moot.Revoked, moot.Full:
		j.exclude(w, err, now)
	default:
		j.Lost++
		w.failed++
		w.backoff = now.Add(backoff(w.failed))
		c.record(w.Key, w.Member).Lost++
		if a.started.IsZero() {
			break
		}
		if t.lostOn == nil {
			t.lostOn = map[moot.Key]int{}
		}
		t.lost++
		t.lostOn[w.Key]++
		if t.lost >= maxLost && len(t.lostOn) >= lostAlone {
			c.end(j, Failed, explain(t, moot.Errorf(moot.Unavailable, "lost with its workers %d times, the last time: %w", t.lost, err)))
			return
		}
	}
	j.requeue(t)
}

// requeue makes a task the first to run, unless enough workers run it already.
func (j *job) requeue(t *task) {
	if !t.queued && len(t.running)+len(t.votes) < t.want() {
		t.queued = true
		j.ready = slices.Insert(j.ready, 0, t)
	}
}

// explain is an error in the words of a job's submitter.
func explain(t *task, err error) string {
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

// holds reports whether a blob is stored on this machine. What other nodes hold does not
// count: a worker may vanish with it.
func (c *Coordinator) holds(ctx context.Context, b moot.Blob) bool {
	h, err := c.cfg.Local.Have(ctx, b.ID)
	return err == nil && h.Complete() && h.Size == b.Size
}

// content opens one output of an outcome.
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
