//go:build unix

package daemon

import (
	"errors"
	"syscall"
)

// isFull reports whether a system call failed because the disk or a quota is full.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
