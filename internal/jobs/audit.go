package jobs

import (
	"bytes"
	"slices"

	"github.com/mootspace/moot"
)

// CheckAuto as Spec.Check has results checked by one other member, unless a trusted
// device returned them: of these only some.
const CheckAuto = -1

// auto reports whether results are checked adaptively.
func (j *job) auto() bool { return j.spec.Check == CheckAuto }

// checked reports whether members have votes on the results of a job.
func (j *job) checked() bool { return j.auto() || j.spec.Check > 1 }

// members is on the workers of how many members a task of the job may have to run.
func (s *Spec) members() int {
	if s.Check == CheckAuto {
		return 2
	}
	return max(s.Check, 1)
}

// need is how many members' workers must run the task.
func (t *task) need() int {
	if t.job.auto() {
		return max(t.quorum, 1)
	}
	return t.job.spec.members()
}

// want is how many votes the task is to get.
func (t *task) want() int { return max(t.need(), t.wanted) }

// doubt decides whether a result returned on trust is checked. It is decided once the
// result is there, so that nobody can know before.
func (c *Coordinator) doubt(t *task, v vote) {
	if !t.job.auto() || t.quorum > 1 {
		return
	}
	r := c.records[v.worker]
	if r == nil || failure(v.outcome) != "" || c.random.Float64() < r.checked() {
		t.quorum = 2
	}
}

// audit has one result checked of each device that has returned results on trust, since
// it was last audited in the stage: none gets through a stage without a check that comes
// after all it did. false: there is none.
func (c *Coordinator) audit(j *job) (found bool) {
	if !j.auto() {
		return false
	}
	byDevice := map[moot.Key][]*task{}
	for _, t := range j.tasks {
		if t.state == taskDone && t.agreed < 2 && t.worker != (moot.Key{}) && !j.audited[t.worker] {
			byDevice[t.worker] = append(byDevice[t.worker], t)
		}
	}
	devices := make([]moot.Key, 0, len(byDevice))
	for k := range byDevice {
		devices = append(devices, k)
	}
	slices.SortFunc(devices, func(a, b moot.Key) int { return bytes.Compare(a[:], b[:]) })
	for _, k := range devices {
		list := byDevice[k]
		t := list[c.random.IntN(len(list))]
		j.audited[k] = true
		j.reopen(t)
		t.quorum = 2
		t.votes = []vote{{worker: k, member: t.by, digest: t.made, earlier: true}}
		j.requeue(t)
	}
	return len(devices) > 0
}
