package store

import (
	"io"
	"os"
	"time"
)

// disk is as much of a file system as blobs need. There are two: a directory and
// memory. Names are relative and slash separated; parents are made as needed. The
// errors are those of package os; fs.ErrNotExist is the only one that is looked at
// by callers other than durable.Error.
type disk interface {
	create(name string) (file, error) // a new, empty file, replacing what was there
	edit(name string) (file, error)   // an existing file, for reading and writing
	open(name string) (file, error)   // an existing file, for reading
	rename(from, to string) error     // replaces to
	remove(name string) error         // no error if there is none
	syncDir(name string) error        // makes renames and removals in it durable
	list(dir string) ([]string, error)
	stat(name string) (size int64, used time.Time, err error)
	used(name string) (time.Time, error) // when the file was last written or used
	use(name string, at time.Time) error // sets that
	// moveOut renames a file to a path outside, replacing what is there; on an error
	// nothing has changed.
	moveOut(name, path string, mode os.FileMode, modified time.Time) error
}

// file is an open file of a disk. It stays readable after being renamed or removed.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error
	Truncate(size int64) error
	Size() (int64, error)
}
