package durable

import (
	"math"

	"golang.org/x/sys/windows"
)

// FreeSpace returns how many bytes may still be written below a directory.
func FreeSpace(dir string) (int64, error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	err = windows.GetDiskFreeSpaceEx(path, &free, nil, nil)
	return int64(min(free, math.MaxInt64)), err
}
