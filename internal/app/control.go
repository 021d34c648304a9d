package app

import (
	"context"
	"io"
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
	// Backup writes the node's key, settings and entries as a tar archive.
	Backup(ctx context.Context, w io.Writer) error

	// Accounts are the members whose mail mail programs reach at this node: its own,
	// and those whose keys it keeps.
	Accounts(ctx context.Context) ([]Account, error)
	// AddAccount makes a member whose key this node keeps; without an invitation link
	// the node's own member invites it.
	AddAccount(ctx context.Context, name, link string) (Account, error)
	// AddPassword makes a password for mail programs; name "" is the node's own member.
	AddPassword(ctx context.Context, name string) (string, error)
	// DropPasswords revokes all passwords of a member.
	DropPasswords(ctx context.Context, name string) error
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
	Member    moot.Key `json:"member"`
	Name      string   `json:"name"`
	Own       bool     `json:"own,omitempty"` // the node's own member
	Passwords int      `json:"passwords"`     // for mail programs
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

// Status is the state of a node.
type Status struct {
	Identity
	Via       moot.Architecture `json:"via"`
	Running   bool              `json:"running"` // as a process of its own
	Role      policy.Role       `json:"role"`
	Servers   []ServerStatus    `json:"servers"`
	Peers     int               `json:"peers"` // connected now
	Addrs     []string          `json:"addrs"` // where this node listens
	Entries   uint64            `json:"entries"`
	Authors   int               `json:"authors"`
	Blobs     int64             `json:"blobs"`
	Bytes     int64             `json:"bytes"`
	Sent      int64             `json:"sent_bytes"`     // to others since the node started
	Received  int64             `json:"received_bytes"` // of blobs from others since the node started
	Conflicts int               `json:"conflicts"`      // names with several versions in force
	Forks     int               `json:"forks"`          // proofs that an author signed two entries with one number
}

// ServerStatus is a server and whether it answers.
type ServerStatus struct {
	moot.Peer
	Reachable bool   `json:"reachable"`
	Why       string `json:"why,omitempty"` // if not
}

// PeerStatus is a member's node as this node sees it.
type PeerStatus struct {
	moot.Peer
	Role      policy.Role `json:"role"`
	Connected bool        `json:"connected"`
}
