package jobs

import (
	"cmp"
	"context"
	"database/sql"
	"io/fs"
	"slices"
	"time"

	"github.com/mootspace/moot"
)

// Start says when a job starts, and what it is given only then. The zero Start is now.
type Start struct {
	At      time.Time     `json:"at,omitzero"`     // not before, by the coordinator's clock
	Every   time.Duration `json:"every,omitempty"` // again, at multiples of it after the first start; 0 means once
	Sources []Source      `json:"sources,omitempty"`
}

// Source is an input of the first stage that is known only when the job starts: the results
// of another job, or what a name in the space stands for then.
type Source struct {
	Path  string     `json:"path,omitempty"` // below /in, as an input's
	Job   string     `json:"job,omitempty"`  // the ID of a job of the same member, which must be done
	Name  string     `json:"name,omitempty"` // a file or folder of the space
	Each  bool       `json:"each,omitempty"` // a task for each file in it
	Input moot.Input `json:"input,omitzero"` // what it stood for when the job started; the coordinator's
}

const (
	minEvery   = time.Minute
	maxSources = 64
)

// check validates a start, which is untrusted. Kind Invalid.
func (s *Start) check() error {
	switch {
	case s.Every != 0 && s.Every < minEvery:
		return moot.Errorf(moot.Invalid, "a job is repeated after %v at the soonest", minEvery)
	case len(s.Sources) > maxSources:
		return moot.Errorf(moot.Invalid, "a job waits for at most %d others", maxSources)
	}
	for _, in := range s.Sources {
		if (in.Job == "") == (in.Name == "") || in.Path != "" && !fs.ValidPath(in.Path) {
			return moot.Errorf(moot.Invalid, "a source of a job is the results of a job or a name, below /in")
		}
		if in.Job != "" && (s.Every > 0 || !validID(in.Job)) {
			return moot.Errorf(moot.Invalid, "a repeated job cannot wait for another one")
		}
	}
	return nil
}

// now reports whether a job need not be held before it starts.
func (s *Start) now() bool { return s.At.IsZero() && s.Every == 0 && len(s.Sources) == 0 }

// again returns the next start of a repeated job: starts that were missed are left out.
func (s *Start) again(submitted, now time.Time) time.Time {
	first := s.At
	if first.IsZero() {
		first = submitted
	}
	if first.After(now) {
		return first
	}
	return first.Add((now.Sub(first)/s.Every + 1) * s.Every)
}

// inputs returns the inputs that sources stand for.
func (s *Start) inputs(each bool) (list []moot.Input) {
	for _, one := range s.Sources {
		if one.Each == each {
			list = append(list, one.Input)
		}
	}
	return list
}

// hold stores a job until it can start.
func (c *Coordinator) hold(s stored, until time.Time, why string) {
	s.State, s.Next, s.Why = Scheduled, until, why
	if err := c.save(&s); err != nil {
		c.cfg.Log.Error("hold a job", "id", s.ID, "error", err)
	}
	c.post(func() { c.held(s) })
}

// held adds a held job to the loop, or keeps the one that is there waiting.
func (c *Coordinator) held(s stored) {
	j := c.jobs[s.ID]
	if j == nil {
		c.add(s, nil, tally{}, nil)
		return
	}
	if j.State == Scheduled {
		j.starting, j.dirty, j.Next, j.Why = false, true, s.Next, s.Why
		c.handleNext(j)
	}
}

// handleNext handles a submission that arrived while a job was about to start.
func (c *Coordinator) handleNext(j *job) {
	if o := j.next; o != nil {
		j.next = nil
		c.handle(*o)
	}
}

// startDue starts held jobs whose time has come; those that wait for others are looked at
// when a result arrives.
func (c *Coordinator) startDue() {
	now := c.cfg.Now()
	for _, j := range c.jobs {
		if j.State != Scheduled || j.starting || now.Before(j.Next) && (j.Why == "" || j.looked == c.results) {
			continue
		}
		j.starting, j.looked = true, c.results
		s := j.stored
		c.wg.Go(func() { c.resolve(s) })
	}
}

// resolve finds what the sources of a held job stand for, and starts it.
func (c *Coordinator) resolve(s stored) {
	sources := slices.Clone(s.spec.Start.Sources)
	var err error
	for i := range sources {
		if err == nil {
			sources[i].Input, err = c.source(s.By, sources[i])
		}
	}
	s.spec.Start.Sources = sources
	if moot.KindOf(err) == moot.Unavailable {
		c.hold(s, c.cfg.Now().Add(readRetry), err.Error())
		return
	}
	c.begin(s, err)
}

