package localdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// failure gives an error of the file system its kind (see Dir) and names what failed.
// An error that has a kind retains it; failure of nil is nil.
func failure(op, path string, err error) error {
	var has *moot.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &has) && has.Op != "":
		return err
	case has != nil:
		return moot.Wrap(fmt.Sprintf("%s %q", op, path), err)
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno // the path comes once
	}
	return moot.Wrap(fmt.Sprintf("%s %q", op, path), moot.Errorf(kindOf(err), "%w", err))
}

// kindOf is the kind of a system error.
func kindOf(err error) moot.ErrorKind {
	is := func(codes ...syscall.Errno) bool {
		for _, code := range codes {
			if errors.Is(err, code) {
				return true
			}
		}
		return false
	}
	switch {
	case durable.IsFull(err):
		return moot.Full
	case errors.Is(err, fs.ErrNotExist), is(syscall.ENOTDIR):
		return moot.NotFound
	case errors.Is(err, fs.ErrExist), is(syscall.ENOTEMPTY, syscall.ELOOP, syscall.EISDIR):
		return moot.Conflict
	case errors.Is(err, fs.ErrPermission), is(syscall.EROFS):
		return moot.Denied
	case is(syscall.EINVAL, syscall.ENAMETOOLONG, syscall.EILSEQ, syscall.EXDEV, syscall.EMLINK):
		return moot.Invalid
	case is(syscall.EAGAIN, syscall.EBUSY, syscall.ETXTBSY, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENODEV, syscall.ENXIO),
		errors.Is(err, os.ErrClosed):
		return moot.Unavailable
	}
	return moot.Internal
}

// Objects of another type than expected: somebody replaced them.
var (
	errNotRegular = moot.Errorf(moot.Conflict, "it is no regular file")
	errNoLink     = moot.Errorf(moot.Conflict, "it is no symbolic link")
	errLink       = moot.Errorf(moot.Conflict, "it is a symbolic link")
)

// regular refuses what is no regular file.
func regular(s Stat, err error) error {
	if err == nil && !s.IsFile() {
		return errNotRegular
	}
	return err
}
