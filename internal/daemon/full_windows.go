package daemon

import (
	"errors"
	"syscall"
)

// isFull reports whether a system call failed because the disk is full.
func isFull(err error) bool {
	const diskFull = syscall.Errno(112) // ERROR_DISK_FULL
	return errors.Is(err, diskFull)
}
