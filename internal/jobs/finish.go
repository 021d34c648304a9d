package jobs

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sign"
)

// advance starts the next stage, or ends the job, once all tasks of a stage are finished.
func (c *Coordinator) advance(j *job) {
	switch {
	case j.busy || j.open > 0 || j.State.Ended() || c.audit(j):
		return
	case j.failed > 0 && (!j.spec.Partial || j.failed == len(j.tasks)):
		why := j.Why
		if len(j.tasks) > 1 {
			why = fmt.Sprintf("%d of %d tasks failed; first %s", j.failed, len(j.tasks), why)
		}
		c.end(j, Failed, why)
		return
	}
	j.busy = true
	s, last := j.stored, j.stage == len(j.spec.Stages)-1
	c.wg.Go(func() {
		folder, err := c.gather(j.ctx, s, last)
		var rows []row
		if err == nil && !last {
			s.stage++
			s.Result = folder
			if rows, err = c.expand(&s); err == nil {
				s.Tasks += len(rows)
				err = c.saveStage(&s, rows)
			}
		}
		c.post(func() { c.advanced(j, s, rows, folder, last, err) })
	})
}

func (c *Coordinator) advanced(j *job, s stored, rows []row, folder moot.BlobID, last bool, err error) {
	j.busy = false
	switch {
	case j.State.Ended() || c.ctx.Err() != nil:
	case err != nil:
		c.end(j, Failed, err.Error())
	case last:
		j.Result = folder
		why := ""
		if j.Progress.Failed > 0 {
			why = fmt.Sprintf("%d of %d tasks failed; first %s", j.Progress.Failed, j.Tasks, j.Why)
		}
		c.end(j, Done, why)
	default:
		j.stage, j.Result, j.Tasks = s.stage, folder, s.Tasks
		c.load(j, rows, tally{j.Progress.Done, j.Progress.Failed})
		c.locate(j)
		c.advance(j)
	}
}

const maxPath = 1 << 10

// checkPaths validates the paths of a worker's outputs, which are sorted. Kind Corrupt.
func checkPaths(list []moot.Content) error {
	for i, f := range list {
		if !fs.ValidPath(f.Path) || f.Path == "." || len(f.Path) > maxPath || i > 0 && list[i-1].Path == f.Path {
			return moot.Errorf(moot.Corrupt, "a worker's output has the invalid or duplicate path %.60q", f.Path)
		}
	}
	return nil
}

// end ends a job and publishes its result.
func (c *Coordinator) end(j *job, state State, why string) {
	j.State, j.Why = state, why
	j.Wall = c.cfg.Now().Sub(j.started)
	j.Next, j.endedAt = time.Time{}, c.cfg.Now()
	if j.repeats() {
		j.Next = j.spec.Start.again(j.Submitted, j.endedAt)
	}
	j.dirty = true
	j.stop()
	j.tasks, j.ready, j.open = nil, nil, 0
	c.publishEnd(j)
}

// publish publishes the result of a job, and notifies its submitter: twice, at worst, of
// which a mailbox shows one.
func (c *Coordinator) publish(s *stored) error {
	if err := c.publishResult(s); err != nil {
		return err
	}
	if s.spec.Notify && c.cfg.Notify != nil {
		if err := c.cfg.Notify(c.ctx, s.Job); err != nil && c.ctx.Err() == nil {
			c.cfg.Log.Warn("write to the submitter of a job", "job", s.ID, "error", err)
		}
	}
	return nil
}

// publishEnd saves a job that has ended, and publishes its result; it retries until then.
// A repeated job is then held for its next run.
func (c *Coordinator) publishEnd(j *job) {
	s := j.stored
	s.Running = 0
	c.wg.Go(func() {
		next, err := c.store(s)
		for ; err != nil && c.ctx.Err() == nil; next, err = c.store(s) {
			c.cfg.Log.Warn("publish the result of a job: retry", "job", s.ID, "error", err)
			wait(c.ctx, refreshEvery)
		}
		c.post(func() { c.remove(j, next) })
	})
}

// store publishes what became of a job, and stores the job as it is then: ended, or
// held for its next run.
func (c *Coordinator) store(s stored) (next stored, err error) {
	if s.endedAt.IsZero() { // of a job that ended before a restart
		s.endedAt = c.cfg.Now()
	}
	if err := c.save(&s); err != nil || s.published {
		return s, err
	}
	if err := c.publish(&s); err != nil {
		return s, err
	}
	if s.repeats() {
		s = nextRun(s)
		return s, c.repeat(&s)
	}
	s.published = true
	return s, c.save(&s)
}

// publishResult appends the entry with a job's result, unless it stands already.
func (c *Coordinator) publishResult(s *stored) error {
	body, err := encode(resultOf(s.Job))
	if err != nil {
		return err
	}
	var replaces []moot.EntryID
	for e, err := range c.cfg.Node.Query(c.ctx, moot.Query{Kind: moot.KindResult, Key: s.ID, Author: c.cfg.Self}) {
		if err != nil {
			return err
		}
		if string(e.Body) == string(body) {
			return nil
		}
		replaces = append(replaces, e.ID)
	}
	_, err = sign.One(c.ctx, c.cfg.Write, moot.Merge, sign.Statement{Kind: moot.KindResult, Key: s.ID, Replaces: replaces, Body: body})
	return err
}

// remove removes a job from the loop, unless it is held for its next run; a submission
// received meanwhile is handled.
func (c *Coordinator) remove(j *job, s stored) {
	c.notifyJob(j)
	delete(c.jobs, j.ID)
	if s.State == Scheduled && c.ctx.Err() == nil {
		c.add(s, nil, tally{}, nil)
	}
	if j.next != nil {
		c.handle(*j.next)
	}
}
