package jobs

import (
	"cmp"
	"slices"
	"time"

	"github.com/mootspace/moot"
)

// worker is a Worker as this coordinator knows it.
type worker struct {
	Worker
	running map[*attempt]struct{}
	holds   map[moot.BlobID]struct{} // inputs it was given before
	down    time.Time                // it is not asked before
	failed  int                      // times it was lost in a row
}

// capacity is how many tasks a worker is given: some more than it can run at once, so
// that it never waits for the next one.
func (w *worker) capacity() int { return w.Slots + max(1, w.Slots/2) }

// lookRound asks who can be asked now.
func (c *Coordinator) lookRound() {
	now := c.cfg.Now()
	type asked struct {
		member moot.Key
		pool   Pool
	}
	seen := map[asked][]Worker{}
	all := map[moot.Key]bool{}
	for _, j := range c.jobs {
		if j.State.Ended() {
			continue
		}
		id := asked{j.Author, j.Pool}
		if _, ok := seen[id]; !ok {
			seen[id] = c.cfg.Pool(c.ctx, id.member, id.pool)
		}
		j.crew = j.crew[:0]
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
			j.crew = append(j.crew, known)
			all[w.Key] = true
		}
	}
	for k, w := range c.workers {
		if !all[k] && len(w.running) == 0 && now.After(w.down) {
			delete(c.workers, k)
		}
	}
}

// assign hands out tasks as long as somebody can take one.
func (c *Coordinator) assign() {
	now := c.cfg.Now()
	for _, j := range c.order() {
		for c.assignOne(j, now) {
		}
	}
	for _, j := range c.jobs {
		if !j.State.Ended() && !j.busy && len(j.ready) == 0 && j.open > 0 {
			c.hurry(j, now)
		}
	}
}

// order sorts jobs: the higher priority first, then whose member has less running, then
// the older.
func (c *Coordinator) order() []*job {
	running := map[moot.Key]int{}
	var list []*job
	for _, j := range c.jobs {
		running[j.Author] += j.Running
		if !j.State.Ended() && !j.busy && len(j.ready) > 0 {
			list = append(list, j)
		}
	}
	slices.SortFunc(list, func(a, b *job) int {
		return cmp.Or(-cmp.Compare(a.spec.Priority, b.spec.Priority), cmp.Compare(running[a.Author], running[b.Author]),
			a.Submitted.Compare(b.Submitted), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// lookAhead is how many ready tasks are tried when the first suits no free worker.
const lookAhead = 16

// assignOne hands out one task of a job.
func (c *Coordinator) assignOne(j *job, now time.Time) bool {
	if j.State.Ended() || j.busy {
		return false
	}
	if !slices.ContainsFunc(j.crew, func(w *worker) bool { return w.free(j, now) }) || c.greedy(j) {
		return false
	}
	for i, t := range j.ready[:min(len(j.ready), lookAhead)] {
		if !t.looked {
			t.looked = true
			if c.recall(t) {
				j.ready = slices.Delete(j.ready, i, i+1)
				t.queued = false
				return true
			}
		}
		w := pick(j.crew, t, func(w *worker) bool { return w.free(j, now) })
		if w == nil {
			if c.settled(t) {
				return true
			}
			continue
		}
		if wanted := j.check() - len(t.votes) - len(t.running); wanted <= 1 {
			j.ready = slices.Delete(j.ready, i, i+1)
			t.queued = false
		}
		c.hand(t, w, now)
		return true
	}
	return false
}

// settled decides on a task of which most results are the same, if nobody is left who
// could be asked for another.
func (c *Coordinator) settled(t *task) bool {
	j := t.job
	winner, agree := majority(t.votes)
	left := slices.ContainsFunc(j.crew, func(w *worker) bool { return !t.has(w.Key) && !j.liars[w.Key] && j.spoiled[w.Key] == nil })
	if left || len(t.running) > 0 || agree <= j.check()/2 {
		return false
	}
	j.ready = slices.DeleteFunc(j.ready, func(other *task) bool { return other == t })
	t.queued = false
	c.decide(t, winner, agree)
	return true
}

// greedy reports whether a member has his share of what several want.
func (c *Coordinator) greedy(j *job) bool {
	mine, members, slots := 0, map[moot.Key]bool{}, 0
	for _, other := range c.jobs {
		if other.State.Ended() {
			continue
		}
		if other.Author == j.Author {
			mine += other.Running
		} else if len(other.ready) > 0 && other.spec.Priority >= j.spec.Priority {
			members[other.Author] = true
		}
	}
	if len(members) == 0 {
		return false
	}
	for _, w := range j.crew {
		slots += w.capacity()
	}
	return mine >= max(1, (slots+len(members))/(len(members)+1))
}

// free reports whether a worker could take a task of the job.
func (w *worker) free(j *job, now time.Time) bool {
	return len(w.running) < w.capacity() && !now.Before(w.down) && !j.liars[w.Key] && j.spoiled[w.Key] == nil
}

// pick returns the best worker for a task: the least loaded, and of those one that has
// the task's input; nil if none may.
func pick(crew []*worker, t *task, may func(*worker) bool) (best *worker) {
	better := func(w *worker) int {
		return cmp.Or(cmp.Compare(w.load(t), best.load(t)), cmp.Compare(w.failed, best.failed))
	}
	for _, w := range crew {
		if may(w) && !t.has(w.Key) && (best == nil || better(w) < 0) {
			best = w
		}
	}
	return best
}

// load is how much of what a worker can do at once it has to do already; the input that
// it has counts like a third of that.
func (w *worker) load(t *task) float64 {
	load := float64(len(w.running)) / float64(w.Slots)
	if t.input != nil {
		if _, ok := w.holds[carrier(*t.input)]; ok {
			load -= 1.0 / 3
		}
	}
	return load
}

// carrier is the blob in which an input travels.
func carrier(in moot.Input) moot.BlobID {
	if in.Pack != (moot.BlobID{}) {
		return in.Pack
	}
	return in.ID
}

// slow is how much longer than most a task may take before another worker is asked.
const (
	slow      = 2
	slowLeast = 250 * time.Millisecond
)

// hurry has workers with nothing to do run copies of tasks that others are slow with:
// whose result comes first counts.
func (c *Coordinator) hurry(j *job, now time.Time) {
	limit := max(slowLeast, slow*median(j.times))
	for _, t := range j.tasks {
		if len(t.running) != 1 || t.keeping || j.check()-len(t.votes) > 1 {
			continue
		}
		a := t.running[0]
		if now.Sub(a.handed) < limit || len(j.times) == 0 && !a.started.IsZero() {
			continue
		}
		idle := func(w *worker) bool { return w.free(j, now) && len(w.running) < w.Slots }
		if w := pick(j.crew, t, idle); w != nil {
			j.Again++
			c.hand(t, w, now)
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
