//go:build unix

package sandbox

import "golang.org/x/sys/unix"

// reserve returns zeroed memory that is not resident until it is written.
func reserve(size int) ([]byte, error) {
	if size == 0 {
		return []byte{}, nil
	}
	return unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|noReserve)
}

func release(b []byte) {
	if len(b) > 0 {
		_ = unix.Munmap(b) // fails for what reserve did not return
	}
}
