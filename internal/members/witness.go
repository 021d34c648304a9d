package members

import (
	"context"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/trust"
)

// Limits of a witness act: its body fits an entry, and it cites the joins that it admits.
const (
	maxLines  = 256
	maxAdmits = moot.MaxCites / 2
)

// Witness admits the joins that wait and confirms the names that were claimed, as far as
// the writer's member may, and with feeds also confirms how far every feed is held. It
// reports whether there was anything to say.
//
// An invitation's expiry is decided here, by this node's clock, when the join reaches it
// (R13).
func (m *Members) Witness(ctx context.Context, feeds bool) (bool, error) {
	return m.witness(ctx, feeds, false)
}

// WitnessAll is Witness with feeds, and says that all acts were seen even if there is
// nothing else to say: what a device that has forked said last counts only then (R19).
func (m *Members) WitnessAll(ctx context.Context) error {
	if m.cfg.Roster.Probe(m.cfg.Self, trust.Witness{}) != nil {
		return nil // it is no witness
	}
	_, err := m.witness(ctx, true, true)
	return err
}

func (m *Members) witness(ctx context.Context, feeds, always bool) (bool, error) {
	roster := m.cfg.Roster
	var w trust.Witness
	used := map[moot.EntryID]int{}
	for _, join := range roster.Waiting() {
		line := trust.Admission{Join: join.ID}
		if used[join.Invitation.ID] >= join.Free || len(w.Admits) == maxAdmits || join.Invitation.Usable(m.cfg.Now()) != nil {
			continue
		}
		if roster.Probe(m.cfg.Self, trust.Witness{Admits: []trust.Admission{line}}) == nil {
			used[join.Invitation.ID]++
			w.Admits = append(w.Admits, line)
		}
	}
	for _, claim := range roster.Claims() {
		if len(w.Confirms) < maxLines && m.cfg.MayBeNamed(ctx, claim.Name, claimant(roster, claim)) == nil && roster.Probe(m.cfg.Self, trust.Witness{Confirms: []moot.EntryID{claim.ID}}) == nil {
			w.Confirms = append(w.Confirms, claim.ID)
		}
	}
	if feeds {
		var err error
		if w.Feeds, err = m.unconfirmed(ctx, roster); err != nil {
			return false, err
		}
	}
	if len(w.Admits)+len(w.Confirms)+len(w.Feeds) == 0 && !always {
		return false, nil
	}
	_, err := m.write(ctx, roster.Cites(w), w)
	return err == nil, err
}

// claimant returns the role of a member that claims a name.
func claimant(roster *policy.Roster, c trust.Claim) policy.Role {
	m, _ := roster.Member(c.Member)
	return m.Role
}

// unconfirmed returns the ends of the feeds of which most is not confirmed yet.
func (m *Members) unconfirmed(ctx context.Context, roster *policy.Roster) (marks []trust.Mark, err error) {
	vector, err := m.cfg.Node.Vector(ctx)
	if err != nil {
		return nil, err
	}
	backlog := map[moot.Key]uint64{}
	for device := range vector.Heads {
		for _, mark := range end(vector, device) {
			if n := roster.Unconfirmed(device, mark.Seq); n > 0 {
				backlog[device] = n
				marks = append(marks, mark)
			}
		}
	}
	slices.SortFunc(marks, func(a, b trust.Mark) int { return int(backlog[b.Device]) - int(backlog[a.Device]) })
	marks = marks[:min(len(marks), maxLines)]
	sortMarks(marks)
	return marks, nil
}
