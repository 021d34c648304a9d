package jobs

import (
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// slotTime runs two members' jobs on some slots in simulated time, and returns how much of
// the slots each got until the first has none left.
func slotTime(t *testing.T, slots int, jobs ...*job) map[moot.MemberID]time.Duration {
	t.Helper()
	c := &Coordinator{jobs: map[string]*job{}, used: map[moot.MemberID]time.Duration{}}
	for _, j := range jobs {
		c.jobs[j.ID] = j
	}
	got, now := map[moot.MemberID]time.Duration{}, time.Time{}
	type run struct {
		j    *job
		over time.Time
	}
	var running []run
	for {
		for len(running) < slots {
			lists := c.byMember()
			c.forgive(lists)
			j := c.next(lists)
			if j == nil {
				break
			}
			j.ready = j.ready[1:]
			c.used[j.By] += j.expected()
			running = append(running, run{j, now.Add(j.times[0])})
		}
		for _, j := range jobs {
			if len(j.ready) == 0 {
				return got
			}
		}
		first := 0
		for i := range running {
			if running[i].over.Before(running[first].over) {
				first = i
			}
		}
		r := running[first]
		running = append(running[:first], running[first+1:]...)
		now = r.over
		c.used[r.j.By] += r.j.times[0] - r.j.expected()
		r.j.ran, r.j.ended = r.j.ran+r.j.times[0], r.j.ended+1
		got[r.j.By] += r.j.times[0]
	}
}

// TestShares: members get equal shares of the slots, whatever priorities they give their
// jobs and however long their tasks run (Jain's index of fairness, 1 for equal shares).
func TestShares(t *testing.T) {
	ann, bob := moot.MemberID{1}, moot.MemberID{2}
	newJob := func(id string, by moot.MemberID, priority int, each time.Duration) *job {
		return &job{stored: stored{Job: Job{ID: id, By: by, State: Running}, spec: Spec{Priority: priority}}, ready: make([]*task, 400), times: []time.Duration{each}}
	}
	for name, jobs := range map[string][]*job{
		"priority":    {newJob("a", ann, 100, time.Second), newJob("b", bob, 0, time.Second)},
		"long tasks":  {newJob("a", ann, 0, 10*time.Second), newJob("b", bob, 0, time.Second)},
		"short tasks": {newJob("a", ann, 0, 20*time.Millisecond), newJob("b", bob, 0, time.Second)},
		"two jobs":    {newJob("a", ann, 0, time.Second), newJob("a2", ann, 5, time.Second), newJob("b", bob, 0, time.Second)},
	} {
		for _, slots := range []int{1, 4, 7} {
			got := slotTime(t, slots, jobs...)
			for _, j := range jobs {
				j.ready, j.ran, j.ended = make([]*task, 400), 0, 0
			}
			x, y := got[ann].Seconds(), got[bob].Seconds()
			if jain := (x + y) * (x + y) / (2 * (x*x + y*y)); !(jain >= 0.95) {
				t.Errorf("%s on %d slots: %.1f s and %.1f s, an index of %.3f", name, slots, x, y, jain)
			}
		}
	}
}
