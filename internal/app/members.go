package app

import (
	"context"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
)

// Members are the people of the space and their devices. Wherever a member is named, its
// name, its ID or the beginning of that will do; a device goes by its label, its key or
// the beginning of that. Kinds: NotFound; Invalid if several match.
type Members interface {
	// List returns all members, also those who wait or were removed, marked as such.
	List(ctx context.Context) ([]policy.Member, error)
	Lookup(ctx context.Context, member string) (policy.Member, error)
	// Rename claims a name for the session's member. The old one goes on until the claim is
	// confirmed. Kind Conflict if another member holds it.
	Rename(ctx context.Context, name string) error
	SetRole(ctx context.Context, member string, role policy.Role) (policy.Member, error)
	// Revoke ends a membership. Kind Denied for the session's own member: see Leave.
	Revoke(ctx context.Context, member string, o RevokeOptions) (policy.Member, error)
	// Restore lifts the last removal or demotion of a member: all that it hid comes back.
	Restore(ctx context.Context, member string) (policy.Member, error)
	// Leave ends the membership of the session's own member.
	Leave(ctx context.Context) error

	Invitations
	Devices
}

// Invitations let others join.
type Invitations interface {
	// Invite makes an invitation that names the servers and peers which a newcomer can
	// ask. Kind Unavailable if there are none.
	Invite(ctx context.Context, o InviteOptions) (Invitation, error)
	// Invitations returns the invitations that can be used, the oldest first, without their
	// links; with all also those that cannot any more.
	Invitations(ctx context.Context, all bool) ([]Invitation, error)
	// Withdraw ends an invitation, by its ID or the beginning of that.
	Withdraw(ctx context.Context, id string) (Invitation, error)
}

// Devices are the devices of the session's member, and, for those who manage members, of others.
type Devices interface {
	// Devices returns the devices of the session's member.
	Devices(ctx context.Context) ([]policy.Device, error)
	// AddDevice makes a link with which one more device of the session's member joins.
	AddDevice(ctx context.Context, o DeviceOptions) (Invitation, error)
	// RenameDevice gives a device of the session's member another label. Kind Conflict if
	// another one has it.
	RenameDevice(ctx context.Context, device, label string) (policy.Device, error)
	// RemoveDevice ends a device: what it says from now on counts nowhere.
	RemoveDevice(ctx context.Context, r DeviceRemoval) (policy.Device, error)
	// Recovery makes the recovery code of the session's member, a device on paper, and
	// returns it this once. Kind Denied if there is one already.
	Recovery(ctx context.Context) (string, error)
	// ResolveFork ends a device that goes on in several branches; the chosen one counts.
	ResolveFork(ctx context.Context, c BranchChoice) (policy.Device, error)
}

// RevokeOptions shape a removal.
type RevokeOptions struct {
	// Strict hides also what servers, admins and owners have confirmed, if this node does
	// not hold it.
	Strict bool `json:"strict,omitempty"`
}

// InviteOptions shape an invitation.
type InviteOptions struct {
	Role        policy.Role   `json:"role"`
	Uses        int           `json:"uses"`                   // how many may join with it; 0 for any number
	Expires     time.Duration `json:"expires"`                // from now
	ServersOnly bool          `json:"servers_only,omitempty"` // name no peers: the newcomer will be a client
	PeersOnly   bool          `json:"peers_only,omitempty"`   // name no servers
}

// DeviceOptions shape an invitation for one more device.
type DeviceOptions struct {
	Expires     time.Duration `json:"expires"`                // from now
	ServersOnly bool          `json:"servers_only,omitempty"` // name no peers: the device will be a client
	PeersOnly   bool          `json:"peers_only,omitempty"`   // name no servers
}

// Invitation is a link with which somebody can join. Everybody who has the link can, while
// it is open.
type Invitation struct {
	ID        moot.EntryID  `json:"id"`
	Link      string        `json:"link,omitempty"`   // only from Invite and AddDevice
	Role      policy.Role   `json:"role,omitempty"`   // of a new member
	For       moot.MemberID `json:"for,omitzero"`     // whose device joins; zero: a new member
	By        moot.MemberID `json:"by"`               // who made it
	Uses      int           `json:"uses"`             // how many may join with it; 0 for any number
	Used      int           `json:"used"`             // how many did
	Expires   time.Time     `json:"expires,omitzero"` // zero: never
	Withdrawn bool          `json:"withdrawn,omitempty"`
}

// DeviceRemoval says which device is put out, and by whom.
type DeviceRemoval struct {
	Member   string `json:"member,omitempty"` // whose device; empty: the session's own member's
	Device   string `json:"device"`
	Recovery string `json:"recovery,omitempty"` // a recovery code, which removes it for good; empty: this device does
}

// BranchChoice says which branch of a forked device counts.
type BranchChoice struct {
	Member string `json:"member,omitempty"` // whose device; empty: the session's own member's
	Device string `json:"device"`
	Head   string `json:"head"` // ID of the branch's last entry, or its beginning
}
