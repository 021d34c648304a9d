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
	showEvery = 100 * time.Millisecond // followers are told of changes
	keptLog   = 64 << 10               // bytes of what a running task wrote, for those who come later
	behind    = 4 << 20                // bytes of logs that a follower may be behind
)

// follower is somebody who follows a job.
type follower struct {
	logs bool
	news chan struct{}

	mu    sync.Mutex
	job   *Job
	texts []Log
	bytes int
}

func (f *follower) tell(j *Job, texts ...Log) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if j != nil {
		f.job = j
	}
	if f.logs {
		for _, l := range texts {
			if f.bytes += len(l.Text); f.bytes > behind {
				f.texts, f.bytes = f.texts[:0], 0
				l = Log{Task: l.Task, Stream: 2, Text: []byte("… (some of the log was left out: it is in the results)\n")}
			}
			f.texts = append(f.texts, l)
		}
	}
	select {
	case f.news <- struct{}{}:
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

// Follow is as Desk.Follow, of a job that this coordinator has. Kind NotFound.
func (c *Coordinator) Follow(ctx context.Context, id string, logs bool) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		f := &follower{logs: logs, news: make(chan struct{}, 1)}
		open, err := c.follow(ctx, id, f)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer c.post(func() { c.unfollow(id, f) })
		s, ok, err := c.queue.find(ctx, id)
		if err == nil && !ok {
			err = moot.Errorf(moot.NotFound, "this node has no job %s", id)
		}
		if err != nil {
			yield(Event{}, err)
			return
		}
		ready := open != nil || s.State.Ended() // else it is about to begin, and all is told to who asks again
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

// relay yields what a follower is told until the job has ended.
func (c *Coordinator) relay(ctx context.Context, f *follower, last Job, yield func(Event, error) bool) {
	for {
		select {
		case <-f.news:
		case <-ctx.Done():
			return
		case <-c.ctx.Done():
			yield(Event{}, moot.Errorf(moot.Unavailable, "the job's coordinator stops: it goes on when that runs again"))
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

// replay yields what finished tasks wrote, other than those whose log the follower is
// told of.
func (c *Coordinator) replay(ctx context.Context, s stored, open map[taskID]bool, yield func(Event, error) bool) bool {
	for stage := range s.stage + 1 {
		going := true
		err := c.queue.outcomes(ctx, s.ID, stage, func(label string, _ int, o moot.Outcome) error {
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

// logOf is what a task wrote, by its outcome.
func logOf(label string, o moot.Outcome) (list []Log) {
	for i, one := range []moot.Content{o.Stdout, o.Stderr} {
		l := Log{Task: label, Stream: i + 1, Text: one.Data}
		if len(one.Data) < int(one.Size) {
			l.Text = []byte("… (too long for a log: it is in the results)\n")
		}
		if len(l.Text) > 0 {
			list = append(list, l)
		}
	}
	return list
}

// taskID names a task of a job.
type taskID struct {
	stage int
	label string
}

// follow begins to tell a follower of a job, and returns the tasks of which it will be
// told what they write; nil if the job is not under way.
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
			if t.voice != nil {
				f.tell(nil, t.voice.log...)
			}
		}
		c.showJob(j)
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

// logged takes in what a task wrote, and passes it on; of several copies only what one
// writes.
func (c *Coordinator) logged(a *attempt, p moot.Progress) {
	l := Log{Task: a.label, Stream: p.Stream, Text: p.Text, Again: a.logged == 0 && a.task.lost+a.task.failures > 0}
	a.logged += len(p.Text)
	a.log = append(a.log, l)
	for a.logged > keptLog && len(a.log) > 1 {
		a.logged -= len(a.log[0].Text)
		a.log = slices.Delete(a.log, 0, 1)
	}
	if a.voice == a {
		c.tellAll(a.job.ID, l)
	}
}

func (c *Coordinator) tellAll(id string, texts ...Log) {
	for f := range c.followers[id] {
		f.tell(nil, texts...)
	}
}

// silence lets another copy of a task speak when the one that did is lost.
func (c *Coordinator) silence(a *attempt) {
	t := a.task
	if t.voice != a {
		return
	}
	t.voice = nil
	if len(t.running) > 0 {
		t.voice = t.running[0]
		c.tellAll(t.job.ID, anew(t.voice.log)...)
	}
}

// spoken tells followers what a task wrote whose outcome is another's than whose log they
// were told, if any.
func (c *Coordinator) spoken(t *task, o moot.Outcome) {
	if t.voice == nil || t.voice.worker.Key != t.told || t.voice.logged == 0 {
		texts := logOf(t.label, o)
		if t.voice != nil && t.voice.logged > 0 {
			texts = anew(texts)
		}
		c.tellAll(t.job.ID, texts...)
	}
	t.voice = nil
}

// anew says that a log takes the place of one that was begun.
func anew(texts []Log) []Log {
	texts = slices.Clone(texts)
	if len(texts) > 0 {
		texts[0].Again = true
	}
	return texts
}

// dirty reports whether followers do not know all.
func (c *Coordinator) dirty() bool {
	for _, j := range c.jobs {
		if j.dirty {
			return true
		}
	}
	return false
}

// show tells followers what has changed.
func (c *Coordinator) show() {
	for _, j := range c.jobs {
		if j.dirty {
			c.showJob(j)
		}
	}
}

func (c *Coordinator) showJob(j *job) {
	j.dirty = false
	job := j.Job
	if !job.State.Ended() {
		job.Wall = c.cfg.Now().Sub(j.began)
	}
	job.Progress.Workers = maps.Clone(job.Progress.Workers)
	job.Liars = slices.Clone(job.Liars)
	if !j.State.Ended() && len(j.crew) == 0 && j.open > 0 {
		job.Why = "nobody who lends computing power can be reached now: it waits"
	}
	for f := range c.followers[j.ID] {
		f.tell(&job)
	}
}
