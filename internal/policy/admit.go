package policy

import (
	"slices"

	"github.com/mootspace/moot"
)

// Admit checks, before an entry is stored, whether its author may write it. Kinds:
// Stranger, Revoked, Denied, Invalid, Corrupt; for a newcomer also Expired, UsedUp.
func (r *Roster) Admit(e moot.Entry) error {
	if err := r.admit(e); err != nil {
		return moot.Wrap(string(e.Kind)+" entry of "+e.Author.Short(), err)
	}
	return nil
}

func (r *Roster) admit(e moot.Entry) error {
	if e.Space != r.space {
		return moot.Errorf(moot.Invalid, "it belongs to another space")
	}
	if err := r.clock.Check(e.Time); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if isMembership(&e) {
		return r.admitMembership(e)
	}
	return r.admitOther(e)
}

// admitMembership replays the entries with e among them.
func (r *Roster) admitMembership(e moot.Entry) error {
	at, known := slices.BinarySearchFunc(r.entries, &e, inOrder)
	if known {
		return nil
	}
	return r.replay(slices.Insert(slices.Clone(r.entries), at, e)).refused[e.ID]
}

// admitOther checks an entry that is not about membership, by the role that its author
// had when it was written.
func (r *Roster) admitOther(e moot.Entry) error {
	p := r.current().people[e.Author]
	switch {
	case p == nil:
		return moot.Errorf(moot.Stranger, "%s is not a member of this space", e.Author.Short())
	case p.Revoked && e.Seq > p.LastSeq:
		return moot.Errorf(moot.Revoked, "the membership of %s was revoked", e.Author.Short())
	}
	role := p.roleAt(e.Time)
	if e.Kind == moot.KindSpace {
		if e.Key != ServerPrefix+e.Author.String() || role != RoleServer && !role.manages(RoleGuest) {
			return moot.Errorf(moot.Denied, "a %s may not write this about the space", role)
		}
		return nil
	}
	if role == RoleGuest && e.Kind != moot.KindReceipt {
		return moot.Errorf(moot.Denied, "a guest may read, not write")
	}
	return nil
}
