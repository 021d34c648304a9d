package policy

import (
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/trust"
)

// Role is what a member may do in the space.
type Role = trust.Role

// Roles. The founder of a space is an owner for ever.
const (
	RoleOwner  = trust.Owner  // everything; may undo what others decided
	RoleAdmin  = trust.Admin  // everything but to owners and admins
	RoleMember = trust.Member // reads and writes
	RoleGuest  = trust.Guest  // reads
	RoleServer = trust.Server // as a member, and may be the space's server
)

// canManage reports whether a role invites, changes and removes others.
func canManage(r Role) bool { return r.Rank() >= RoleAdmin.Rank() }

// canServe reports whether a member of a role may be one of the space's servers.
func canServe(r Role) bool { return r.Rank() >= RoleServer.Rank() }

// Member is a person, or a server, that belongs to the space or did.
type Member struct {
	ID      moot.MemberID `json:"id"`
	Name    string        `json:"name"` // unique among members
	Role    Role          `json:"role"`
	Founder bool          `json:"founder,omitempty"`
	Joined  moot.Time     `json:"joined"`            // as it says itself
	Waiting bool          `json:"waiting,omitempty"` // nobody who may has admitted it yet
	Revoked bool          `json:"revoked,omitempty"` // was removed
	Devices []Device      `json:"devices,omitempty"` // that act for it
}

// Device is a key pair on one machine, which acts for one member.
type Device struct {
	Key      moot.Key      `json:"key"`
	Name     string        `json:"name,omitempty"` // as laptop
	Member   moot.MemberID `json:"member"`
	First    moot.EntryID  `json:"-"`                  // its first entry, or, since version 0.1.0, its key
	Recovery bool          `json:"recovery,omitempty"` // the recovery code's, on paper
	Waiting  bool          `json:"waiting,omitempty"`  // nobody who may has admitted it yet
	Forked   bool          `json:"forked,omitempty"`   // it goes on from two copies of one home
}

// Invitation is an invitation that may be used, or was.
type Invitation struct {
	ID        moot.EntryID  `json:"id"`
	Key       moot.Key      `json:"-"`
	Role      Role          `json:"role,omitempty"` // of a new member
	For       moot.MemberID `json:"for,omitzero"`   // whose device may join
	By        moot.MemberID `json:"by"`             // who made it
	Uses      int           `json:"uses"`           // how many may join with it; 0 for any number
	Used      int           `json:"used"`
	Expires   int64         `json:"expires"` // Unix seconds
	Withdrawn bool          `json:"withdrawn,omitempty"`
	Recovery  bool          `json:"recovery,omitempty"` // of the recovery code's device
}

// AnyUses is the number of uses of an invitation that any number may use.
const AnyUses = 1 << 20

// Usable reports why an invitation admits no one at a time. Kinds: Revoked, Expired,
// UsedUp.
func (in Invitation) Usable(now time.Time) error { return in.usable(now.Unix()) }

// usable is Usable for a time in Unix seconds.
func (in Invitation) usable(now int64) error {
	switch {
	case in.Withdrawn:
		return moot.Errorf(moot.Revoked, "the invitation was withdrawn: ask for a new one")
	case in.Expires > 0 && now >= in.Expires:
		return moot.Errorf(moot.Expired, "the invitation expired on %s: ask for a new one", unixText(in.Expires))
	case in.Uses > 0 && in.Used >= in.Uses:
		return moot.Errorf(moot.UsedUp, "the invitation was for %d, and has been used: ask for a new one", in.Uses)
	}
	return nil
}
