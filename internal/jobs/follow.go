package jobs

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

const (
	notifyEvery = 100 * time.Millisecond // most often that followers are notified
	keptLog     = 64 << 10               // bytes of a running task's log, for new followers
	maxUnread   = 4 << 20                // bytes of logs buffered for a slow follower
)

// follower buffers what one call of Follow has not yielded.
type follower struct {
	logs   bool
	notify chan struct{}

	mu    sync.Mutex
	job   *Job
	texts []Log
	bytes int
}

func (f *follower) push(j *Job, texts ...Log) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if j != nil {
		f.job = j
	}
	if f.logs {
		for _, l := range texts {
			if f.bytes += len(l.Text); f.bytes > maxUnread {
				f.texts, f.bytes = f.texts[:0], 0
				l = Log{Task: l.Task, Stream: 2, Text: []byte("… (part of the log is left out here; the results have all of it)\n")}
			}
			f.texts = append(f.texts, l)
		}
	}
	select {
	case f.notify <- struct{}{}:
	default:
	}
}

func (f *follower) take() (j *Job, texts []Log) {
	f.mu.Lock()
	defer f.mu.Unlock()
	j, texts = f.job, f.texts
	f.job, f.texts, f.bytes = nil, nil, 0
	return j, texts
}

// Follow is Submitter.Follow for a job of this coordinator. Kind NotFound.
func (c *Coordinator) Follow(ctx context.Context, id string, logs bool) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		f := &follower{logs: logs, notify: make(chan struct{}, 1)}
		open, err := c.follow(ctx, id, f)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer c.post(func() { c.unfollow(id, f) })
		s, ok, err := c.queue.find(ctx, id)
		if err == nil && !ok {
			err = moot.WithHint(moot.Errorf(moot.NotFound, "this node has no job %s", id), moot.HintListJobs)
		}
		if err != nil {
			yield(Event{}, err)
			return
		}
		ready := open != nil || s.State.Ended() // else it is being added: the caller asks again
		if logs && ready && !c.replay(ctx, s, open, yield) {
			return
		}
		if open == nil {
			yield(Event{Job: s.Job}, nil)
			return
		}
		c.relay(ctx, f, s.Job, yield)
	}
}

// relay yields events until the job has ended.
func (c *Coordinator) relay(ctx context.Context, f *follower, last Job, yield func(Event, error) bool) {
	for {
		select {
		case <-f.notify:
		case <-ctx.Done():
			return
		case <-c.ctx.Done():
			yield(Event{}, moot.Errorf(moot.Unavailable, "the job's coordinator stops: the job resumes when it runs again"))
			return
		}
		job, texts := f.take()
		for i := range texts {
			if !yield(Event{Job: last, Log: &texts[i]}, nil) {
				return
			}
		}
		if job == nil {
			continue
		}
		last = *job
		if !yield(Event{Job: last}, nil) || last.State.Ended() {
			return
		}
	}
}

// replay yields the logs of finished tasks, other than the open ones, which are pushed.
func (c *Coordinator) replay(ctx context.Context, s stored, open map[taskID]bool, yield func(Event, error) bool) bool {
	for stage := range s.stage + 1 {
		going := true
		err := c.queue.outcomes(ctx, s.ID, stage, func(_ int, label string, o moot.Outcome) error {
			if going && !open[taskID{stage, label}] {
				going = c.replayOne(s.Job, label, o, yield)
			}
			return nil
		})
		if err != nil {
			yield(Event{}, err)
		}
		if err != nil || !going {
			return false
		}
	}
	return true
}

func (c *Coordinator) replayOne(j Job, label string, o moot.Outcome, yield func(Event, error) bool) bool {
	for _, l := range logOf(label, o) {
		if !yield(Event{Job: j, Log: &l}, nil) {
			return false
		}
	}
	return true
}

// logOf returns the log of a finished task.
func logOf(label string, o moot.Outcome) (list []Log) {
	for i, one := range []moot.Content{o.Stdout, o.Stderr} {
		l := Log{Task: label, Stream: i + 1, Text: one.Data}
		if len(one.Data) < int(one.Size) {
			l.Text = []byte("… (too long for a log; the results have it)\n")
		}
		if len(l.Text) > 0 {
			list = append(list, l)
		}
	}
	return list
}

