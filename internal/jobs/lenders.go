package jobs

import (
	"context"
	"fmt"
	"slices"

	"github.com/mootspace/moot"
)

// checkWorkers fails if workers of fewer members than wanted lend to the job now, kind
// Unavailable. It returns why the job will wait, because those who lend do not allow what it
// asks for; "" if it need not.
func (s submitter) checkWorkers(ctx context.Context, via moot.Architecture, spec *Spec) (waits string, err error) {
	offers, err := s.offers(ctx)
	if err != nil {
		return "", err
	}
	lenders, fit := map[moot.MemberID]bool{}, map[moot.MemberID]bool{}
	var most moot.Limits
	for _, o := range Lenders(offers, s.cfg.Self, via, s.cfg.IsServer, s.cfg.Now()) {
		if !spec.allows(o.Device, o.Member) {
			continue
		}
		l := o.Limits()
		most.Memory, most.Wall = max(most.Memory, l.Memory), max(most.Wall, l.Wall)
		lenders[o.Member] = true
		if spec.fits(l) {
			fit[o.Member] = true
		}
	}
	want, have := spec.members(), len(lenders)
	switch {
	case have == 0 && len(spec.On)+len(spec.Not) > 0:
		return "", moot.Errorf(moot.Unavailable, "nobody of those that may run the job lends you computing power now")
	case have == 0 && !via.Peers:
		return "", moot.WithHint(moot.Errorf(moot.Unavailable, "no server of this space lends computing power now"), moot.HintStartServer)
	case have == 0:
		return "", moot.WithHint(moot.Errorf(moot.Unavailable, "nobody lends you computing power now"), moot.HintLend)
	case have < want:
		return "", moot.Errorf(moot.Unavailable, "a job checked by %d members needs as many; %d lend computing power now", want, have)
	case len(fit) < want:
		return fmt.Sprintf("waiting for a lender: it asks for more than those allow who lend now (at most %d MiB of memory and %s)", most.Memory>>20, most.Wall), nil
	}
	return "", nil
}

// fits reports whether all tasks of the job may use what they ask for.
func (s *Spec) fits(l moot.Limits) bool {
	return !slices.ContainsFunc(s.Stages, func(st Stage) bool { return st.Task.Limits.Memory > l.Memory || st.Task.Limits.Wall > l.Wall })
}

func (s submitter) offers(ctx context.Context) ([]Offer, error) {
	return Offers(ctx, s.cfg.Node, s.cfg.Member)
}

// Offers implements Submitter.
func (s submitter) Offers(ctx context.Context) ([]Offer, error) {
	list, err := s.offers(ctx)
	if err != nil || s.cfg.Records == nil {
		return list, err
	}
	records, err := s.cfg.Records(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		for _, r := range records {
			if r.Device == list[i].Device {
				list[i].Record = &r
			}
		}
	}
	return list, nil
}

// Trust implements Submitter.
func (s submitter) Trust(ctx context.Context, member moot.MemberID) error {
	if s.cfg.Pardon == nil {
		return moot.Errorf(moot.Unavailable, "this node coordinates no jobs")
	}
	return s.cfg.Pardon(ctx, member)
}
