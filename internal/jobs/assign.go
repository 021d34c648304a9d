package jobs

import (
	"cmp"
	"slices"
	"time"

	"github.com/mootspace/moot"
)

// worker is a Worker with the coordinator's bookkeeping.
type worker struct {
	Worker
	running map[*attempt]struct{}
	holds   map[moot.BlobID]struct{} // inputs it has fetched
	backoff time.Time                // it is assigned no task before
	failed  int                      // consecutive losses
}

// capacity is the number of tasks assigned to a worker at once: more than its slots, so
// that the next inputs are fetched while others run.
func (w *worker) capacity() int { return w.Slots + max(1, w.Slots/2) }

// refreshWorkers updates the worker pool of every job.
func (c *Coordinator) refreshWorkers() {
	now := c.cfg.Now()
	type owner struct {
		member moot.MemberID
		via    moot.Architecture
	}
	seen := map[owner][]Worker{}
	all := map[moot.Key]bool{}
	for _, j := range c.jobs {
		if j.State.Ended() {
			continue
		}
		id := owner{j.By, j.Via}
		if _, ok := seen[id]; !ok {
			seen[id] = c.cfg.Workers(c.ctx, id.member, id.via)
		}
		j.pool = j.pool[:0]
		for _, w := range seen[id] {
			if w.Slots <= 0 {
				continue
			}
			known := c.workers[w.Key]
			if known == nil {
				known = &worker{running: map[*attempt]struct{}{}, holds: map[moot.BlobID]struct{}{}}
				c.workers[w.Key] = known
			}
			known.Worker = w
			j.pool = append(j.pool, known)
			all[w.Key] = true
		}
		c.locate(j)
	}
	for k, w := range c.workers {
		if !all[k] && len(w.running) == 0 && now.After(w.backoff) {
			delete(c.workers, k)
		}
	}
}

// assign assigns ready tasks to free workers.
func (c *Coordinator) assign() {
	now := c.cfg.Now()
	c.share(now)
	for _, j := range c.jobs {
		j.waits = c.waitsFor(j, now)
		if !j.State.Ended() && !j.busy && len(j.ready) == 0 && j.open > 0 {
			c.speculate(j, now)
		}
	}
}

// lookAhead is how many ready tasks are considered for a free worker.
const lookAhead = 16

// assignOne assigns one task of a job.
func (c *Coordinator) assignOne(j *job, now time.Time) bool {
	if j.State.Ended() || j.busy || !slices.ContainsFunc(j.pool, func(w *worker) bool { return c.free(j, w, now) }) {
		return false
	}
	for i, t := range j.ready[:min(len(j.ready), lookAhead)] {
		if !t.cacheChecked {
			t.cacheChecked = true
			if c.useCached(t) {
				j.unready(i)
				return true
			}
		}
		w := pick(j.pool, t, func(w *worker) bool {
			return c.free(j, w, now) && c.unfit(t, w) == "" && !c.betterElsewhere(t, w, now)
		})
		if w == nil {
			if c.acceptMajority(t) {
				return true
			}
			continue
		}
		if j.auto() && !c.trusts(w.Key) {
			t.quorum = max(t.quorum, 2)
		}
		if t.want()-len(t.votes)-len(t.running) <= 1 {
			j.unready(i)
		}
		c.dispatch(t, w, now)
		return true
	}
	return false
}

// unready takes a task off the ready list.
func (j *job) unready(i int) {
	j.ready[i].queued = false
	if i == 0 {
		j.ready = j.ready[1:]
		return
	}
	j.ready = slices.Delete(j.ready, i, i+1)
}

// acceptMajority accepts the outcome of a majority if no other worker could vote.
func (c *Coordinator) acceptMajority(t *task) bool {
	j := t.job
	winner, agree := majority(t.votes)
	left := slices.ContainsFunc(j.pool, func(w *worker) bool { return !t.has(w) && c.unfit(t, w) == "" })
	if left || len(t.running) > 0 || agree <= t.need()/2 || winner.earlier {
		return false
	}
	j.ready = slices.DeleteFunc(j.ready, func(other *task) bool { return other == t })
	t.queued = false
	c.accept(t, winner, agree)
	return true
}

// pick returns the least loaded worker for a task, preferring one that has its input; nil
// if none may run it.
func pick(pool []*worker, t *task, may func(*worker) bool) (best *worker) {
	better := func(w *worker) int {
		return cmp.Or(cmp.Compare(w.load(t), best.load(t)), cmp.Compare(w.failed, best.failed), -cmp.Compare(w.Limits.Memory, best.Limits.Memory))
	}
	for _, w := range pool {
		if !t.has(w) && may(w) && (best == nil || better(w) < 0) {
			best = w
		}
	}
	return best
}

// load is running tasks per slot, less a third if the worker has the task's input.
func (w *worker) load(t *task) float64 {
	load := float64(len(w.running)) / float64(w.Slots)
	if w.has(t) {
		load -= 1.0 / 3
	}
	return load
}

// inputBlob is the blob that contains an input.
func inputBlob(in moot.Input) moot.BlobID {
	if in.Pack != (moot.BlobID{}) {
		return in.Pack
	}
	return in.ID
}

// Run time after which a backup task is started: a multiple of the median, and a minimum.
const (
	backupFactor = 2
	backupLeast  = 250 * time.Millisecond
)

// speculate moves tasks that wait at busy workers to idle ones, and runs backup tasks
// there (MapReduce, Dean and Ghemawat, OSDI 2004, 3.6): the first result wins.
func (c *Coordinator) speculate(j *job, now time.Time) {
	idle := func(w *worker) bool { return c.free(j, w, now) && len(w.running) < w.Slots }
	if !slices.ContainsFunc(j.pool, idle) {
		return
	}
	limit := max(backupLeast, backupFactor*median(j.times))
	for _, t := range j.tasks {
		if len(t.running) != 1 || t.committing || t.want()-len(t.votes) > 1 {
			continue
		}
		a := t.running[0]
		waits := a.started.IsZero() && len(a.worker.running) > a.worker.Slots
		if !waits && (now.Sub(a.dispatched) < limit || len(j.times) == 0 && !a.started.IsZero()) {
			continue
		}
		w := pick(j.pool, t, func(w *worker) bool { return idle(w) && c.unfit(t, w) == "" && (!waits || t.small() || w.has(t)) })
		if w == nil {
			continue
		}
		if !waits {
			j.Backups++
		}
		c.dispatch(t, w, now)
		if waits {
			a.moved = true
			a.cancel()
		}
	}
}

func median(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	s := slices.Clone(times[max(0, len(times)-99):])
	slices.Sort(s)
	return s[len(s)/2]
}