// taskID identifies a task of a job.
type taskID struct {
	stage int
	label string
}

// follow adds a follower to a job, and returns the unfinished tasks, whose logs are pushed
// from now on; nil if the job is not running.
func (c *Coordinator) follow(ctx context.Context, id string, f *follower) (open map[taskID]bool, err error) {
	reply := make(chan map[taskID]bool, 1)
	c.post(func() {
		j := c.jobs[id]
		if j == nil {
			reply <- nil
			return
		}
		if c.followers[id] == nil {
			c.followers[id] = map[*follower]struct{}{}
		}
		c.followers[id][f] = struct{}{}
		open := map[taskID]bool{}
		for _, t := range j.tasks {
			if t.state != taskWaits {
				continue
			}
			open[taskID{j.stage, t.label}] = true
			if t.logSource != nil {
				f.push(nil, t.logSource.log...)
			}
		}
		c.notifyJob(j)
		reply <- open
	})
	select {
	case open := <-reply:
		return open, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.ctx.Done():
		return nil, moot.Errorf(moot.Unavailable, "the job's coordinator stops")
	}
}

func (c *Coordinator) unfollow(id string, f *follower) {
	delete(c.followers[id], f)
	if len(c.followers[id]) == 0 {
		delete(c.followers, id)
	}
}

// logged stores output of a task, and pushes it if the attempt is the log source: of
// several runs of a task followers see one.
func (c *Coordinator) logged(a *attempt, p moot.Progress) {
	l := Log{Task: a.label, Stream: p.Stream, Text: p.Text, Restarted: a.logged == 0 && a.task.lost+a.task.failures > 0}
	a.logged += len(p.Text)
	a.log = append(a.log, l)
	for a.logged > keptLog && len(a.log) > 1 {
		a.logged -= len(a.log[0].Text)
		a.log = slices.Delete(a.log, 0, 1)
	}
	if a.logSource == a {
		c.publishLog(a.job.ID, l)
	}
}

func (c *Coordinator) publishLog(id string, texts ...Log) {
	for f := range c.followers[id] {
		f.push(nil, texts...)
	}
}

// switchLogSource replaces a log source that is lost.
func (c *Coordinator) switchLogSource(a *attempt) {
	t := a.task
	if t.logSource != a {
		return
	}
	t.logSource = nil
	if len(t.running) > 0 {
		t.logSource = t.running[0]
		c.publishLog(t.job.ID, restarted(t.logSource.log)...)
	}
}

// publishOutcome pushes the log of the accepted outcome, unless its worker was the log
// source.
func (c *Coordinator) publishOutcome(t *task, o moot.Outcome) {
	if t.logSource == nil || t.logSource.worker.Key != t.winner.worker || t.logSource.logged == 0 {
		texts := logOf(t.label, o)
		if t.logSource != nil && t.logSource.logged > 0 {
			texts = restarted(texts)
		}
		c.publishLog(t.job.ID, texts...)
	}
	t.logSource = nil
}

// restarted marks a log as a replacement of what was pushed before.
func restarted(texts []Log) []Log {
	texts = slices.Clone(texts)
	if len(texts) > 0 {
		texts[0].Restarted = true
	}
	return texts
}

// dirty reports whether a follower must be notified.
func (c *Coordinator) dirty() bool {
	for _, j := range c.jobs {
		if j.dirty {
			return true
		}
	}
	return false
}

// notifyFollowers pushes changed jobs.
func (c *Coordinator) notifyFollowers() {
	for _, j := range c.jobs {
		if j.dirty {
			c.notifyJob(j)
		}
	}
}

func (c *Coordinator) notifyJob(j *job) {
	j.dirty = false
	job := j.Job
	if !job.State.Ended() && job.State != Scheduled {
		job.Wall = c.cfg.Now().Sub(j.started)
	}
	job.Progress.Workers = maps.Clone(job.Progress.Workers)
	job.Disagreed = slices.Clone(job.Disagreed)
	if !j.State.Ended() && j.waits != "" {
		job.Why = "waiting for a lender: " + j.waits
	}
	for f := range c.followers[j.ID] {
		f.push(&job)
	}
}
