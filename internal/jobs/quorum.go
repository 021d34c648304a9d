package jobs

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mootspace/moot"
)

// verify accepts an outcome by quorum: a majority of the votes, once workers of enough
// members have voted.
func (c *Coordinator) verify(t *task) {
	j := t.job
	need := j.check()
	winner, agree := majority(t.votes)
	switch {
	case agree > need/2 && len(t.votes) >= need:
		c.accept(t, winner, agree)
	case len(t.votes)+len(t.running) < need:
		j.requeue(t)
	case len(t.running) > 0 || len(t.votes) < need: // more votes will come
	case c.addWorker(t): // no majority
	default:
		c.end(j, Failed, explain(t, moot.Errorf(moot.Corrupt, "no majority of %d workers agrees on its result", len(t.votes))))
	}
}

// addWorker runs a task without a majority on one more worker. false: there is none.
func (c *Coordinator) addWorker(t *task) bool {
	now := c.cfg.Now()
	if len(t.votes) >= 2*t.job.check()+1 {
		return false
	}
	w := pick(t.job.pool, t, func(w *worker) bool {
		return !now.Before(w.backoff) && !t.job.dissenters[w.Member] && t.job.excluded[w.Key] == nil
	})
	if w == nil {
		return false
	}
	c.dispatch(t, w, now)
	return true
}

// majority returns a vote for the most common outcome, and the number of such votes.
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

// accept accepts an outcome, and records the workers that were outvoted, whose members
// run no other task of the job.
func (c *Coordinator) accept(t *task, v vote, agree int) {
	j := t.job
	for _, other := range t.votes {
		if other.digest == v.digest {
			continue
		}
		j.dissenters[other.member] = true
		j.Disagreed = append(j.Disagreed, Disagreement{other.worker, t.label})
		c.cfg.Log.Warn("a worker was outvoted", "job", j.ID, "task", t.label, "worker", other.worker)
	}
	if why := failure(v.outcome); why != "" && t.failures < j.spec.Retries {
		t.failures++
		t.votes, t.logSource = nil, nil
		j.requeue(t)
		return
	}
	t.winner = v.worker
	for _, a := range t.running {
		a.cancel()
	}
	var sum []byte
	if failure(v.outcome) == "" {
		var err error
		if sum, err = digest(t.spec()); err != nil {
			c.end(j, Failed, err.Error())
			return
		}
	}
	c.commit(t, v.outcome, sum, agree)
}

// commit queues an outcome to be committed; the task is finished when it is.
func (c *Coordinator) commit(t *task, o moot.Outcome, sum []byte, votes int) {
	j := t.job
	t.committing = true
	f := finished{job: j.ID, stage: j.stage, n: t.n, state: taskDone, outcome: o, digest: sum, votes: votes}
	if failure(o) != "" {
		f.state = taskFailed
	}
	select {
	case c.done <- f:
	default: // waiting here could deadlock: the commit loop posts to this loop
		c.wg.Go(func() {
			select {
			case c.done <- f:
			case <-c.ctx.Done():
			}
		})
	}
}

// committed handles a committed outcome.
func (c *Coordinator) committed(f finished, err error) {
	j := c.jobs[f.job]
	if j == nil || j.stage != f.stage || j.State.Ended() {
		return
	}
	if err != nil {
		if c.ctx.Err() == nil {
			c.end(j, Failed, "store the outcome of a task: "+err.Error())
		}
		return
	}
	t := j.tasks[f.n]
	if t.state != taskWaits {
		return
	}
	t.state, t.committing, t.votes = f.state, false, nil
	j.open--
	c.publishOutcome(t, f.outcome)
	j.CPU += f.outcome.CPU
	if f.state == taskDone {
		j.Progress.Done++
		j.times = append(j.times, f.outcome.Wall)
	} else {
		j.Progress.Failed++
		j.failed++
		if j.Why == "" {
			j.Why = explain(t, errors.New(failure(f.outcome)))
		}
	}
	if len(j.times) > 2000 {
		j.times = slices.Delete(j.times, 0, 1000)
	}
	j.dirty = true
	c.advance(j)
}

// useCached finishes a task with the outcome of an equal task, if its outputs are still
// stored.
func (c *Coordinator) useCached(t *task) bool {
	j := t.job
	if j.spec.Fresh || t.failures > 0 {
		return false
	}
	sum, err := digest(t.spec())
	if err != nil || sum == nil {
		return false
	}
	o, ok, err := c.queue.cached(c.ctx, sum, j.check())
	if err != nil || !ok {
		return false
	}
	for _, one := range append([]moot.Content{o.Stdout, o.Stderr}, o.Files...) {
		if one.Size > 0 && len(one.Data) == 0 && !c.holds(c.ctx, one.Blob) {
			return false
		}
	}
	j.Cached++
	o.CPU, o.Wall = 0, 0
	c.commit(t, o, sum, j.check())
	return true
}

// timedOut fails a job that has exceeded its timeout.
func (c *Coordinator) timedOut(j *job) {
	if c.jobs[j.ID] == j && !j.State.Ended() && c.cfg.Now().Sub(j.started) >= j.spec.Timeout {
		c.end(j, Failed, fmt.Sprintf("it took longer than its timeout of %s", j.spec.Timeout.Round(time.Millisecond)))
	}
}