// source returns what a source stands for. Kinds: Unavailable if it must be waited for,
// Failed, NotFound, Denied.
func (c *Coordinator) source(by moot.MemberID, s Source) (in moot.Input, err error) {
	in = moot.Input{Path: s.Path, Folder: true}
	if s.Name != "" {
		f, err := c.cfg.Files.Freeze(c.ctx, s.Name)
		in.Folder, in.ID, in.Size = f.Folder, f.Blob.ID, f.Content
		return in, moot.Wrap("the input "+s.Name, err)
	}
	var last Job
	for e, err := range c.cfg.Node.Query(c.ctx, moot.Query{Kind: moot.KindJob, Key: s.Job}) {
		if err != nil {
			return in, err
		}
		if o, bad := submissionOf(e, c.cfg.Member); bad == nil && o.by == by {
			if last, err = withResult(c.ctx, c.cfg.Node, o); err != nil {
				return in, err
			}
			break
		}
	}
	switch {
	case last.ID == "":
		return in, moot.Errorf(moot.NotFound, "there is no job %s of yours", s.Job)
	case last.State == Done:
		in.ID = last.Result
		return in, nil
	case last.State.Ended():
		return in, moot.Errorf(moot.Failed, "it needs the results of the job %s (%s), which is %s", last.Name, last.ID[:6], last.State)
	}
	return in, moot.Errorf(moot.Unavailable, "waits for the job %s (%s)", last.Name, last.ID[:6])
}

// begin starts a job, or fails it.
func (c *Coordinator) begin(s stored, err error) {
	var rows []row
	s.State, s.Why, s.Next = Running, "", time.Time{}
	if err == nil {
		err = c.check(&s)
	}
	if err == nil {
		rows, err = c.expand(&s)
	}
	if c.ctx.Err() != nil {
		return
	}
	if moot.KindOf(err) == moot.Unavailable { // an input may come back
		c.hold(s, c.cfg.Now().Add(readRetry), err.Error())
		return
	}
	if err != nil {
		s.Why = err.Error()
	}
	s.Tasks = len(rows)
	if failed := c.saveStage(&s, rows); failed != nil {
		c.cfg.Log.Error("run a job", "id", s.ID, "error", failed)
		return
	}
	c.post(func() { c.begun(s, rows, err) })
}

// begun adds a job that has started to the loop, in place of the held one.
func (c *Coordinator) begun(s stored, rows []row, failed error) {
	held := c.jobs[s.ID]
	if held != nil && held.State == Scheduled {
		held.stop()
		delete(c.jobs, s.ID)
	}
	c.add(s, rows, tally{}, failed)
	if j := c.jobs[s.ID]; held != nil && j != nil {
		j.next = held.next
		c.handleNext(j)
	}
}

// nextRun returns a repeated job as it is held for its next run.
func nextRun(s stored) stored {
	s.Run++
	s.State, s.Why, s.stage, s.published, s.endedAt = Scheduled, "", 0, false, time.Time{}
	s.Progress, s.Result = Progress{}, moot.BlobID{}
	s.spec.Start.Sources = slices.Clone(s.spec.Start.Sources)
	for i := range s.spec.Start.Sources {
		s.spec.Start.Sources[i].Input = moot.Input{}
	}
	return s
}

// repeat holds a job for its next run, durably.
func (c *Coordinator) repeat(s *stored) error {
	return c.queue.update(c.ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec(`DELETE FROM tasks WHERE job = ?`, s.ID); err != nil {
			return err
		}
		return c.queue.save(tx, s)
	})
}

// unixMilliOf is a time in an entry: 0 if there is none.
func unixMilliOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// unixOf is a time in the queue: 0 if there is none.
func unixOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// repeats reports whether a job that has ended is run again.
func (s *stored) repeats() bool { return s.spec.Start.Every > 0 && s.State != Cancelled }

// withResult returns a submitted job with its result, if there is one.
func withResult(ctx context.Context, feeds moot.Feeds, o submittedJob) (Job, error) {
	j := o.job()
	for e, err := range feeds.Query(ctx, moot.Query{Kind: moot.KindResult, Key: o.id, Author: o.coordinator}) {
		if err != nil {
			return j, err
		}
		o.apply(&j, e)
	}
	if o.Cancelled && !j.State.Ended() {
		j.State = Cancelled
	}
	if !j.Next.IsZero() && j.State.Ended() && !o.Cancelled {
		j.Last = cmp.Or(j.Last, j.State)
		j.State = Scheduled
	}
	return j, nil
}
