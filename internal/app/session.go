// Package app is what every front end calls: a member's session at work through one
// architecture, and what a node tells and lets set about itself. It holds interfaces
// and the values that cross them, and no code that does any work.
//
// It must not know a front end, a link, a store or how a node is assembled.
package app

import (
	"context"
	"io"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/mail"
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
	Space  moot.SpaceID  `json:"space"`
	Name   string        `json:"name"`            // of the space
	Member moot.MemberID `json:"member"`          // for whom the node's device acts
	As     string        `json:"as"`              // the member's name
	Device moot.Key      `json:"device"`          // the node's key
	Label  string        `json:"label,omitempty"` // the device's name
	Home   string        `json:"home"`            // directory of the node's data; empty if it has none
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
