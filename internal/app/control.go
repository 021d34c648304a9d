package app

import (
	"context"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
)

// Control is what a node tells and lets set about itself.
type Control interface {
	Status(ctx context.Context) (Status, error)
	Peers(ctx context.Context) ([]PeerStatus, error)
	Preferences(ctx context.Context) (policy.Preferences, error)
	SetPreferences(ctx context.Context, p policy.Preferences) error
	// Backup adds a backup of all that the node is made of to a directory of its machine.
	// Kinds: Full, Conflict, Unavailable while another one is made.
	Backup(ctx context.Context, dir string, o BackupOptions) (Backup, error)

	// Collect frees what nothing needs: no version in force or retained, message or job.
	Collect(ctx context.Context, o GarbageOptions) (Garbage, error)

	// Accounts are the members whose mail mail programs reach at this node: its own,
	// and those for whom it keeps a device.
	Accounts(ctx context.Context) ([]Account, error)
	// AddAccount makes a member whose only device this node keeps; without an invitation
	// link the node's own member invites it. Kind Conflict if another member has the name.
	AddAccount(ctx context.Context, name, link string) (Account, error)
	// EnableAccount has the space's server keep one more device of the session's member, so
	// that it reads its mailbox there. Kinds: Conflict if it does already, Unavailable.
	EnableAccount(ctx context.Context, o EnableOptions) (Account, error)
	// RemoveAccount ends the device that this node keeps for a member, and its passwords.
	// Kind Conflict if it is the member's only device, unless only is set.
	RemoveAccount(ctx context.Context, name string, only bool) error
	// AddPassword makes a password for mail programs; name "" is the node's own member.
	AddPassword(ctx context.Context, name string) (string, error)
	// SetPassword replaces the password that a person has chosen; name "" is the node's own member.
	SetPassword(ctx context.Context, name, password string) error
	// DropPasswords revokes all passwords of a member.
	DropPasswords(ctx context.Context, name string) error
	// MailSettings are what mail programs need to know to reach this node. Kind Unavailable
	// if it answers none.
	MailSettings(ctx context.Context) (MailSettings, error)
	// MailRecords are the lines that the DNS of the space's mail domain should hold.
	MailRecords(ctx context.Context) ([]string, error)

	// Tokens are what programs authenticate with, without their secrets.
	Tokens(ctx context.Context) ([]Token, error)
	// AddToken makes a token; the secret in it is shown this once. Kind Conflict if
	// there is one of that name.
	AddToken(ctx context.Context, o TokenOptions) (Token, error)
	// RemoveToken revokes a token at once. Kind NotFound.
	RemoveToken(ctx context.Context, name string) error
}

// Account is a member whose mail mail programs reach at this node.
type Account struct {
	Member    moot.MemberID `json:"member"`
	Device    moot.Key      `json:"device"`              // that the node keeps, or its own
	Name      string        `json:"name"`                // the member's
	Label     string        `json:"label,omitempty"`     // the device's
	Address   string        `json:"address,omitempty"`   // the member's
	Login     string        `json:"login,omitempty"`     // the name with which mail programs log in here
	Own       bool          `json:"own,omitempty"`       // the node's own member
	Waiting   bool          `json:"waiting,omitempty"`   // nobody who may has admitted the device yet
	Forked    bool          `json:"forked,omitempty"`    // it goes on in several branches
	Revoked   bool          `json:"revoked,omitempty"`   // it acts for nobody any more
	Passwords int           `json:"passwords"`           // how many open it
	LastLogin time.Time     `json:"last_login,omitzero"` // to the day; zero: never yet
	Bytes     int64         `json:"bytes,omitempty"`     // of the messages in its mailbox
	Password  string        `json:"password,omitempty"`  // only from EnableAccount, if it was given none
	Server    string        `json:"server,omitempty"`    // address of the server that keeps it; only from EnableAccount
}

// EnableOptions shape an account of a member that has a home.
type EnableOptions struct {
	Password string `json:"password,omitempty"` // chosen by a person; empty: one is made
}

// TokenOptions shape a token.
type TokenOptions struct {
	Name     string        `json:"name"`
	ReadOnly bool          `json:"read_only,omitempty"`
	Expires  time.Duration `json:"expires,omitempty"` // from now; 0 for never
}

// Token lets a program act as the node's member.
type Token struct {
	Name     string    `json:"name"`
	Token    string    `json:"token,omitempty"` // the secret; only from AddToken
	ReadOnly bool      `json:"read_only,omitempty"`
	Made     time.Time `json:"made"`
	Expires  time.Time `json:"expires,omitzero"` // zero: never
	Used     time.Time `json:"used,omitzero"`    // to the day; zero: never yet
}

// GarbageOptions shape a collection.
type GarbageOptions struct {
	DryRun bool `json:"dry_run,omitempty"` // nothing is freed
}

// Garbage is what was freed, or would be.
type Garbage struct {
	Blobs  int64 `json:"blobs"`
	Bytes  int64 `json:"bytes"`
	Needed int64 `json:"needed"` // bytes that stay, because something names them
	Leased int64 `json:"leased"` // bytes that nothing names yet, and that came within the last day
}
