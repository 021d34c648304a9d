//go:build unix

package files

import (
	"errors"
	"os"
	"syscall"
)

// lock takes a file for this process; false if another holds it.
func lock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// release removes a directory and then the lock in it, which others may not take before.
func release(dir string, locked *os.File) error {
	return errors.Join(removeAll(dir), locked.Close())
}
