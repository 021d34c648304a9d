package store

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"

	"github.com/mootspace/moot"
)

// lockFolder excludes other processes from the folder until the lock is closed or this
// process ends. Kind Unavailable if another process holds it.
func lockFolder(folder string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(folder, ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	flags := uint32(windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY)
	if err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped)); err != nil {
		f.Close()
		return nil, moot.Errorf(moot.Unavailable, "the home is in use by another process (%s is locked)", f.Name())
	}
	return f, nil
}
