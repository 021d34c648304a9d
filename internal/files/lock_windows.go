package files

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock takes a file for this process; false if another holds it.
func lock(f *os.File) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

// release removes a directory and the lock in it, which cannot be removed while it is open.
func release(dir string, locked *os.File) error {
	return errors.Join(locked.Close(), removeAll(dir))
}
