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
	for _, j := range c.byPriority() {
		for c.assignOne(j, now) {
		}
	}
	for _, j := range c.jobs {
		if !j.State.Ended() && !j.busy && len(j.ready) == 0 && j.open > 0 {
			c.speculate(j, now)
		}
	}
}

// byPriority returns the jobs with ready tasks: by priority, then by the fewest running
// tasks of their members, then by age.
func (c *Coordinator) byPriority() []*job {
	running := map[moot.MemberID]int{}
	var list []*job
	for _, j := range c.jobs {
		running[j.By] += j.Running
		if !j.State.Ended() && !j.busy && len(j.ready) > 0 {
			list = append(list, j)
		}
	}
	slices.SortFunc(list, func(a, b *job) int {
		return cmp.Or(-cmp.Compare(a.spec.Priority, b.spec.Priority), cmp.Compare(running[a.By], running[b.By]),
			a.Submitted.Compare(b.Submitted), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// lookAhead is how many ready tasks are considered for a free worker.
const lookAhead = 16

// assignOne assigns one task of a job.
func (c *Coordinator) assignOne(j *job, now time.Time) bool {
	if j.State.Ended() || j.busy {
		return false
	}
	if !slices.ContainsFunc(j.pool, func(w *worker) bool { return w.free(j, now) }) || c.overShare(j) {
		return false
	}
	for i, t := range j.ready[:min(len(j.ready), lookAhead)] {
		if !t.cacheChecked {
			t.cacheChecked = true
			if c.useCached(t) {
				j.ready = slices.Delete(j.ready, i, i+1)
				t.queued = false
				return true
			}
		}
		w := pick(j.pool, t, func(w *worker) bool { return w.free(j, now) })
		if w == nil {
			if c.acceptMajority(t) {
				return true
			}
			continue
		}
		if wanted := j.check() - len(t.votes) - len(t.running); wanted <= 1 {
			j.ready = slices.Delete(j.ready, i, i+1)
			t.queued = false
		}
		c.dispatch(t, w, now)
		return true
	}
	return false
}

// acceptMajority accepts the outcome of a majority if no other worker could vote.
func (c *Coordinator) acceptMajority(t *task) bool {
	j := t.job
	winner, agree := majority(t.votes)
	left := slices.ContainsFunc(j.pool, func(w *worker) bool { return !t.has(w) && !j.dissenters[w.Member] && j.excluded[w.Key] == nil })
	if left || len(t.running) > 0 || agree <= j.check()/2 {
		return false
	}
	j.ready = slices.DeleteFunc(j.ready, func(other *task) bool { return other == t })
	t.queued = false
	c.accept(t, winner, agree)
	return true
}

// overShare reports whether the job's member has its fair share of the slots already.
func (c *Coordinator) overShare(j *job) bool {
	mine, members, slots := 0, map[moot.MemberID]bool{}, 0
	for _, other := range c.jobs {
		if other.State.Ended() {
			continue
		}
		if other.By == j.By {
			mine += other.Running
		} else if len(other.ready) > 0 && other.spec.Priority >= j.spec.Priority {
			members[other.By] = true
		}
	}
	if len(members) == 0 {
		return false
	}
	for _, w := range j.pool {
		slots += w.capacity()
	}
	return mine >= max(1, (slots+len(members))/(len(members)+1))
}

// free reports whether a task of the job can be assigned to the worker now.
func (w *worker) free(j *job, now time.Time) bool {
	return len(w.running) < w.capacity() && !now.Before(w.backoff) && !j.dissenters[w.Member] && j.excluded[w.Key] == nil
}

// pick returns the least loaded worker for a task, preferring one that has its input; nil
// if none may run it.
func pick(pool []*worker, t *task, may func(*worker) bool) (best *worker) {
	better := func(w *worker) int {
		return cmp.Or(cmp.Compare(w.load(t), best.load(t)), cmp.Compare(w.failed, best.failed))
	}
	for _, w := range pool {
		if may(w) && !t.has(w) && (best == nil || better(w) < 0) {
			best = w
		}
	}
	return best
}

// load is running tasks per slot, less a third if the worker has the task's input.
func (w *worker) load(t *task) float64 {
	load := float64(len(w.running)) / float64(w.Slots)
	if t.input != nil {
		if _, ok := w.holds[inputBlob(*t.input)]; ok {
			load -= 1.0 / 3
		}
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

// speculate runs backup tasks on idle workers (MapReduce, Dean and Ghemawat, OSDI 2004,
// 3.6): the first result wins.
func (c *Coordinator) speculate(j *job, now time.Time) {
	limit := max(backupLeast, backupFactor*median(j.times))
	for _, t := range j.tasks {
		if len(t.running) != 1 || t.committing || j.check()-len(t.votes) > 1 {
			continue
		}
		a := t.running[0]
		if now.Sub(a.dispatched) < limit || len(j.times) == 0 && !a.started.IsZero() {
			continue
		}
		idle := func(w *worker) bool { return w.free(j, now) && len(w.running) < w.Slots }
		if w := pick(j.pool, t, idle); w != nil {
			j.Backups++
			c.dispatch(t, w, now)
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
