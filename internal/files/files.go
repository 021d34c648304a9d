// Package files gives entries and blobs the meaning of files and folders: sharing,
// finding, fetching, writing, moving, removing them, their history and conflicts, and
// synchronising a directory. It works over any moot.Node, and must not know an architecture,
// a store or a link.
package files

import (
	"cmp"
	"context"
	"encoding/hex"
	iofs "io/fs"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/sign"
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
	Linker  Linker  // nil: nothing can be shared in place
	Fetcher Fetcher // nil: what is fetched is copied out
	// Member returns the member to whom a device belongs, also if it acts for it no more;
	// nil: files do not say whose they are.
	Member func(device moot.Key) (moot.MemberID, bool)
	Log    *slog.Logger
}

// Files are the files of a space, seen through a node.
type Files struct {
	node   moot.Node
	write  sign.Writer
	link   Linker
	take   Fetcher
	member func(moot.Key) (moot.MemberID, bool)
	log    *slog.Logger
}

// New returns the files that node knows; changes are signed by write, which may be
// nil if nothing is changed.
func New(node moot.Node, write sign.Writer, o Options) *Files {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Member == nil {
		o.Member = func(moot.Key) (moot.MemberID, bool) { return moot.MemberID{}, false }
	}
	return &Files{node, write, o.Linker, o.Fetcher, o.Member, o.Log}
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

// stated returns f as the version that an entry states.
func (fs *Files) stated(f File, e moot.Entry) File {
	f.By = moot.MemberID{}
	if by, known := fs.member(e.Author); known {
		f.By = by
	}
	f.Author, f.Time, f.Version = e.Author, e.Time, VersionID(e.ID)
	return f
}

// body is an entry's description of a file. An empty body removes the name.
type body struct {
	Blob    []byte `cbor:"0,keyasint"`
	Size    int64  `cbor:"1,keyasint"` // of the blob
	Content int64  `cbor:"2,keyasint"` // of the file or folder
	Mode    uint32 `cbor:"3,keyasint"` // permission bits
	ModTime int64  `cbor:"4,keyasint"` // ns since 1970
	Folder  bool   `cbor:"5,keyasint,omitempty"`
}

func encodeBody(f File) ([]byte, error) {
	b, err := cbor.Marshal(body{
		Blob: f.Blob.ID[:], Size: f.Blob.Size, Content: f.Content, Mode: uint32(f.Mode.Perm()),
		ModTime: f.ModTime.UnixNano(), Folder: f.Folder,
	})
	return b, moot.Wrap("describe "+f.Name, err)
}

var decoder = cbor.NewDecoder(cbor.Limits{})

// fileOf reads what an entry states, without who and when. The error is of kind Invalid: the entry may be hostile.
func fileOf(e moot.Entry) (File, error) {
	f := File{Name: e.Key}
	if err := CheckName(e.Key); err != nil {
		return f, err
	}
	if e.Deletes() || e.Body == nil {
		f.Deleted = e.Deletes()
		return f, nil
	}
	var b body
	if err := decoder.Unmarshal(e.Body, &b); err != nil {
		return f, moot.Errorf(moot.Invalid, "%s: not a file's entry: %w", e.Key, err)
	}
	if len(b.Blob) != len(f.Blob.ID) || b.Size < 0 || b.Content < 0 {
		return f, moot.Errorf(moot.Invalid, "%s: not a file's entry", e.Key)
	}
	f.Blob = moot.Blob{ID: moot.BlobID(b.Blob), Size: b.Size}
	f.Content, f.Folder = b.Content, b.Folder
	f.Mode, f.ModTime = iofs.FileMode(b.Mode).Perm(), time.Unix(0, b.ModTime).UTC()
	return f, nil
}

// CheckName reports, with kind Invalid, why something cannot be shared under a name:
// names are relative, slash separated paths in UTF-8 of at most moot.MaxKey bytes.
func CheckName(name string) error {
	why := ""
	switch {
	case name == "":
		why = "it is empty"
	case len(name) > moot.MaxKey:
		why = "it is too long"
	case !utf8.ValidString(name):
		why = "it is not UTF-8"
	case strings.ContainsFunc(name, unicode.IsControl):
		why = "it has control characters"
	case !iofs.ValidPath(name) || name == ".":
		why = "it must be a relative path without empty parts, '.' or '..'"
	}
	if why != "" {
		return moot.WithHint(moot.Errorf(moot.Invalid, "%.80q cannot be a name: %s", name, why), moot.HintRename)
	}
	return nil
}

// newestFirst sorts a history.
func newestFirst(a, b File) int {
	return cmp.Or(cmp.Compare(b.Time, a.Time), strings.Compare(b.Author.String(), a.Author.String()), strings.Compare(b.Version.String(), a.Version.String()))
}
