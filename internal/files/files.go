// Package files gives entries and blobs the meaning of files and folders: sharing,
// finding, fetching, writing, moving, removing and restoring them, their history and
// conflicts. It works over any moot.Node, and must not know an architecture, a store or a
// link.
package files

import (
	"context"
	"encoding/hex"
	iofs "io/fs"
	"log/slog"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/tree"
)

// Linker shares a file in place, without a copy.
type Linker interface {
	Link(ctx context.Context, path string) (moot.Blob, error)
}

// Fetcher writes a file's blob to File.Path without a second copy in the store. done is
// false if that is not possible: then Path is unchanged, but the blob has been fetched.
// count is called with the number of bytes of each arrival.
type Fetcher interface {
	Fetch(ctx context.Context, f File, count func(int)) (done bool, err error)
}

// Options of Files; the zero value shares and fetches copies and is silent.
type Options struct {
	// Index is that of this machine's own entries; nil: one of the node's.
	Index *Index
	// Fresh brings this machine's entries up to date before they are read for a caller;
	// nil: they are always as new as they can be.
	Fresh   func(context.Context) error
	Local   moot.Blobs // this machine's own store, searched for lists of folders; nil: the node
	Linker  Linker     // nil: nothing can be shared in place
	Fetcher Fetcher    // nil: what is fetched is copied out
	// Forget is called with blobs of removed files that are not to be retained; nil: all are
	// retained for a while.
	Forget func(context.Context, []moot.Blob) error
	// Member returns the member to whom a device belongs, also if it acts for it no more;
	// nil: files do not say whose they are.
	Member func(device moot.Key) (moot.MemberID, bool)
	// Holders returns the names of others with whom a blob should be that a device has
	// named; nil: not known.
	Holders func(id moot.BlobID, author moot.Key) []string
	Log     *slog.Logger
}

// Files are the files of a space, seen through a node.
type Files struct {
	node  moot.Node
	write sign.Writer
	o     Options
}

// New returns the files that node knows; changes are signed by write, which may be
// nil if nothing is changed.
func New(node moot.Node, write sign.Writer, o Options) *Files {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Index == nil {
		o.Index = NewIndex(node, IndexConfig{Log: o.Log})
	}
	if o.Fresh == nil {
		o.Fresh = func(context.Context) error { return nil }
	}
	if o.Local == nil {
		o.Local = node
	}
	if o.Member == nil {
		o.Member = func(moot.Key) (moot.MemberID, bool) { return moot.MemberID{}, false }
	}
	return &Files{node, write, o}
}

// File is what has a name: a version of a file, a folder or a symbolic link.
type File struct {
	Name     string        `json:"name"`               // from the root of the space, with slashes
	Path     string        `json:"path,omitempty"`     // where Get wrote it
	Item     string        `json:"item,omitempty"`     // hexadecimal digits that stay, whatever it is called; empty for a bare blob
	Blob     moot.Blob     `json:"blob"`               // the bytes; of a folder zero, unless it is Frozen
	Content  int64         `json:"size"`               // bytes of the file, or of all files below the folder
	Files    int           `json:"files,omitempty"`    // of a folder: how many files are below it
	Mode     iofs.FileMode `json:"mode"`               // permission bits
	ModTime  time.Time     `json:"modified"`           //
	Folder   bool          `json:"folder,omitempty"`   //
	Frozen   bool          `json:"frozen,omitempty"`   // a folder that is one blob, which lists its content: it changes only as a whole
	Link     string        `json:"link,omitempty"`     // of a symbolic link: what it leads to, which is never followed
	By       moot.MemberID `json:"by,omitzero"`        // the member who wrote it; zero if not known
	Author   moot.Key      `json:"author,omitzero"`    // the device that signed it
	Time     moot.Time     `json:"time"`               // when it was signed
	Version  VersionID     `json:"version,omitzero"`   // zero for a folder that nobody made, but something is in it
	Conflict bool          `json:"conflict,omitempty"` // there are other versions in force, or other files of this name
	Copy     bool          `json:"copy,omitempty"`     // a version that lost a conflict, shown beside the winner under a name of its own
	Deleted  bool          `json:"deleted,omitempty"`  // in a history: it was removed
}

// VersionID names a version of a file, so that its beginning can be typed.
type VersionID [32]byte

// String returns the ID as 64 hexadecimal digits.
func (id VersionID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText uses the form of String.
func (id VersionID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads 64 hexadecimal digits. Kind Invalid.
func (id *VersionID) UnmarshalText(text []byte) error { return (*moot.EntryID)(id).UnmarshalText(text) }

// Size returns the bytes of the file, or of all files below the folder.
func (f File) Size() int64 { return f.Content }

// Skipped is something that was left out or changed, though it was asked for.
type Skipped struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// Result is what was shared or written, and what of it was not as it is.
type Result struct {
	File
	Skipped []Skipped `json:"skipped,omitempty"`
}

// RemoveOptions shape a Remove.
type RemoveOptions struct {
	Recursive bool // also a folder that is not empty, with all that is in it
	Now       bool // its bytes and those of its old versions are not retained
}

var decoder = cbor.NewDecoder(cbor.Limits{})

// CheckName reports, with kind Invalid, why something cannot be shared under a name: names
// are relative, slash separated paths in UTF-8.
func CheckName(name string) error {
	if name == "" {
		return moot.WithHint(moot.Errorf(moot.Invalid, "a name must not be empty"), moot.HintRename)
	}
	return tree.CheckPath(name)
}
