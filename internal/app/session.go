// Package app is what every front end calls: a member's session at work through one
// architecture, and what a node tells and lets set about itself. It holds interfaces
// and the values that cross them, and no code that does any work.
//
// It must not know a front end, a link, a store or how a node is assembled.
package app

import (
	"context"
	"io"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/policy"
)

// Session is a member at work through one architecture.
type Session struct {
	Identity
	Via     moot.Architecture // in force
	Files   Files
	Members Members
	Mail    func(context.Context) (mail.Mailbox, error) // up to date when it is returned
	Jobs    jobs.Submitter
	Control Control
	Close   func() error
}

// Identity says whose node this is, and where.
type Identity struct {
	Space moot.SpaceID `json:"space"`
	Name  string       `json:"name"`   // of the space
	Self  moot.Key     `json:"member"` // the node's member
	As    string       `json:"as"`     // the member's name
	Home  string       `json:"home"`   // directory of the node's data; empty if it has none
}

// Files are the space's files. Paths are those of the machine on which the node runs.
type Files interface {
	// Share puts the file or folder at a path under a name. Kinds: NotFound, Invalid,
	// Conflict, Full, Unavailable.
	Share(ctx context.Context, path string, o files.ShareOptions) (files.File, error)
	// Store is Share without giving a name.
	Store(ctx context.Context, path string, o files.ShareOptions) (files.File, error)
	// Get writes a file or folder, by name or blob ID, to a path. Kinds: NotFound,
	// Unavailable, Conflict, Full.
	Get(ctx context.Context, name, path string, progress files.Progress) (files.File, error)
	// Write puts what r yields under a name.
	Write(ctx context.Context, name string, r io.Reader, o files.WriteOptions) (files.File, error)
	// Open returns a range of a file's bytes, verified as they are read, and the blob
	// that the file is. Kind Invalid for a folder.
	Open(ctx context.Context, name string, r moot.Range) (io.ReadCloser, moot.Blob, error)
	// Lookup returns what a name or a blob ID stands for. Kind NotFound.
	Lookup(ctx context.Context, name string) (files.File, error)
	// List returns the files whose names start with prefix, by name.
	List(ctx context.Context, prefix string) ([]files.File, error)
	// Find returns the files whose names contain all words, by their beginnings.
	Find(ctx context.Context, words string) ([]files.File, error)
	// History returns all versions of a name, the newest first. Kind NotFound.
	History(ctx context.Context, name string) ([]files.File, error)
	// Conflicts returns all versions of the names that have several.
	Conflicts(ctx context.Context) ([]files.File, error)
	// Resolve ends a conflict: it keeps the version whose ID starts so, or the current.
	Resolve(ctx context.Context, name, version string) (files.File, error)
	// Move gives a file or folder another name. Kinds: NotFound, Conflict.
	Move(ctx context.Context, from, to string, o files.MoveOptions) (files.File, error)
	// Remove takes a name away; its history stays. Kind NotFound.
	Remove(ctx context.Context, name string) error
	// Sync keeps a directory and the names below a prefix in step until ctx ends.
	Sync(ctx context.Context, dir string, o files.SyncOptions) error
}

// Members are the people of the space.
type Members interface {
	// List returns all members, also those who were removed, marked as such.
	List(ctx context.Context) ([]policy.Member, error)
	// Lookup returns the member of a name or key. Kind NotFound.
	Lookup(ctx context.Context, member string) (policy.Member, error)
	// Invite makes an invitation that names the servers and peers which a newcomer can
	// ask. Kind Unavailable if there are none.
	Invite(ctx context.Context, o InviteOptions) (Invitation, error)
	// Rename changes the name of the session's own member.
	Rename(ctx context.Context, name string) error
	// SetRole gives a member, by name or key, another role.
	SetRole(ctx context.Context, member string, role policy.Role) (policy.Member, error)
	// Revoke ends a membership.
	Revoke(ctx context.Context, member string) (policy.Member, error)
}

// InviteOptions shape an invitation.
type InviteOptions struct {
	Role        policy.Role   `json:"role"`
	Uses        int           `json:"uses"`                   // how many may join with it; 0 for any number
	Expires     time.Duration `json:"expires"`                // from now
	ServersOnly bool          `json:"servers_only,omitempty"` // name no peers: the newcomer will be a client
	PeersOnly   bool          `json:"peers_only,omitempty"`   // name no servers
}

// Invitation is a link with which somebody can join. Everybody who has the link can, until it expires.
type Invitation struct {
	Link    string      `json:"link"`
	Role    policy.Role `json:"role"`
	Expires time.Time   `json:"expires"`
}
