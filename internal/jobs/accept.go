package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

const (
	maxSpec  = 16 << 20 // bytes of a specification
	maxTasks = 200_000  // of one stage

	readRetry = 5 * time.Second // until an unavailable specification is read again
)

// received handles an entry of kind job.
func (c *Coordinator) received(e moot.Entry) {
	if e.Deletes() {
		c.wg.Go(func() {
			if err := c.removed(c.ctx, e); err != nil && c.ctx.Err() == nil {
				c.cfg.Log.Warn("forget a job", "id", e.Key, "error", err)
			}
		})
		return
	}
	o, err := submissionOf(e, c.cfg.Member)
	if err != nil || o.coordinator != c.cfg.Self {
		return
	}
	c.post(func() { c.handle(o) })
}

// handle starts, cancels or retries a job.
func (c *Coordinator) handle(o submittedJob) {
	if j := c.jobs[o.id]; j != nil {
		switch {
		case j.By != o.by:
		case j.State.Ended() || j.starting: // its result is being published, or it is about to start
			j.next = &o
		case o.Cancelled:
			c.end(j, Cancelled, "")
		}
		return
	}
	c.wg.Go(func() {
		s, found, err := c.queue.find(c.ctx, o.id)
		switch {
		case err != nil:
			c.cfg.Log.Error("run a job", "id", o.id, "error", err)
		case found && s.By == o.by && o.Cancelled && !s.State.Ended(): // it is being resumed
			wait(c.ctx, followRetry)
			c.post(func() { c.handle(o) })
		case found && s.By == o.by && o.Round > s.Round && !o.Cancelled:
			c.retry(s, o.Round)
		case !found && !o.Cancelled:
			c.start(o)
		}
	})
}

// start starts a new job, or holds it until it can start.
func (c *Coordinator) start(o submittedJob) {
	s := stored{Job: o.job()}
	err := c.readSpec(o, &s)
	switch {
	case c.ctx.Err() != nil:
	case moot.KindOf(err) == moot.Unavailable: // its submitter may reconnect
		c.cfg.Log.Warn("read a job: retry", "id", o.id, "error", err)
		wait(c.ctx, readRetry)
		c.post(func() { c.handle(o) })
	case err != nil || s.spec.Start.now():
		c.begin(s, err)
	default:
		if err = c.check(&s); err != nil {
			c.begin(s, err)
			return
		}
		at := s.spec.Start.At
		if at.IsZero() {
			at = c.cfg.Now()
		}
		c.hold(s, at, "")
	}
}

func (c *Coordinator) saveStage(s *stored, rows []row) error {
	return c.queue.update(c.ctx, func(tx *sql.Tx) error {
		if err := c.queue.save(tx, s); err != nil {
			return err
		}
		return c.queue.addTasks(tx, s.ID, s.stage, rows)
	})
}

// resume resumes a job after a restart.
func (c *Coordinator) resume(s stored) {
	c.wg.Go(func() {
		rows, err := c.queue.tasks(c.ctx, s.ID, s.stage)
		var earlier tally
		if err == nil {
			earlier, err = c.queue.earlier(c.ctx, s.ID, s.stage)
		}
		var a accounts
		if err == nil {
			a, err = c.queue.accounts(c.ctx, s.ID)
		}
		if err != nil {
			c.cfg.Log.Error("run a job", "id", s.ID, "error", err)
			return
		}
		s.recount(a)
		c.post(func() { c.add(s, rows, earlier, nil) })
	})
}

// retry runs the failed tasks of a job again.
func (c *Coordinator) retry(s stored, round uint) {
	s.Round, s.State, s.Why, s.published, s.endedAt = round, Running, "", false, time.Time{}
	s.Progress.Failed, s.Running = 0, 0
	if s.Tasks == 0 { // it had not started
		c.hold(s, c.cfg.Now(), "")
		return
	}
	err := c.queue.update(c.ctx, func(tx *sql.Tx) error {
		if err := c.queue.resetFailed(tx, s.ID); err != nil {
			return err
		}
		return c.queue.save(tx, &s)
	})
	if err != nil {
		c.cfg.Log.Error("run a job", "id", s.ID, "error", err)
		return
	}
	c.resume(s)
}

