package policy

import (
	"cmp"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/trust"
)

// legacy is the membership of a space by the rules of version 0.1.0: its entries, sorted by
// the times that their authors gave, and replayed. It is read until the space is adopted.
type legacy struct {
	space   moot.SpaceID
	entries []moot.Entry
	proofs  map[moot.EntryID]bool
	state   *legacyState // nil if entries were added since it was made
}

// legacyMember is a member of a space that is not adopted yet.
type legacyMember struct {
	Key     moot.Key
	Name    string
	Role    Role
	Joined  moot.Time
	Revoked bool
	LastSeq uint64
}

func newLegacy(space moot.SpaceID) *legacy {
	return &legacy{space: space, proofs: map[moot.EntryID]bool{}}
}

// isLegacy reports whether an entry is about membership, as version 0.1.0 wrote it.
func isLegacy(e *moot.Entry) bool {
	return e.Kind == moot.KindInvite || e.Kind == moot.KindMember || e.Kind == moot.KindSpace && e.Key == SpaceKey
}

// apply adds an entry that was stored.
func (r *legacy) add(e moot.Entry) {
	if at, known := slices.BinarySearchFunc(r.entries, &e, inOrder); !known {
		r.entries = slices.Insert(r.entries, at, e)
		r.state = nil
	}
}

// inOrder sorts entries for the replay.
func inOrder(a moot.Entry, b *moot.Entry) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), slices.Compare(a.Author[:], b.Author[:]), cmp.Compare(a.Seq, b.Seq), slices.Compare(a.ID[:], b.ID[:]))
}

func (r *legacy) current() *legacyState {
	if r.state == nil {
		r.state = r.replay(r.entries)
	}
	return r.state
}

// admit reports why a membership entry has no effect. A join that puts out somebody who
// joined before has none, whatever its date (R25).
func (r *legacy) admit(e moot.Entry) error {
	at, known := slices.BinarySearchFunc(r.entries, &e, inOrder)
	if known {
		return nil
	}
	before, after := r.current(), r.replay(slices.Insert(slices.Clone(r.entries), at, e))
	if err := after.refused[e.ID]; err != nil || before.people[e.Author] != nil {
		return err
	}
	for id := range after.refused {
		if before.refused[id] == nil {
			return moot.Errorf(moot.UsedUp, "others have used the invitation before this join came")
		}
	}
	return nil
}

// members returns all members in the order in which they joined.
func (r *legacy) members() (list []legacyMember) {
	for _, p := range r.current().people {
		list = append(list, p.legacyMember)
	}
	slices.SortFunc(list, func(a, b legacyMember) int {
		return cmp.Or(cmp.Compare(a.Joined, b.Joined), slices.Compare(a.Key[:], b.Key[:]))
	})
	return list
}

// admitAny reports why an entry is refused.
func (r *legacy) admitAny(e *moot.Entry) error {
	if isLegacy(e) {
		return r.admit(*e)
	}
	if r.current().people[e.Author] == nil {
		return stranger(e.Author)
	}
	return nil
}

// owners returns the owners by seniority.
func (r *legacy) owners() (keys []moot.Key) {
	for _, m := range r.members() {
		if m.Role == RoleOwner && !m.Revoked {
			keys = append(keys, m.Key)
		}
	}
	return keys
}

// keys returns the keys of all who were ever members.
func (r *legacy) keys() (keys []moot.Key) {
	for k := range r.current().people {
		keys = append(keys, k)
	}
	return keys
}

// legacyView shows the members of version 0.1.0, each with one device.
type legacyView struct {
	*legacyState
	list []legacyMember
}

func (v legacyView) name() string { return v.legacyState.name }

func (v legacyView) member(id moot.MemberID) (Member, bool) {
	p := v.people[moot.Key(id)]
	if p == nil {
		return Member{}, false
	}
	return describeLegacy(p.legacyMember), true
}

func describeLegacy(m legacyMember) Member {
	id := moot.MemberID(m.Key)
	out := Member{ID: id, Name: m.Name, Role: m.Role, Founder: m.Joined == 0, Joined: m.Joined, Revoked: m.Revoked}
	if !m.Revoked {
		out.Devices = []Device{{Key: m.Key, Member: id, First: moot.EntryID(m.Key)}}
	}
	return out
}

func (v legacyView) members() (list []Member) {
	for _, m := range v.list {
		list = append(list, describeLegacy(m))
	}
	return list
}

func (v legacyView) owner(device moot.Key) (moot.MemberID, error) {
	p := v.people[device]
	switch {
	case p == nil:
		return moot.MemberID{}, stranger(device)
	case p.Revoked:
		return moot.MemberID(device), revoked(p.Name)
	}
	return moot.MemberID(device), nil
}

func (v legacyView) invitations() (list []Invitation) {
	for _, in := range v.invites {
		list = append(list, in.invitation())
	}
	slices.SortFunc(list, func(a, b Invitation) int {
		return cmp.Or(cmp.Compare(a.Expires, b.Expires), slices.Compare(a.ID[:], b.ID[:]))
	})
	return list
}

func (v legacyView) lookup(name string) (moot.MemberID, bool) {
	for _, m := range v.list {
		if !m.Revoked && m.Name == name {
			return moot.MemberID(m.Key), true
		}
	}
	return moot.MemberID{}, false
}

func (v legacyView) counts(author moot.Key, kind moot.Kind, at moot.Position) bool {
	p := v.people[author]
	if p == nil || p.Revoked && at.Seq > p.LastSeq {
		return false
	}
	if kind == moot.KindSpace { // also where a server is
		return canServe(p.Role)
	}
	if kind == moot.KindRule {
		return canManage(p.Role)
	}
	return p.Role != RoleGuest || kind == moot.KindReceipt || len(p.roles) > 1
}

func (v legacyView) mailbox(moot.MemberID) (trust.Mailbox, bool) { return trust.Mailbox{}, false }

// Adoption returns the body of the act that brings a space of version 0.1.0 under the
// rules of package trust, without the ends of feeds. Kind Invalid if it was adopted.
func (r *Roster) Adoption(now time.Time) (trust.Adopt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.acts != nil {
		return trust.Adopt{}, moot.Errorf(moot.Invalid, "the space is adopted already")
	}
	var body trust.Adopt
	for _, m := range r.legacy.members() {
		one := trust.AdoptedMember{Key: m.Key, Role: m.Role, Name: m.Name}
		switch {
		case m.Revoked:
			one.Role = ""
		case m.Key == moot.Key(r.space):
			one.Role = trust.Founder
		}
		body.Members = append(body.Members, one)
	}
	for _, in := range r.legacy.current().invites {
		if in.usable(moot.TimeAt(now)) == nil {
			left := in.Uses - in.Used
			if in.Uses == 0 {
				left = AnyUses
			}
			body.Invites = append(body.Invites, trust.AdoptedInvitation{Key: in.Key, Role: in.Role, Uses: left, Expires: in.Expires})
		}
	}
	slices.SortFunc(body.Invites, func(a, b trust.AdoptedInvitation) int { return slices.Compare(a.Key[:], b.Key[:]) })
	return body, nil
}
