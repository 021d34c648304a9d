// Package durable is what everybody needs who keeps files: making names durable, and
// telling a full disk from a broken one. It must not know what is kept.
package durable

import (
	"errors"
	"os"
	"runtime"
	"syscall"
)

// SyncFolder makes the names in a folder durable (see "All File Systems Are Not
// Created Equal", Pillai et al., OSDI 2014: a rename is not, until then).
func SyncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// windowsFull is ERROR_DISK_FULL.
const windowsFull = syscall.Errno(112)

// IsFull reports whether a system call failed because the space, a quota or the
// largest size of a file is used up.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) ||
		runtime.GOOS == "windows" && errors.Is(err, windowsFull)
}