// add adds a job to the loop. A job that could not be started fails with the error given.
func (c *Coordinator) add(s stored, rows []row, earlier tally, failed error) {
	if c.jobs[s.ID] != nil {
		return
	}
	j := &job{stored: s, dissenters: map[moot.MemberID]bool{}, excluded: map[moot.Key]*exclusion{}, started: c.cfg.Now().Add(-s.Wall)}
	for _, d := range s.Disagreed {
		j.dissenters[c.memberOf(d.Worker)] = true
	}
	j.ctx, j.stop = context.WithCancel(c.ctx)
	if s.spec.Timeout > 0 && s.State != Scheduled {
		j.ctx, j.stop = context.WithDeadline(c.ctx, j.started.Add(s.spec.Timeout))
		context.AfterFunc(j.ctx, func() { c.post(func() { c.timedOut(j) }) })
	}
	if j.Progress.Workers == nil {
		j.Progress.Workers = map[moot.Key]int{}
	}
	c.jobs[s.ID] = j
	c.load(j, rows, earlier)
	switch {
	case s.State.Ended():
		c.publishEnd(j)
	case s.State == Scheduled:
		j.busy, j.dirty = true, true
		c.startDue()
	case failed != nil:
		c.end(j, Failed, failed.Error())
	default:
		c.refreshWorkers()
		c.advance(j)
	}
}

// load sets the tasks of the running stage; earlier counts those of the stages before.
func (c *Coordinator) load(j *job, rows []row, earlier tally) {
	j.tasks, j.ready, j.open, j.times, j.audited = nil, nil, 0, nil, map[moot.Key]bool{}
	j.refused, j.located, j.ran, j.ended = map[moot.MemberID]struct{}{}, map[moot.Key]bool{}, 0, 0
	j.Progress.Done, j.Progress.Failed, j.Running, j.failed = earlier.done, earlier.failed, 0, 0
	if j.stage < len(j.spec.Stages) {
		j.Progress.Stage = j.spec.Stages[j.stage].Name
	}
	for _, r := range rows {
		t := &task{job: j, row: r, by: c.memberOf(r.worker)}
		if _, cheat := c.distrusted[t.by]; cheat && r.worker != (moot.Key{}) && t.state == taskDone && t.agreed < 2 {
			t.state, r.state = taskWaits, taskWaits
		}
		t.queued = r.state == taskWaits
		j.tasks = append(j.tasks, t)
		switch r.state {
		case taskDone:
			j.Progress.Done++
		case taskFailed:
			j.Progress.Failed++
			j.failed++
		default:
			j.open++
			j.ready = append(j.ready, t)
		}
	}
	j.dirty = true
	if j.open > 0 && !j.spec.Fresh {
		known, err := c.queue.knows(c.ctx, j.spec.Stages[j.stage].Task.Module)
		j.known = known && err == nil
	}
}

// recount restores who ran a job's tasks, of which the stored job knows less.
func (s *stored) recount(a accounts) {
	if s.Progress.Workers == nil {
		s.Progress.Workers = map[moot.Key]int{}
	}
	for k, n := range a.runs {
		s.Progress.Workers[k] = max(s.Progress.Workers[k], n)
	}
	s.CPU, s.Busy = max(s.CPU, a.cpu), max(s.Busy, a.busy)
	if len(a.disagreed) > len(s.Disagreed) {
		s.Disagreed = a.disagreed
	}
}

func (c *Coordinator) readSpec(o submittedJob, s *stored) error {
	rc, err := c.cfg.Node.Get(c.ctx, o.spec, moot.Whole)
	if err != nil {
		return err
	}
	defer rc.Close()
	text, err := io.ReadAll(io.LimitReader(blob.NewDecoder(rc, o.spec, moot.Whole), maxSpec+1))
	if err != nil {
		return err
	}
	if len(text) > maxSpec {
		return moot.Errorf(moot.TooLarge, "the job's specification is larger than %d bytes", maxSpec)
	}
	if err := json.Unmarshal(text, &s.spec); err != nil {
		return moot.Errorf(moot.Invalid, "not a job's specification: %w", err)
	}
	return s.spec.check()
}

