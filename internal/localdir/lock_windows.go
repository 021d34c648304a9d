package localdir

import (
	"os"

	"golang.org/x/sys/windows"
)

// lock excludes other processes until the file is closed or this process ends.
func lock(f *os.File) error {
	flags := uint32(windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY)
	return windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
}
