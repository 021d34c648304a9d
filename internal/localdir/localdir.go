// Package localdir is a directory on this machine as synchronisation uses it: exact
// stats, staged files, renames that overwrite nothing, flushes by the batch, watches. It
// must not know what is synchronised, or with whom.
//
// Paths are relative, separated by slashes and made of any bytes that the file system
// takes; "" and "." are the directory itself. A symbolic link is never followed: as the
// last element it is the object itself, before that it is refused.
package localdir

import (
	"context"
	"io"
	"io/fs"
	"time"
)

const (
	Private = ".moot"         // this program's own folder, never synchronised
	Staging = ".moot/staging" // files not yet in place, and what was exchanged for them
)

// Dir is a directory. Its methods may be called at once. Errors have these kinds:
//
//   - NotFound: the path, or a folder on the way to it, is gone
//   - Conflict: something is in the way – a name that exists, a folder that is not empty,
//     a link instead of a folder, another type than expected
//   - Denied: permissions, or a file system that is read-only
//   - Full: space, quota or the largest size of a file
//   - Invalid: a path or name that the file system cannot have, another file system
//   - Unavailable: in use, too many open files, a disk that is gone; trying again may help
//   - Internal: the rest, such as EIO
type Dir interface {
	// Stat describes a path.
	Stat(path string) (Stat, error)
	// ReadDir lists a folder by name, without Private. What cannot be looked at is
	// listed with its error; what is gone meanwhile is left out.
	ReadDir(path string) ([]Named, error)
	// Open opens a regular file for reading. Anything else is a Conflict.
	Open(path string) (File, error)
	// Readlink returns the text of a symbolic link.
	Readlink(path string) (string, error)

	// Stage makes an empty file with a new name in Staging.
	Stage() (Staged, error)
	// Place moves an object to a path where nothing is; else Conflict. A file system
	// without such a rename links and unlinks, so for a moment both names exist.
	Place(from, to string) error
	// Exchange swaps two objects. A file system without it has both names at every
	// moment if b is a file; what comes to b in that instant may be overwritten.
	Exchange(a, b string) error
	// Mkdir makes a folder with exactly these permissions; Conflict if the path exists.
	Mkdir(path string, mode fs.FileMode) error
	// Symlink makes a symbolic link; Conflict if the path exists.
	Symlink(target, path string) error
	// Remove removes a file, a link or an empty folder.
	Remove(path string) error
	// RemoveFolder removes an empty folder; a file that came in its place is NotFound.
	RemoveFolder(path string) error
	// Chmod sets the permission bits of a file or folder; links have none.
	Chmod(path string, mode fs.FileMode) error
	// SetTime sets the modification time, of a link its own, and returns what the file
	// system made of it: its range and resolution may be smaller.
	SetTime(path string, mtime time.Time) (time.Time, error)

	// Sync makes the contents, permissions and times of files durable.
	Sync(files []string) error
	// Flush makes the names in folders durable.
	Flush(folders []string) error

	// Quiet reports whether nobody has the file open for writing. That is known only
	// on Linux, for files of this user.
	Quiet(path string) (quiet, known bool, err error)
	// Free returns the bytes that this user may still write, and those of the file system.
	Free() (free, total uint64, err error)
	// Folds reports whether names that differ only in case, or only in Unicode
	// normalization, are the same name.
	Folds() (caseless, normalizes bool, err error)
	// Mark returns the random ID that the directory got when it was added. Unavailable:
	// the path has no mark, or names another directory now (a disk is not mounted).
	Mark() (string, error)
	// Watch calls o.Changed with what changed, until ctx ends; it returns its error.
	Watch(ctx context.Context, o WatchOptions) error
	// Close ends the use, and releases the lock.
	Close() error
}

// Stat is what the file system says of an object.
type Stat struct {
	Type       fs.FileMode // type bits; 0: a regular file
	Mode       fs.FileMode // permission bits, without setuid, setgid and sticky
	Size       int64       // bytes; of a link: of its text
	ModTime    time.Time
	ChangeTime time.Time // zero where unknown
	Born       time.Time // zero where unknown
	Inode      uint64    // 0 where unknown
	Device     uint64
	Links      uint64 // number of hard links
	Allocated  int64  // bytes on the disk: fewer than Size if sparse
}

// IsDir reports whether it is a folder.
func (s Stat) IsDir() bool { return s.Type == fs.ModeDir }

// IsFile reports whether it is a regular file.
func (s Stat) IsFile() bool { return s.Type == 0 }

// IsLink reports whether it is a symbolic link.
func (s Stat) IsLink() bool { return s.Type == fs.ModeSymlink }

// Unchanged reports whether nothing says that the object was written, replaced or given
// other attributes between two stats. A rename changes ChangeTime on most file systems.
func (s Stat) Unchanged(o Stat) bool {
	return s.SameContent(o) && s.Mode == o.Mode && s.ChangeTime.Equal(o.ChangeTime)
}

// SameContent is Unchanged apart from permissions and ChangeTime: it survives a rename
// and a chmod, and misses a write whose author set the time back.
func (s Stat) SameContent(o Stat) bool {
	return s.SameObject(o) && s.Size == o.Size && s.ModTime.Equal(o.ModTime)
}

// SameObject reports whether both are of one object: the same device, inode, type and
// time of birth, since inodes are used again at once.
func (s Stat) SameObject(o Stat) bool {
	return s.Device == o.Device && s.Inode == o.Inode && s.Type == o.Type && s.Born.Equal(o.Born)
}

// Named is an object in a folder.
type Named struct {
	Name string
	Stat
	Err error // why the object could not be looked at; then Stat is empty
}

// File is a regular file open for reading. ReadAt may be called at once.
type File interface {
	io.Reader
	io.ReaderAt
	io.Closer
	// Stat describes the open file, whatever has its name now.
	Stat() (Stat, error)
}

// Staged is a new file in Staging. Aligned blocks of 4 KiB of zeros become holes.
type Staged interface {
	io.Writer
	// Path is for Place, Exchange, Sync and Remove.
	Path() string
	// Finish ends the writing and sets permissions and time. What the file system made
	// of the time is in the result.
	Finish(mode fs.FileMode, mtime time.Time) (Stat, error)
	// Discard closes and removes the file, unless it is finished; then it does nothing.
	Discard()
}

// WatchOptions say how to watch a directory.
type WatchOptions struct {
	Wait    time.Duration            // quiet time before a report; after ten times as long it is made anyway
	Skip    func(folder string) bool // folders not to be watched; nil: none
	Changed func(Changes)            // called one at a time, first with All when the watches are in place
}

// Changes say where to look.
type Changes struct {
	All       bool             // anywhere: events were lost, or it is the first report
	Folders   map[string]bool  // entries were made, removed or changed in these, not below them
	Unwatched map[string]error // folders that could not be watched: the limit is reached, or no permission
}
