package jobs

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/mootspace/moot"
)

// share assigns tasks: each to the member whose jobs have used the slots for the least
// time, and to the first of this member's jobs by priority, then by age (fair queuing,
// Demers, Keshav and Shenker, SIGCOMM 1989). Members who come later do not catch up.
func (c *Coordinator) share(now time.Time) {
	lists := c.byMember()
	c.forgive(lists)
	for j := c.next(lists); j != nil; j = c.next(lists) {
		if c.assignOne(j, now) {
			continue
		}
		if lists[j.By] = lists[j.By][1:]; len(lists[j.By]) == 0 {
			delete(lists, j.By)
		}
	}
}

// next returns the job whose turn it is; nil for none.
func (c *Coordinator) next(lists map[moot.MemberID][]*job) *job {
	var next moot.MemberID
	first := true
	for m := range lists {
		if first || cmp.Or(cmp.Compare(c.used[m], c.used[next]), bytes.Compare(m[:], next[:])) < 0 {
			next, first = m, false
		}
	}
	if first {
		return nil
	}
	return lists[next][0]
}

// byMember returns each member's jobs with ready tasks, in order.
func (c *Coordinator) byMember() map[moot.MemberID][]*job {
	lists := map[moot.MemberID][]*job{}
	for _, j := range c.jobs {
		if !j.State.Ended() && !j.busy && len(j.ready) > 0 {
			lists[j.By] = append(lists[j.By], j)
		}
	}
	for _, list := range lists {
		slices.SortFunc(list, func(a, b *job) int {
			return cmp.Or(-cmp.Compare(a.spec.Priority, b.spec.Priority), a.Submitted.Compare(b.Submitted), cmp.Compare(a.ID, b.ID))
		})
	}
	return lists
}

// forgive has members whose jobs come later begin with the least that another has used,
// and forgets members without jobs.
func (c *Coordinator) forgive(lists map[moot.MemberID][]*job) {
	active := map[moot.MemberID]bool{}
	for _, j := range c.jobs {
		active[j.By] = active[j.By] || !j.State.Ended()
	}
	least, some := time.Duration(0), false
	for m := range lists {
		if used, known := c.used[m]; known && (!some || used < least) {
			least, some = used, true
		}
	}
	for m := range lists {
		if _, known := c.used[m]; !known {
			c.used[m] = least
		}
	}
	for m := range c.used {
		if !active[m] {
			delete(c.used, m)
		}
	}
}

// usualRun is the expected run time of a task of which nothing is known.
const usualRun = time.Second

// expected is how long a task of the job is expected to run: the mean of those that have.
func (j *job) expected() time.Duration {
	if j.ended == 0 {
		return usualRun
	}
	return j.ran / time.Duration(j.ended)
}
