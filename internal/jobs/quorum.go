package jobs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
)

// verify accepts an outcome by quorum: a majority of the votes, once workers of enough
// members have voted.
func (c *Coordinator) verify(t *task) {
	need := t.need()
	winner, agree := majority(t.votes)
	switch {
	case agree > need/2 && len(t.votes) >= need:
		c.accept(t, winner, agree)
	case len(t.votes)+len(t.running) < t.want():
		t.job.requeue(t)
	case len(t.running) > 0 || len(t.votes) < need: // more votes will come
	default:
		c.addVote(t)
	}
}

// addVote asks one more worker about a task without a majority. If there is no other
// member's, the task fails.
func (c *Coordinator) addVote(t *task) {
	j := t.job
	if len(t.votes) <= 2*t.need() && slices.ContainsFunc(j.pool, func(w *worker) bool { return !t.has(w) && c.unfit(t, w) == "" }) {
		t.wanted = len(t.votes) + 1
		j.requeue(t)
		return
	}
	var names []string
	for _, v := range t.votes {
		names = append(names, c.cfg.Name(v.worker))
		j.Disagreed = append(j.Disagreed, Disagreement{v.worker, t.label})
		c.record(v.worker, v.member).Streak = 0
	}
	c.conclude(t, moot.Outcome{Failure: fmt.Sprintf("no majority of %d workers agrees on its result: %s disagree", len(names), strings.Join(names, ", "))})
}

// conclude fails a task of which no vote counts.
func (c *Coordinator) conclude(t *task, o moot.Outcome) {
	t.winner, t.agreed = vote{outcome: o}, 0
	c.commit(t, finished{state: taskFailed, outcome: o, others: t.compared(), records: c.takeRecords()})
}

// compared is the votes other than the one that counts.
func (t *task) compared() (list []ran) {
	for _, v := range t.votes {
		if v.worker != t.winner.worker {
			list = append(list, ran{v.worker, v.digest != t.winner.digest, v.outcome.Wall})
		}
	}
	return list
}

// majority returns the last vote for the most common outcome, and the number of such votes.
func majority(votes []vote) (best vote, agree int) {
	count := map[[32]byte]int{}
	for _, v := range votes {
		count[v.digest]++
		if count[v.digest] > agree || count[v.digest] == agree && v.digest == best.digest {
			best, agree = v, count[v.digest]
		}
	}
	return best, agree
}

// accept accepts an outcome, and records what it says of the workers that voted.
func (c *Coordinator) accept(t *task, v vote, agree int) {
	j := t.job
	cheats := c.note(t, v, agree)
	if why := failure(v.outcome); why != "" && t.failures < j.spec.Retries {
		t.failures++
		t.votes, t.logSource, t.quorum, t.wanted = nil, nil, 0, 0
		j.requeue(t)
	} else {
		t.winner, t.agreed = v, agree
		c.finish(t, v, agree)
	}
	for _, l := range cheats {
		c.distrust(l.worker, l.member)
	}
}

// finish commits the outcome of a task.
func (c *Coordinator) finish(t *task, v vote, agree int) {
	j := t.job
	for _, a := range t.running {
		a.cancel()
	}
	result, err := c.knownResult(t, v, agree)
	if err != nil {
		c.end(j, Failed, err.Error())
		return
	}
	if agree < 2 {
		j.audited[v.worker] = false
	}
	f := finished{state: taskDone, outcome: v.outcome, made: v.digest[:], worker: v.worker, agreed: agree, known: result, others: t.compared(), records: c.takeRecords()}
	if failure(v.outcome) != "" {
		f.state = taskFailed
	}
	c.commit(t, f)
}

// note records which workers were confirmed and which were outvoted: of these, members run
// no other task of the job. A result other than that of most is wrong, but a limit may be
// exceeded by a slow worker only.
func (c *Coordinator) note(t *task, v vote, agree int) (cheats []vote) {
	j := t.job
	for _, other := range t.votes {
		r := c.record(other.worker, other.member)
		if other.digest == v.digest {
			if agree > 1 {
				r.Valid++
				r.Streak++
			}
			continue
		}
		r.Streak = 0
		j.dissenters[other.member] = true
		j.Disagreed = append(j.Disagreed, Disagreement{other.worker, t.label})
		c.cfg.Log.Warn("a worker was outvoted", "job", j.ID, "task", t.label, "worker", other.worker)
		if other.outcome.Failure == "" && v.outcome.Failure == "" {
			r.Wrong++
			cheats = append(cheats, other)
		}
	}
	return cheats
}

// commit queues an outcome to be committed; the task is finished when it is.
func (c *Coordinator) commit(t *task, f finished) {
	t.committing = true
	t.by, t.worker, t.made = t.winner.member, t.winner.worker, t.winner.digest
	f.job, f.stage, f.n = t.job.ID, t.job.stage, t.n
	c.done.add(f)
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
	t.state, t.committing, t.votes, t.sum = f.state, false, nil, nil
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
	if _, cheat := c.distrusted[t.by]; cheat { // found out meanwhile
		j.discard(t.by)
	}
	c.advance(j)
}

// timedOut fails a job that has exceeded its timeout.
func (c *Coordinator) timedOut(j *job) {
	if c.jobs[j.ID] == j && !j.State.Ended() && c.cfg.Now().Sub(j.started) >= j.spec.Timeout {
		c.end(j, Failed, fmt.Sprintf("it took longer than its timeout of %s", j.spec.Timeout.Round(time.Millisecond)))
	}
}
