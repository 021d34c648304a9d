//go:build unix

package durable

import (
	"os"
	"syscall"

	"github.com/mootspace/moot"
)

// Lock makes a file and excludes other processes, and other callers in this one, until it
// is closed or this process ends. Kind Unavailable if it is locked.
func Lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, moot.Errorf(moot.Unavailable, "it is in use by another process (%s is locked)", path)
	}
	return f, nil
}
