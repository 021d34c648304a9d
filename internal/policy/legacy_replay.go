package policy

import (
	"crypto/ed25519"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/trust"
)

// state is the result of a replay.
type legacyState struct {
	name    string // of the space
	people  map[moot.Key]*person
	invites map[moot.Key]*invite
	refused map[moot.EntryID]error // entries without effect, and why
}

// person is a member with all roles it had.
type person struct {
	legacyMember
	claimed string // the name it asked for
	roles   []Role
}

type invite struct {
	InviteBody
	Used    int
	revoked bool
}

// usable reports why an invitation admits no one at a time.
func (in *invite) usable(t moot.Time) error { return in.invitation().usable(t.Wall().Unix()) }

func (in *invite) invitation() Invitation {
	return Invitation{ID: moot.EntryID(in.Key), Key: in.Key, Role: in.Role, Uses: in.Uses, Used: in.Used, Expires: in.Expires, Withdrawn: in.revoked}
}

// manages reports whether the holder of a role might give, change or take another.
func manages(r, other Role) bool { return r == RoleOwner || r == RoleAdmin && other != RoleOwner }

// valid reports whether a role could be given.
func valid(r Role) bool { return r.Rank() > 0 && r != trust.Founder }

// maxPasses bounds the replays that revocations reaching back in time may need.
const maxPasses = 8

// replay applies the entries in their order. A revocation also voids earlier entries of
// the revoked member beyond the number that it pins, so the replay is repeated with the
// pins found until they do not change.
func (r *legacy) replay(entries []moot.Entry) *legacyState {
	pins := map[moot.Key]uint64{}
	for range maxPasses {
		s := r.pass(entries, pins)
		found := map[moot.Key]uint64{}
		for k, p := range s.people {
			if p.Revoked {
				found[k] = p.LastSeq
			}
		}
		if same(pins, found) {
			s.assignNames()
			return s
		}
		pins = found
	}
	s := r.pass(entries, pins)
	s.assignNames()
	return s
}

func same(a, b map[moot.Key]uint64) bool {
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			return false
		}
	}
	return len(a) == len(b)
}

func (r *legacy) pass(entries []moot.Entry, pins map[moot.Key]uint64) *legacyState {
	s := &legacyState{people: map[moot.Key]*person{}, invites: map[moot.Key]*invite{}, refused: map[moot.EntryID]error{}}
	s.people[moot.Key(r.space)] = &person{
		legacyMember: legacyMember{Key: moot.Key(r.space), Role: RoleOwner}, claimed: "founder", roles: []Role{RoleOwner},
	}
	for i := range entries {
		e := &entries[i]
		err := r.apply(s, e, pins)
		if err != nil {
			s.refused[e.ID] = err
		}
	}
	return s
}

// apply changes the state by one entry, or returns why that is refused.
func (r *legacy) apply(s *legacyState, e *moot.Entry, pins map[moot.Key]uint64) error {
	if pin, ok := pins[e.Author]; ok && e.Seq > pin {
		return moot.Errorf(moot.Revoked, "the membership of %s was revoked", e.Author.Short())
	}
	author := s.people[e.Author]
	if e.Kind == moot.KindMember && author == nil {
		return r.join(s, e)
	}
	switch {
	case author == nil:
		return moot.Errorf(moot.Stranger, "%s is not a member of this space", e.Author.Short())
	case author.Revoked && e.Seq > author.LastSeq:
		return moot.Errorf(moot.Revoked, "the membership of %s was revoked", e.Author.Short())
	}
	switch e.Kind {
	case moot.KindSpace:
		return r.found(s, e)
	case moot.KindInvite:
		return s.invite(e, author)
	}
	return s.change(e, author)
}

// found names the space.
func (r *legacy) found(s *legacyState, e *moot.Entry) error {
	body, err := decode[SpaceBody](e.Body)
	switch {
	case err != nil:
		return err
	case e.Author != moot.Key(r.space):
		return moot.Errorf(moot.Denied, "only its founder names a space")
	}
	if err := checkLegacyName(body.Name); err != nil {
		return err
	}
	s.name = body.Name
	return nil
}

