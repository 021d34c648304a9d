// Package durable makes file names durable and classifies errors of the file system: a
// full disk is not a broken one. It must not know what the files contain.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"github.com/mootspace/moot"
)

// SyncFolder makes the names in a folder durable (see "All File Systems Are Not
// Created Equal", Pillai et al., OSDI 2014: a rename is not, until then).
func SyncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// windowsFull is ERROR_DISK_FULL.
const windowsFull = syscall.Errno(112)

// IsFull reports whether a system call failed because the space, a quota or the
// largest size of a file is used up.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) ||
		runtime.GOOS == "windows" && errors.Is(err, windowsFull)
}

// Error gives an error of the file system its kind – Full, NotFound, else Internal. An
// error that has a kind retains it. Error of nil is nil. One of kind Full names no path: other
// nodes read it.
func Error(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case hasKind(err), moot.KindOf(err) == moot.Unavailable:
		return moot.Wrap(op, err)
	case IsFull(err):
		return moot.Wrap(op, moot.Errorf(moot.Full, "no space is left on the disk that holds it: %w", bare(err)))
	case errors.Is(err, fs.ErrNotExist):
		return moot.Wrap(op, moot.Errorf(moot.NotFound, "%w", err))
	}
	return moot.Wrap(op, moot.Errorf(moot.Internal, "%w", err))
}

// bare returns the error of the system call.
func bare(err error) error {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number
	}
	return err
}

// hasKind reports whether the error has a kind already.
func hasKind(err error) bool {
	var e *moot.Error
	var kind moot.ErrorKind
	return errors.As(err, &e) || errors.As(err, &kind)
}
