package jobs

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mootspace/moot"
)

// judge decides what came of a task, once enough workers have said it.
func (c *Coordinator) judge(t *task) {
	j := t.job
	need := j.check()
	winner, agree := majority(t.votes)
	switch {
	case agree > need/2 && len(t.votes) >= need:
		c.decide(t, winner, agree)
	case len(t.votes)+len(t.running) < need:
		j.again(t)
	case len(t.running) > 0 || len(t.votes) < need: // others will say
	case c.another(t): // no majority: one more
	default:
		c.end(j, Failed, because(t, moot.Errorf(moot.Corrupt, "no majority of %d workers agrees on its result", len(t.votes))))
	}
}

// another has one more worker run a task on which there is no agreement.
func (c *Coordinator) another(t *task) bool {
	now := c.cfg.Now()
	if len(t.votes) >= 2*t.job.check()+1 {
		return false
	}
	w := pick(t.job.crew, t, func(w *worker) bool {
		return !now.Before(w.down) && !t.job.liars[w.Key] && t.job.spoiled[w.Key] == nil
	})
	if w == nil {
		return false
	}
	c.hand(t, w, now)
	return true
}

// majority returns the result that most agree on, and how many do.
func majority(votes []vote) (best vote, agree int) {
	count := map[[32]byte]int{}
	for _, v := range votes {
		count[v.digest]++
		if count[v.digest] > agree {
			best, agree = v, count[v.digest]
		}
	}
	return best, agree
}

// decide settles on a result, and names those who gave another.
func (c *Coordinator) decide(t *task, v vote, agree int) {
	j := t.job
	for _, other := range t.votes {
		if other.digest == v.digest {
			continue
		}
		j.liars[other.worker] = true
		j.Liars = append(j.Liars, Disagreement{other.worker, t.label})
		c.cfg.Log.Warn("a worker's result is not that of the others", "job", j.ID, "task", t.label, "worker", other.worker)
	}
	if why := failed(v.outcome); why != "" && t.failures < j.spec.Retries {
		t.failures++
		t.votes, t.voice = nil, nil
		j.again(t)
		return
	}
	t.told = v.worker
	for _, a := range t.running {
		a.cancel()
	}
	var sum []byte
	if failed(v.outcome) == "" {
		var err error
		if sum, err = digest(t.spec()); err != nil {
			c.end(j, Failed, err.Error())
			return
		}
	}
	c.settle(t, v.outcome, sum, agree)
}

// settle has an outcome written down; only then is the task done.
func (c *Coordinator) settle(t *task, o moot.Outcome, sum []byte, votes int) {
	j := t.job
	t.keeping = true
	f := finished{job: j.ID, stage: j.stage, n: t.n, state: taskDone, outcome: o, digest: sum, votes: votes}
	if failed(o) != "" {
		f.state = taskFailed
	}
	select {
	case c.done <- f:
	default: // the writer is behind, and may be waiting for the loop
		c.crew.Go(func() {
			select {
			case c.done <- f:
			case <-c.ctx.Done():
			}
		})
	}
}

// kept takes notice that an outcome was written down.
func (c *Coordinator) kept(f finished, err error) {
	j := c.jobs[f.job]
	if j == nil || j.stage != f.stage || j.State.Ended() {
		return
	}
	if err != nil {
		if c.ctx.Err() == nil {
			c.end(j, Failed, "its outcomes cannot be kept: "+err.Error())
		}
		return
	}
	t := j.tasks[f.n]
	if t.state != taskWaits {
		return
	}
	t.state, t.keeping, t.votes = f.state, false, nil
	j.open--
	c.spoken(t, f.outcome)
	j.CPU += f.outcome.CPU
	if f.state == taskDone {
		j.Progress.Done++
		j.times = append(j.times, f.outcome.Wall)
	} else {
		j.Progress.Failed++
		j.failed++
		if j.Why == "" {
			j.Why = because(t, errors.New(failed(f.outcome)))
		}
	}
	if len(j.times) > 2000 {
		j.times = slices.Delete(j.times, 0, 1000)
	}
	j.dirty = true
	c.advance(j)
}

// recall settles a task by what it came to before, if it may and that is still here.
func (c *Coordinator) recall(t *task) bool {
	j := t.job
	if j.spec.Fresh || t.failures > 0 {
		return false
	}
	sum, err := digest(t.spec())
	if err != nil || sum == nil {
		return false
	}
	o, ok, err := c.queue.known(c.ctx, sum, j.check())
	if err != nil || !ok {
		return false
	}
	for _, one := range append([]moot.Content{o.Stdout, o.Stderr}, o.Files...) {
		if one.Size == 0 || len(one.Data) > 0 {
			continue
		}
		if h, err := c.cfg.Node.Have(c.ctx, one.ID); err != nil || !h.Complete() {
			return false
		}
	}
	j.Cached++
	o.CPU, o.Wall = 0, 0
	c.settle(t, o, sum, j.check())
	return true
}

// overdue ends a job whose time is up.
func (c *Coordinator) overdue(j *job) {
	if c.jobs[j.ID] == j && !j.State.Ended() && c.cfg.Now().Sub(j.began) >= j.spec.Timeout {
		c.end(j, Failed, fmt.Sprintf("it took longer than its %s", j.spec.Timeout.Round(time.Millisecond)))
	}
}
