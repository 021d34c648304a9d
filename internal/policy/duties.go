package policy

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/trust"
)

// Waiting is a join that nobody has admitted.
type Waiting struct {
	ID         moot.EntryID // of the join
	Device     moot.Key
	Invitation Invitation
	Free       int // how often the invitation can be used yet
}

// Waiting returns the joins that nobody has admitted, in the order in which they came.
func (r *Roster) Waiting() (list []Waiting) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.acts == nil {
		return nil
	}
	state := r.acts.world.State()
	unadmitted := state.Waiting()
	if len(unadmitted) == 0 {
		return nil
	}
	invitations := map[moot.EntryID]trust.Invitation{}
	for _, in := range state.Invitations() {
		invitations[in.ID] = in
	}
	for _, w := range unadmitted {
		if in, ok := invitations[w.Invite]; ok {
			list = append(list, Waiting{w.Join, w.Device, describeInvitation(in), in.Invite.Uses - in.Used})
		}
	}
	slices.SortStableFunc(list, func(a, b Waiting) int { return cmp.Compare(r.acts.byJoin[a.ID], r.acts.byJoin[b.ID]) })
	return list
}

// Claims returns the renamings that nobody has confirmed.
func (r *Roster) Claims() (acts []moot.EntryID) {
	if s := r.State(); s != nil {
		for _, c := range s.Claims() {
			acts = append(acts, c.ID)
		}
	}
	return acts
}

// Heads returns the acts that the next act cites.
func (r *Roster) Heads() []moot.EntryID {
	if s := r.State(); s != nil {
		return s.Heads()
	}
	return nil
}

// Holder returns the member that holds a name, compared by its mail form. Kind NotFound.
func (r *Roster) Holder(name string) (moot.MemberID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if id, ok := r.current().lookup(name); ok {
		return id, nil
	}
	return moot.MemberID{}, moot.Errorf(moot.NotFound, "nobody is called %q", name)
}

// Lowered returns the act by which a member was removed or demoted last, if it is in force.
func (r *Roster) Lowered(id moot.MemberID) (act moot.EntryID, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.acts == nil {
		return act, false
	}
	state := r.acts.world.State()
	for _, s := range slices.Backward(r.acts.stored) {
		if b, role := s.act.Body.(trust.RoleBody); role && b.Member == id && state.InForce(s.act.ID) {
			return s.act.ID, true
		}
	}
	return act, false
}

// Unconfirmed returns how many entries up to a number nobody has confirmed of a device's
// feed; 0 for a device that never joined.
func (r *Roster) Unconfirmed(device moot.Key, seq uint64) uint64 {
	s := r.State()
	if s == nil {
		return 0
	}
	limit := s.PlainLimit(device, 0)
	if limit == 0 || seq+trust.MaxPlain <= limit {
		return 0
	}
	return seq + trust.MaxPlain - limit
}

// ReadRoster reads the membership of a space from a node that is asked for everything, as a
// client's server is: what is no act is not read, so that what acts name in feeds is
// taken as they give it.
func ReadRoster(ctx context.Context, space moot.SpaceID, node moot.Feeds, now func() time.Time) (*Roster, error) {
	r := NewRoster(space, now)
	s := skeleton{held: map[moot.EntryID]place{}, ends: map[moot.Key]place{}, branches: map[moot.Key]int{}}
	for _, kind := range []moot.Kind{moot.KindSpace, moot.KindInvite, moot.KindMember, moot.KindAct} {
		for e, err := range node.Query(ctx, moot.Query{Kind: kind, History: true, Replica: true}) {
			if err != nil {
				return nil, err
			}
			at, begins := s.place(&e)
			held := s.find(&e)
			if r.Admit(&e, at, begins, held) == nil { // one that is not admitted is not held by that node for long
				r.Apply(&e, at, begins, held)
			}
		}
	}
	return r, nil
}

// skeleton is what acts alone tell of feeds.
type skeleton struct {
	held     map[moot.EntryID]place
	ends     map[moot.Key]place
	branches map[moot.Key]int
}

type place struct {
	device moot.Key
	at     moot.Position
}

// place returns where an act stands: after the device's last act, or, if it has no higher
// number, on a branch of its own.
func (s *skeleton) place(e *moot.Entry) (at moot.Position, begins *moot.Position) {
	prev, continues := s.held[e.Prev]
	end, known := s.ends[e.Author]
	switch {
	case continues && prev.at == end.at, known && !continues && e.Seq > end.at.Seq+1:
		at = moot.Position{Branch: end.at.Branch, Seq: e.Seq}
	case !known:
		at = moot.Position{Seq: e.Seq}
	default:
		s.branches[e.Author]++
		at, begins = moot.Position{Branch: s.branches[e.Author], Seq: e.Seq}, &moot.Position{Branch: prev.at.Branch, Seq: e.Seq - 1}
	}
	p := place{e.Author, at}
	s.held[e.ID], s.ends[e.Author] = p, p
	return at, begins
}

// find answers for acts by where they stand, and for all else as the act says itself.
func (s *skeleton) find(e *moot.Entry) Held {
	body, _ := trust.Decode(e.Key, e.Body)
	claimed := map[moot.EntryID]place{}
	for _, m := range marks(body) {
		claimed[m.ID] = place{m.Device, moot.Position{Branch: s.ends[m.Device].at.Branch, Seq: m.Seq}}
	}
	return func(id moot.EntryID) (moot.Key, moot.Position, bool) {
		p, ok := s.held[id]
		if !ok {
			p, ok = claimed[id]
		}
		return p.device, p.at, ok
	}
}
