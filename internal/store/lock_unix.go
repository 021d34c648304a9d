//go:build unix

package store

import (
	"os"
	"path/filepath"
	"syscall"

	"github.com/mootspace/moot"
)

// lockFolder excludes other processes from the folder until the lock is closed or this
// process ends. Kind Unavailable if another process holds it.
func lockFolder(folder string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(folder, ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, moot.Errorf(moot.Unavailable, "the home is in use by another process (%s is locked)", f.Name())
	}
	return f, nil
}
