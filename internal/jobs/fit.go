package jobs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
)

// Usual limits of a task that asks for none, and of who lends and says none.
const (
	usualMemory  = 256 << 20
	lenderMemory = 512 << 20
	lenderWall   = time.Hour
)

// Limits are the upper limits of one task on the terms.
func (t Terms) Limits() moot.Limits {
	l := moot.Limits{Memory: t.Memory, Wall: t.Wall}
	if l.Memory == 0 {
		l.Memory = lenderMemory
	}
	if l.Wall == 0 {
		l.Wall = lenderWall
	}
	return l
}

// exclusion is why a worker gets no task of a job for a while.
type exclusion struct {
	err   error
	times int
	until time.Time
}

// exclude has a worker get no task of the job for a while: it may be full now, or lack an
// input, or lend to others again.
func (j *job) exclude(w *worker, err error, now time.Time) {
	e := j.excluded[w.Key]
	if e == nil {
		e = &exclusion{}
		j.excluded[w.Key] = e
	}
	e.err, e.times = err, e.times+1
	e.until = now.Add(backoff(e.times))
}

func (j *job) excludes(w *worker, now time.Time) bool {
	e := j.excluded[w.Key]
	return e != nil && now.Before(e.until)
}

// free reports whether a task of the job can be assigned to a worker now.
func (c *Coordinator) free(j *job, w *worker, now time.Time) bool {
	return len(w.running) < w.capacity() && !now.Before(w.backoff) && !j.excludes(w, now)
}

// unfit returns why a worker may not run a task, now and later; "" if it may.
func (c *Coordinator) unfit(t *task, w *worker) string {
	j := t.job
	limits := &j.spec.Stages[j.stage].Task.Limits
	_, cheat := c.distrusted[w.Member]
	switch {
	case !j.spec.allows(w.Key, w.Member):
		return "not to be used"
	case cheat || j.dissenters[w.Member]:
		return "distrusted"
	case w.Limits.Memory > 0 && (limits.Memory > w.Limits.Memory || t.memory > w.Limits.Memory):
		return "too little memory"
	case w.Limits.Wall > 0 && limits.Wall > w.Limits.Wall:
		return "too little time"
	}
	return ""
}

// allows reports whether a device may run the job, as its submitter wants.
func (s *Spec) allows(device moot.Key, member moot.MemberID) bool {
	names := func(t Target) bool { return t.Member == member && (t.Device == moot.Key{} || t.Device == device) }
	return (len(s.On) == 0 || slices.ContainsFunc(s.On, names)) && !slices.ContainsFunc(s.Not, names)
}

// limited reports whether a task failed with less memory than it would have elsewhere: it
// goes there then.
func (c *Coordinator) limited(t *task, w *worker) bool {
	asked := t.job.spec.Stages[t.job.stage].Task.Limits.Memory
	if asked > 0 || w.Limits.Memory == 0 || w.Limits.Memory >= usualMemory {
		return false
	}
	before := t.memory
	t.memory = w.Limits.Memory + 1
	if slices.ContainsFunc(t.job.pool, func(w *worker) bool { return c.unfit(t, w) == "" }) {
		return true
	}
	t.memory = before
	return false
}

// waitsFor returns why no task of a job runs; "" if one does or could.
func (c *Coordinator) waitsFor(j *job, now time.Time) string {
	if j.State.Ended() || j.busy || j.Running > 0 || len(j.ready) == 0 {
		return ""
	}
	if len(j.pool) == 0 {
		return "nobody who lends can be reached now"
	}
	t := j.ready[0]
	reasons := map[string]int{}
	for _, w := range j.pool {
		why := c.unfit(t, w)
		switch e := j.excluded[w.Key]; {
		case why != "":
		case t.has(w):
			why = "it has run this task"
		case j.excludes(w, now):
			why = e.err.Error()
		case now.Before(w.backoff):
			why = "lost"
		default:
			why = "busy"
		}
		reasons[why]++
	}
	var list []string
	for why, n := range reasons {
		list = append(list, fmt.Sprintf("%d %s", n, why))
	}
	slices.Sort(list)
	if len(list) == 1 && len(j.pool) == 1 {
		return strings.TrimPrefix(list[0], "1 ")
	}
	return fmt.Sprintf("of %d: %s", len(j.pool), strings.Join(list, "; "))
}
