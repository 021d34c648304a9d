package policy

import (
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
	invitations := map[moot.EntryID]trust.Invitation{}
	for _, w := range r.acts.waiting() {
		in, ok := invitations[w.Invite]
		if !ok {
			if in, ok = r.acts.current().Invitation(w.Invite); !ok {
				continue
			}
			invitations[w.Invite] = in
		}
		list = append(list, Waiting{w.Join, w.Device, describeInvitation(in), in.Invite.Uses - in.Used})
	}
	return list
}

// Claims returns the renamings that nobody has confirmed.
func (r *Roster) Claims() []trust.Claim {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.acts == nil {
		return nil
	}
	return r.acts.current().Claims()
}

// Cites returns what the next act cites, if it has the body.
func (r *Roster) Cites(body any) []moot.EntryID {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.acts == nil {
		return nil
	}
	return r.acts.cites(body)
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
	return r.acts.current().Lowered(id)
}

// Unconfirmed returns how many entries up to a number nobody has confirmed of a device's
// feed; 0 for a device that acts for no member.
func (r *Roster) Unconfirmed(device moot.Key, seq uint64) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.acts == nil {
		return 0
	}
	state := r.acts.current()
	if _, ok := state.Device(device); !ok {
		return 0
	}
	confirmed := state.PlainLimit(device, 0) - trust.MaxBeyond
	return seq - min(seq, confirmed)
}

// Admitted returns the act that admitted a device, by its first entry; false for a member's
// device of version 0.1.0, and while the device waits.
func (r *Roster) Admitted(first moot.EntryID) (act moot.EntryID, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.acts == nil {
		return act, false
	}
	return r.acts.current().Admission(first)
}

// Mailboxes returns the standing generations of a member's mailbox key, the oldest first.
func (r *Roster) Mailboxes(id moot.MemberID) []trust.Mailbox {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.acts == nil {
		return nil
	}
	return r.acts.current().Mailboxes(id)
}

// Sealed returns what the invitation of a device hands over: the private halves of the
// member's mailbox keys; nil if it came without.
func (r *Roster) Sealed(device moot.Key) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.acts == nil {
		return nil
	}
	i, ok := r.acts.joins.first[device]
	if !ok {
		return nil
	}
	return r.acts.invites[r.acts.list[i].body.Invite].Sealed
}

// Named returns the entries of feeds that an act names in its body, beside what it cites:
// they must be held before it is taken in.
func Named(e *moot.Entry) (ids []moot.EntryID) {
	if e.Kind != moot.KindAct {
		return nil
	}
	body, err := trust.Decode(e.Key, e.Body)
	if err != nil {
		return nil
	}
	for _, m := range marks(body) {
		ids = append(ids, m.ID)
	}
	return ids
}
