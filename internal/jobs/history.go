package jobs

import (
	"context"
	"slices"
	"time"

	"github.com/mootspace/moot"
)

// Record is the record of a device that runs tasks, at one coordinator: in all of its jobs,
// and across its restarts.
type Record struct {
	Device     moot.Key      `json:"device"`
	Member     moot.MemberID `json:"member"`         // whose device it is
	Valid      int           `json:"valid"`          // results that another member's worker confirmed
	Wrong      int           `json:"wrong"`          // results that were outvoted
	Lost       int           `json:"lost"`           // runs that were lost
	Streak     int           `json:"streak"`         // results confirmed since the last that was wrong
	Runs       int           `json:"runs"`           // tasks run to their end
	Wall       time.Duration `json:"wall,omitempty"` // of all runs
	Distrusted time.Time     `json:"since,omitzero"` // when it returned a wrong result; zero: it is not distrusted
	Trusted    bool          `json:"trusted"`        // only some of its results are checked
}

// Adaptive replication (Anderson, BOINC: A Platform for Volunteer Computing, 2020, 4.3): a
// device whose results were confirmed so many times in a row is trusted, and of its results
// a share is checked that falls with the streak.
const (
	trustAfter = 10
	checkScale = 3.0 // share that is checked: checkScale / streak
	checkLeast = 1.0 / 16
)

// trusted reports whether only some of the device's results need be checked.
func (r *Record) trusted() bool { return r.Distrusted.IsZero() && r.Streak >= trustAfter }

// checked is the share of the device's results that is checked.
func (r *Record) checked() float64 {
	if !r.trusted() {
		return 1
	}
	return max(checkLeast, checkScale/float64(r.Streak))
}

// loadRecords reads the records of earlier runs.
func (c *Coordinator) loadRecords(ctx context.Context) error {
	list, err := c.queue.records(ctx)
	for _, r := range list {
		c.records[r.Device] = &r
		if !r.Distrusted.IsZero() {
			c.distrusted[r.Member] = r.Distrusted
		}
	}
	return err
}

// record returns the record of a device, to be changed.
func (c *Coordinator) record(device moot.Key, member moot.MemberID) *Record {
	r := c.records[device]
	if r == nil {
		r = &Record{Device: device, Distrusted: c.distrusted[member]}
		c.records[device] = r
	}
	r.Member = member
	c.changed[device] = struct{}{}
	return r
}

// trusts reports whether results of a device need not all be checked.
func (c *Coordinator) trusts(device moot.Key) bool {
	r := c.records[device]
	return r != nil && r.trusted()
}

// takeRecords returns the records that have changed since it was last called.
func (c *Coordinator) takeRecords() (list []Record) {
	for k := range c.changed {
		list = append(list, *c.records[k])
	}
	clear(c.changed)
	return list
}

// saveRecords stores the records that have changed, as far as no outcome will.
func (c *Coordinator) saveRecords() {
	if len(c.changed) > 0 {
		c.done.add(finished{records: c.takeRecords()})
	}
}

// distrust takes from a member whose device returned a wrong result all that was given on
// trust, in all jobs: its workers get no task until it is pardoned, and what they returned
// and nobody confirmed is computed again, as far as its stage has not ended.
func (c *Coordinator) distrust(device moot.Key, member moot.MemberID) {
	now := c.cfg.Now()
	c.distrusted[member] = now
	c.record(device, member).Distrusted = now
	f := finished{}
	for k, r := range c.records {
		if r.Member == member {
			c.record(k, member).Streak, r.Distrusted = 0, now
			f.forget = append(f.forget, k)
		}
	}
	f.records = c.takeRecords()
	c.done.add(f)
	for _, w := range c.workers {
		if w.Member != member {
			continue
		}
		for a := range w.running {
			a.cancel()
		}
	}
	for _, j := range c.jobs {
		if !j.State.Ended() {
			j.discard(member)
		}
	}
	c.cfg.Log.Warn("a worker returned a wrong result: its member is distrusted", "worker", device, "member", member.Short())
}

// discard gives up what a distrusted member's workers returned and nobody confirmed.
func (j *job) discard(member moot.MemberID) {
	for _, t := range j.tasks {
		switch {
		case t.committing:
		case t.state == taskWaits:
			n := len(t.votes)
			t.votes = slices.DeleteFunc(t.votes, func(v vote) bool { return v.member == member })
			if len(t.votes) < n {
				j.requeue(t)
			}
		case t.state == taskDone && t.agreed < 2 && t.by == member && !j.busy:
			j.reopen(t)
			t.quorum, t.wanted = 0, 0
			j.requeue(t)
		}
	}
}

// reopen makes a finished task unfinished. Its stored outcome stays until another is
// committed.
func (j *job) reopen(t *task) {
	t.state = taskWaits
	j.open++
	j.Progress.Done--
	j.dirty = true
}

// Records returns the records of all devices that have run tasks for this coordinator.
func (c *Coordinator) Records(ctx context.Context) (list []Record, err error) {
	err = c.ask(ctx, func() {
		for _, r := range c.records {
			one := *r
			one.Trusted = r.trusted()
			list = append(list, one)
		}
	})
	slices.SortFunc(list, func(a, b Record) int { return slices.Compare(a.Device[:], b.Device[:]) })
	return list, err
}

// Pardon has a distrusted member's workers get tasks again: it earns trust anew.
func (c *Coordinator) Pardon(ctx context.Context, member moot.MemberID) error {
	found := false
	err := c.ask(ctx, func() {
		_, found = c.distrusted[member]
		delete(c.distrusted, member)
		for k, r := range c.records {
			if r.Member == member && !r.Distrusted.IsZero() {
				found = true
				c.record(k, member).Distrusted = time.Time{}
			}
		}
		for _, j := range c.jobs {
			delete(j.dissenters, member)
		}
		c.saveRecords()
	})
	if err == nil && !found {
		err = moot.Errorf(moot.NotFound, "no worker of that member is distrusted here")
	}
	return err
}

// ask runs a function on the loop, and waits for it.
func (c *Coordinator) ask(ctx context.Context, do func()) error {
	over := make(chan struct{})
	c.post(func() { do(); close(over) })
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return moot.Errorf(moot.Unavailable, "the coordinator of jobs stops")
	}
}
