package trust

import "github.com/mootspace/moot"

// MaxPlain is how many entries other than acts are taken in of a device beyond the last one
// that a standing act confirms (R21).
const MaxPlain = 10_000

// State is what a set of acts amounts to.
type State struct{}

// Roster is one member of a State.
type MemberInfo struct {
	ID         moot.MemberID
	Name       string        // as confirmed; empty before
	Held       bool          // the name is the member's; otherwise another has it, and it is shown with a mark
	Role       Role          // empty: removed
	Power      Power         //
	AdmittedBy moot.MemberID // zero: the founder
}

// Power orders members (R7).
type Power struct{}

// Compare is positive if p is above q.
func (p Power) Compare(q Power) int { return 0 }

// Waiting is a join that nobody has admitted.
type Waiting struct {
	Join   moot.EntryID
	Device moot.Key
	Invite moot.EntryID
	For    moot.MemberID // zero: a new member
	Name   string
}

// Invitation is an invitation that stands.
type Invitation struct {
	ID        moot.EntryID
	Invite    Invite
	Author    moot.MemberID
	Used      int  // joins admitted with it
	Withdrawn bool //
	Dead      bool // its author has lost the right to give it
}

// Claim is a rename that nobody has confirmed.
type Claim struct {
	ID     moot.EntryID
	Member moot.MemberID
	Name   string
}

// Members returns all who were ever admitted and still are, removed ones too, the founder first, then by power.
func (s *State) Members() []MemberInfo { return nil }

// Member returns one member; false if nobody of that ID is admitted.
func (s *State) Member(id moot.MemberID) (MemberInfo, bool) { return MemberInfo{}, false }

// Device returns the member for whom a device acts (R6).
func (s *State) Device(key moot.Key) (moot.MemberID, bool) { return moot.MemberID{}, false }

// DeviceInfo is a device that acts for a member.
type DeviceInfo struct {
	Key      moot.Key
	First    moot.EntryID // its first entry, or its key from version 0.1.0
	Label    string
	Recovery bool
}

// Devices returns the devices that act for a member.
func (s *State) Devices(id moot.MemberID) []DeviceInfo { return nil }

// Contested reports whether a device's feed has forked and not gone on in one branch (R19, R20).
func (s *State) Contested(device moot.Key) bool { return false }

// Waiting returns the joins that stand and that nobody has admitted, by height and ID.
func (s *State) Waiting() []Waiting { return nil }

// Invitations returns those that stand, by height and ID.
func (s *State) Invitations() []Invitation { return nil }

// Claims returns what a witness could confirm: each member's last rename, if it is not confirmed.
func (s *State) Claims() []Claim { return nil }

// Lookup returns who holds a name, compared by mail form (R17).
func (s *State) Lookup(name string) (moot.MemberID, bool) { return moot.MemberID{}, false }

// Counts reports whether a plain entry at a position counts, and its author's member and role there (R15).
func (s *State) Counts(device moot.Key, at Position) (moot.MemberID, Role, bool) {
	return moot.MemberID{}, "", false
}

// PlainLimit returns the greatest seq up to which a branch of a feed is taken in (R21).
func (s *State) PlainLimit(device moot.Key, branch int) uint64 { return 0 }

// Mailbox returns the mailbox key to which messages for a member are sealed; false: seal to the devices (R22).
func (s *State) Mailbox(id moot.MemberID) (Mailbox, bool) { return Mailbox{}, false }

// Standing, InForce and Dead tell the fate of an act (R4, R10); of a witness act, that of any of its lines.
func (s *State) Standing(id moot.EntryID) bool { return false }
func (s *State) InForce(id moot.EntryID) bool  { return false }
func (s *State) Dead(id moot.EntryID) bool     { return false }

// Heads returns the acts that the next act of anybody who holds all of this cites, at most 32.
func (s *State) Heads() []moot.EntryID { return nil }
