package localdir

import (
	"io/fs"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// fill adds what the system knows beyond the standard library.
func (s *Stat) fill(info fs.FileInfo) {
	x, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	s.ChangeTime = time.Unix(x.Ctimespec.Unix())
	s.Born = time.Unix(x.Birthtimespec.Unix())
	s.Inode, s.Device, s.Links = x.Ino, uint64(x.Dev), uint64(x.Nlink)
	s.Allocated = x.Blocks * 512
}

// Free returns the bytes that this user may still write, and those of the file system.
func (r *Root) Free() (free, total uint64, err error) {
	var s unix.Statfs_t
	err = unix.Fstatfs(int(r.dir.Fd()), &s)
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), failure("measure", r.path, err)
}
