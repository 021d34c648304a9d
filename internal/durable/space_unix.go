//go:build linux || darwin || freebsd

package durable

import (
	"math"

	"golang.org/x/sys/unix"
)

// FreeSpace returns how many bytes may still be written below a directory.
func FreeSpace(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	blocks, size := uint64(max(st.Bavail, 0)), uint64(st.Bsize)
	if blocks > math.MaxInt64/max(size, 1) {
		return math.MaxInt64, nil
	}
	return int64(blocks * size), nil
}
