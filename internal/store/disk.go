package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// disk is as much of a file system as blobs need. There are two: a directory and
// memory. Names are relative and slash separated; parents are made as needed. The
// errors are those of package os; fs.ErrNotExist is the only one that is looked at
// by callers other than diskError.
type disk interface {
	create(name string) (file, error) // a new, empty file, replacing what was there
	edit(name string) (file, error)   // an existing file, for reading and writing
	open(name string) (file, error)   // an existing file, for reading
	rename(from, to string) error     // replaces to
	remove(name string) error         // no error if there is none
	syncDir(name string) error        // makes renames and removals in it durable
	list(dir string) ([]string, error)
	// giveAway renames a file to a path outside, in place of what is there; or else
	// changes nothing.
	giveAway(name, path string, mode os.FileMode, modified time.Time) error
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

// diskError gives an error of the operating system its kind: Full if the space or
// a quota is used up, NotFound, else Internal.
func diskError(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case isMoot(err), moot.KindOf(err) == moot.Unavailable:
		return moot.Wrap(op, err)
	case durable.IsFull(err):
		return moot.Wrap(op, moot.Errorf(moot.Full, "no space is left on the disk that holds it: %w", err))
	case errors.Is(err, fs.ErrNotExist):
		return moot.Wrap(op, moot.Errorf(moot.NotFound, "%w", err))
	}
	return moot.Wrap(op, moot.Errorf(moot.Internal, "%w", err))
}

// isMoot reports whether somebody gave the error a kind already.
func isMoot(err error) bool {
	var e *moot.Error
	var kind moot.ErrorKind
	return errors.As(err, &e) || errors.As(err, &kind)
}