// check validates a specification, which is untrusted. Kind Invalid.
func (s *Spec) check() error {
	switch {
	case len(s.Stages) == 0 || len(s.Stages) > 64:
		return moot.Errorf(moot.Invalid, "a job has 1 to 64 stages")
	case s.Check < CheckAuto || s.Check > 15:
		return moot.Errorf(moot.Invalid, "results can be checked by 1 to 15 nodes")
	case s.Priority < -100 || s.Priority > 100:
		return moot.Errorf(moot.Invalid, "a priority is between -100 and 100")
	case len(s.On) > maxNamed || len(s.Not) > maxNamed:
		return moot.Errorf(moot.Invalid, "a job names at most %d members or devices that are to run it, or not to", maxNamed)
	case s.Retries < 0 || s.Retries > 100 || s.Timeout < 0:
		return moot.Errorf(moot.Invalid, "a job has 0 to 100 retries, and a timeout above 0")
	}
	if err := s.Start.check(); err != nil {
		return err
	}
	for _, st := range s.Stages {
		if st.Count < 0 || st.Count > maxTasks || len(st.Each) > maxTasks || len(st.Task.Args)+len(st.Task.Env)+len(st.Task.Inputs) > 4096 {
			return moot.Errorf(moot.Invalid, "a stage has at most %d tasks, and a task at most 4096 arguments, variables and inputs", maxTasks)
		}
		if s.members() > 1 && st.Task.Live {
			return moot.Errorf(moot.Invalid, "results with a real clock and real random numbers cannot be compared")
		}
	}
	return nil
}

// check applies the quota to a job.
func (c *Coordinator) check(s *stored) error {
	if c.cfg.Quota == nil {
		return nil
	}
	tasks := 0
	for _, st := range s.spec.Stages {
		tasks += max(st.Count, len(st.Each), 1)
	}
	reply := make(chan int, 1)
	c.post(func() { reply <- c.waiting(s.By) })
	select {
	case n := <-reply:
		return c.cfg.Quota(s.By, tasks, n)
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// waiting counts a member's unfinished tasks.
func (c *Coordinator) waiting(member moot.MemberID) (n int) {
	for _, j := range c.jobs {
		if j.By != member {
			continue
		}
		if n += j.open; j.State == Scheduled {
			n++
		}
	}
	return n
}

// expand makes the tasks of the next stage.
func (c *Coordinator) expand(s *stored) ([]row, error) {
	st := s.spec.Stages[s.stage]
	if s.stage == 0 {
		st.Each = slices.Concat(st.Each, s.spec.Start.inputs(true))
	}
	if len(st.Each) == 0 {
		n := max(st.Count, 1)
		rows := make([]row, n)
		for i := range rows {
			rows[i].n = i
			if n > 1 {
				rows[i].label = fmt.Sprintf("%0*d", len(strconv.Itoa(n-1)), i)
			}
		}
		return rows, nil
	}
	var rows []row
	add := func(in moot.Input) error {
		if len(rows) == maxTasks {
			return moot.Errorf(moot.TooLarge, "more than %d tasks in one stage", maxTasks)
		}
		r := row{n: len(rows), label: path.Clean("/" + in.Path)[1:], input: &in}
		in.Path = path.Base(r.label)
		rows = append(rows, r)
		return nil
	}
	for _, in := range st.Each {
		if !in.Folder {
			if err := add(in); err != nil {
				return nil, err
			}
			continue
		}
		for one, err := range c.cfg.Files.Inputs(c.ctx, in.ID) {
			if err == nil {
				one.Path = path.Join(in.Path, one.Path)
				err = add(one)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	if len(rows) == 0 {
		return nil, moot.Errorf(moot.Invalid, "the inputs contain no file to run a task for")
	}
	return rows, uniqueLabels(rows)
}

// uniqueLabels numbers tasks with equal labels, and rejects labels that cannot name a
// folder of the results.
func uniqueLabels(rows []row) error {
	seen := map[string]bool{}
	for i := range rows {
		label := rows[i].label
		if label == "" || label == "." {
			return moot.Errorf(moot.Invalid, "an input has no name")
		}
		for k := 2; seen[rows[i].label]; k++ {
			rows[i].label = fmt.Sprintf("%s (%d)", label, k)
		}
		seen[rows[i].label] = true
	}
	if !slices.ContainsFunc(rows, func(r row) bool { return len(r.label) > 900 }) {
		return nil
	}
	return moot.Errorf(moot.Invalid, "an input's path is longer than 900 bytes")
}
