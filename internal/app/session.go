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
	Folders Folders
	Members Members
	Mail    func(context.Context) (mail.Mailbox, error) // up to date when it is returned
	// AccountMail is the mail of an account that the node keeps, by the member's name or ID;
	// "" is Mail. Kind NotFound.
	AccountMail func(ctx context.Context, name string) (mail.Mailbox, error)
	Jobs        jobs.Submitter
	Copies      Copies
	Aliases     Aliases
	Control     Control
	Close       func() error
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
// Where a name is asked for, a blob's ID, a version's ID, or 8 or more digits with which
// just one of them begins, may be given to Get, GetAll, Open, Lookup and Freeze.
type Files interface {
	// Share puts the file or folder at a path under a name. A folder goes into one that
	// exists: files of the same name are superseded, equal ones stay as they are. Kinds:
	// NotFound, Invalid, Conflict, Full, Unavailable.
	Share(ctx context.Context, path string, o files.ShareOptions) (files.Result, error)
	// Store is Share without giving a name; a folder becomes a frozen one.
	Store(ctx context.Context, path string, o files.ShareOptions) (files.Result, error)
	// Freeze returns a folder as one blob that lists its content, or a file as it is.
	Freeze(ctx context.Context, name string) (files.File, error)
	// Get writes a file or folder to a path; "" means under the last part of its name
	// here, and an existing directory means inside it. Kinds: NotFound, Unavailable,
	// Conflict, Full.
	Get(ctx context.Context, name, path string, progress files.Progress) (files.Result, error)
	// GetAll writes what names and patterns stand for into a directory, which is made if
	// there is none. In a pattern * stands for any part of one name, ** for any folders.
	// It goes on after an error, and returns the first. Kinds: those of Get.
	GetAll(ctx context.Context, names []string, dir string, progress files.Progress) ([]files.Result, error)
	// Write puts what r yields under a name.
	Write(ctx context.Context, name string, r io.Reader, o files.WriteOptions) (files.File, error)
	// Open returns a range of a file's bytes, verified as they are read, and the blob
	// that the file is. Kind Invalid for a folder or link.
	Open(ctx context.Context, name string, r moot.Range) (io.ReadCloser, moot.Blob, error)
	// Lookup returns what a name or an ID stands for. Kind NotFound.
	Lookup(ctx context.Context, name string) (files.File, error)
	// ReadDir returns what is in a folder, by name; "" is the root. Folders have the sums
	// of what is below them. Kinds: NotFound, Invalid if it is no folder.
	ReadDir(ctx context.Context, name string) ([]files.File, error)
	// List returns all files and links whose names start with prefix, by name.
	List(ctx context.Context, prefix string) ([]files.File, error)
	// Find returns what has names that contain all words, in any case.
	Find(ctx context.Context, words string) ([]files.File, error)
	// History returns all versions of a name, the newest first. Kind NotFound.
	History(ctx context.Context, name string) ([]files.File, error)
	// Conflicts returns all versions of the names that have several.
	Conflicts(ctx context.Context) ([]files.File, error)
	// Resolve ends a conflict: the version whose ID starts so, or the current one, stays.
	Resolve(ctx context.Context, name, version string) (files.File, error)
	// Move gives a file or folder another name. Kinds: NotFound, Invalid, Conflict.
	Move(ctx context.Context, from, to string, o files.MoveOptions) (files.File, error)
	// Remove takes a name away; its history stays. Kinds: NotFound, Conflict for a folder
	// that is not empty.
	Remove(ctx context.Context, name string, o files.RemoveOptions) error
	// Restore makes an old version current, or undoes a removal: version is the beginning
	// of its ID; "" is the one before the removal. Kinds: NotFound, Invalid.
	Restore(ctx context.Context, name, version string) (files.File, error)
}
