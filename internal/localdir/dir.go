// Package localdir is a directory of this machine, as it is kept in step.
package localdir

import (
	"context"
	"io"
	"io/fs"
	"time"
)

// Own is the folder of this program's own in a directory.
const Own = ".moot"

// Stat of a name.
type Stat struct {
	Type, Mode                fs.FileMode
	Size                      int64
	ModTime, ChangeTime, Born time.Time
	Inode, Device, Links      uint64
}

// Unchanged reports whether a name is as it was.
func (s Stat) Unchanged(o Stat) bool {
	return s.Type == o.Type && s.Size == o.Size && s.ModTime.Equal(o.ModTime) && s.ChangeTime.Equal(o.ChangeTime) && s.Inode == o.Inode && s.Mode == o.Mode
}

// Named is a name and its Stat.
type Named struct {
	Name string
	Stat Stat
	Err  error
}

// File is open.
type File interface {
	io.Reader
	io.ReaderAt
	io.Closer
	Stat() (Stat, error)
}

// Staged is being written.
type Staged interface {
	io.Writer
	Name() string
	Finish(mode fs.FileMode, modified time.Time) error
	Discard() error
}

// Dir is a directory.
type Dir interface {
	Stat(path string) (Stat, error)
	ReadDir(path string) ([]Named, error)
	Open(path string) (File, error)
	Readlink(path string) (string, error)
	Stage() (Staged, error)
	Aside() string
	Place(from, to string) error
	Exchange(a, b string) error
	Mkdir(path string, mode fs.FileMode) error
	Symlink(target, path string) error
	Remove(path string) error
	Chmod(path string, mode fs.FileMode) error
	SetTime(path string, modified time.Time) error
	Sync(staged []string) error
	Flush(folders []string) error
	Quiet(path string) (quiet, known bool)
	Free() (free, total uint64, err error)
	Folds() (caseless, normal bool)
	Mark() (string, error)
	Lock() error
	Watch(ctx context.Context, changed func(dirs map[string]bool, all bool)) error
	Close() error
}

// Open opens a directory.
func Open(path string) (Dir, error) { return open(path) }