// invite makes an invitation, or withdraws one.
func (s *legacyState) invite(e *moot.Entry, author *person) error {
	if !canManage(author.Role) {
		return moot.Errorf(moot.Denied, "a %s may not invite: ask an owner or admin", author.Role)
	}
	if e.Deletes() {
		for k, in := range s.invites {
			if InviteKey(k) == e.Key {
				in.revoked = true
			}
		}
		return nil
	}
	body, err := decode[InviteBody](e.Body)
	switch {
	case err != nil:
		return err
	case e.Key != InviteKey(body.Key) || body.Uses < 0 || s.invites[body.Key] != nil:
		return moot.Errorf(moot.Invalid, "an invitation that contradicts itself")
	case !valid(body.Role):
		return moot.Errorf(moot.Invalid, "%q is no role: want admin, member, guest or server", body.Role)
	case !manages(author.Role, body.Role):
		return moot.Errorf(moot.Denied, "a %s may not invite an %s", author.Role, body.Role)
	}
	s.invites[body.Key] = &invite{InviteBody: body}
	return nil
}

// join makes a newcomer a member.
func (r *legacy) join(s *legacyState, e *moot.Entry) error {
	body, err := decode[MemberBody](e.Body)
	if err != nil {
		return err
	}
	in := s.invites[body.Invite]
	switch {
	case in == nil:
		return moot.Errorf(moot.Stranger, "%s was not invited to this space", e.Author.Short())
	case e.Key != MemberKey(e.Author) || body.Revoked || body.Role != in.Role || e.Seq != 1:
		return moot.Errorf(moot.Invalid, "%s does not join as it was invited", e.Author.Short())
	case !r.validProof(e, body):
		return moot.Errorf(moot.Corrupt, "%s does not prove that it was invited", e.Author.Short())
	}
	if err := checkLegacyName(body.Name); err != nil {
		return err
	}
	if err := in.usable(e.Time); err != nil {
		return err
	}
	in.Used++
	s.people[e.Author] = &person{
		legacyMember: legacyMember{Key: e.Author, Role: body.Role, Joined: e.Time}, claimed: body.Name, roles: []Role{body.Role},
	}
	return nil
}

// validProof checks an invitation's signature, once for each entry: entries do not change.
func (r *legacy) validProof(e *moot.Entry, body MemberBody) bool {
	ok, known := r.proofs[e.ID]
	if !known {
		ok = ed25519.Verify(body.Invite[:], joinMessage(r.space, e.Author), body.Proof)
		r.proofs[e.ID] = ok
	}
	return ok
}

// change renames a member, gives it another role, or revokes it.
func (s *legacyState) change(e *moot.Entry, author *person) error {
	body, err := decode[MemberBody](e.Body)
	if err != nil {
		return err
	}
	var p *person
	for k, other := range s.people {
		if MemberKey(k) == e.Key {
			p = other
		}
	}
	switch {
	case p == nil:
		return moot.Errorf(moot.NotFound, "a change of what is not a member")
	case !valid(body.Role):
		return moot.Errorf(moot.Invalid, "%q is no role: want admin, member, guest or server", body.Role)
	case p.Revoked:
		return moot.Errorf(moot.Revoked, "the membership was revoked already, and a key cannot come back")
	}
	if err := mayChange(author, p, body); err != nil {
		return err
	}
	if err := checkLegacyName(body.Name); err != nil {
		return err
	}
	p.claimed = body.Name
	if body.Role != p.Role {
		p.Role = body.Role
		p.roles = append(p.roles, body.Role)
	}
	p.Revoked, p.LastSeq = body.Revoked, body.LastSeq
	if p.Revoked && p == author {
		p.LastSeq = max(p.LastSeq, e.Seq) // the entry that ends its own membership counts
	}
	return nil
}

func mayChange(author, p *person, to MemberBody) error {
	self := author.Key == p.Key
	switch {
	case p.Joined == 0 && (to.Role != RoleOwner || to.Revoked): // the founder
		return moot.Errorf(moot.Denied, "the founder of a space stays its owner")
	case self && to.Role == p.Role && !to.Revoked:
		return nil
	case self && to.Revoked:
		return nil // every member may leave
	case !manages(author.Role, p.Role) || !manages(author.Role, to.Role):
		return moot.Errorf(moot.Denied, "a %s may not change an %s into an %s", author.Role, p.Role, to.Role)
	}
	return nil
}

// assignNames makes names unique: the first to join has the name, others get the
// beginning of their key added.
func (s *legacyState) assignNames() {
	list := make([]*person, 0, len(s.people))
	for _, p := range s.people {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *person) int {
		if a.Joined != b.Joined {
			if a.Joined < b.Joined {
				return -1
			}
			return 1
		}
		return slices.Compare(a.Key[:], b.Key[:])
	})
	taken := map[string]bool{}
	for _, p := range list {
		p.Name = p.claimed
		if taken[p.Name] {
			p.Name += mark + p.Key.Short()[:4]
		}
		taken[p.Name] = true
	}
}
