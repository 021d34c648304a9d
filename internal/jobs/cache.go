package jobs

import (
	"github.com/mootspace/moot"
)

// useCached finishes a task with the outcome of an equal task, if the job may use it and
// its outputs are still stored.
func (c *Coordinator) useCached(t *task) bool {
	j := t.job
	if j.spec.Fresh || t.failures > 0 || !j.known || len(t.votes) > 0 || t.quorum > 0 {
		return false
	}
	spec := t.spec()
	sum, err := t.digest(spec)
	if err != nil || sum == nil {
		return false
	}
	list, outcomes, err := c.queue.knownOf(c.ctx, spec.Module, sum)
	if err != nil {
		return false
	}
	for i, k := range list {
		if !c.believes(j, k) || !c.stored(outcomes[i]) {
			continue
		}
		j.Cached++
		t.winner = vote{worker: k.worker, member: c.memberOf(k.worker)}
		t.agreed = k.agreed
		k.member = j.By
		c.commit(t, finished{state: taskDone, outcome: outcomes[i], agreed: k.agreed, known: &k})
		return true
	}
	return false
}

// believes reports whether a job may use a result from the cache: if its own member had it
// computed, by workers that it would use; else if servers did, which it would use; else
// if as many members agreed as the job asks for, and two at least. What peers computed
// is never for a job that asks for servers only.
func (c *Coordinator) believes(j *job, k known) bool {
	member := c.memberOf(k.worker)
	_, cheat := c.distrusted[member]
	switch {
	case k.server && !j.Via.Server, !k.server && !j.Via.Peers, !j.spec.allows(k.worker, member):
		return false
	case k.agreed >= max(j.spec.members(), 2):
		return true
	case cheat || j.spec.Check > 1 || j.auto() && !c.trusts(k.worker):
		return false
	}
	return k.member == j.By || k.server
}

func (c *Coordinator) memberOf(device moot.Key) moot.MemberID {
	member, _ := c.cfg.Member(device)
	return member
}

// stored reports whether all outputs of an outcome are attached, or on this machine.
func (c *Coordinator) stored(o moot.Outcome) bool {
	for _, one := range append([]moot.Content{o.Stdout, o.Stderr}, o.Files...) {
		if one.Size > 0 && len(one.Data) == 0 && !c.holds(c.ctx, one.Blob) {
			return false
		}
	}
	return true
}

// knownResult is a result as the cache is to hold it; nil if it is not to.
func (c *Coordinator) knownResult(t *task, v vote, agreed int) (*known, error) {
	if failure(v.outcome) != "" {
		return nil, nil //nolint:nilnil // no error, and nothing to hold
	}
	spec := t.spec()
	sum, err := t.digest(spec)
	if err != nil || sum == nil {
		return nil, err
	}
	servers := true
	for _, other := range t.votes {
		servers = servers && (other.digest != v.digest || other.server)
	}
	return &known{module: spec.Module, digest: sum, member: t.job.By, server: servers, worker: v.worker, agreed: agreed}, nil
}
