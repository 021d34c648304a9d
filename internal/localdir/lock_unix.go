//go:build unix

package localdir

import (
	"os"
	"syscall"
)

// lock excludes other processes until the file is closed or this process ends.
func lock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
