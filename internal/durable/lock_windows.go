package durable

import (
	"os"

	"golang.org/x/sys/windows"

	"github.com/mootspace/moot"
)

// Lock makes a file and excludes other processes, and other callers in this one, until it
// is closed or this process ends. Kind Unavailable if it is locked.
func Lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	flags := uint32(windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY)
	if err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped)); err != nil {
		f.Close()
		return nil, moot.Errorf(moot.Unavailable, "it is in use by another process (%s is locked)", path)
	}
	return f, nil
}
