package localdir

import (
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

const (
	nonblock  = 0
	fileFlush = os.O_RDWR
)

// fill adds nothing: a listing has no more.
func (s *Stat) fill(fs.FileInfo) {}

// Free returns the bytes that this user may still write, and those of the file system.
func (r *Root) Free() (free, total uint64, err error) {
	path, err := windows.UTF16PtrFromString(r.path)
	if err == nil {
		err = windows.GetDiskFreeSpaceEx(path, &free, &total, nil)
	}
	return free, total, failure("measure", r.path, err)
}
