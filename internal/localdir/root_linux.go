package localdir

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// at calls do with the folder of a path and its last element.
func (r *Root) at(op, path string, do func(folder int, name string) error) error {
	folder, name, err := split(path)
	if err == nil {
		err = r.inFolder(folder, unix.O_PATH, func(fd int) error {
			return retry(func() error { return do(fd, name) })
		})
	}
	return failure(op, path, err)
}

// inFolder calls do with an open folder.
func (r *Root) inFolder(folder string, flags int, do func(fd int) error) error {
	return r.control(func(root int) error {
		if folder == "" && flags == unix.O_PATH {
			return do(root)
		}
		fd, err := r.openFolder(root, folder, flags)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return do(fd)
	})
}

// control calls do with the directory, which stays open for so long.
func (r *Root) control(do func(root int) error) (err error) {
	if closed := r.conn.Control(func(root uintptr) { err = do(int(root)) }); closed != nil {
		return os.ErrClosed
	}
	return err
}

// openFolder opens a folder without following links.
func (r *Root) openFolder(root int, folder string, flags int) (fd int, err error) {
	flags |= unix.O_DIRECTORY | unix.O_CLOEXEC
	if folder == "" {
		folder = "."
	}
	if !r.plain {
		how := unix.OpenHow{Flags: uint64(flags), Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS}
		fd, err = open2(func() (int, error) { return unix.Openat2(root, folder, &how) })
		// Containers forbid the call, and it does not take long paths.
		if !slices.Contains([]error{unix.ENOSYS, unix.EPERM, unix.ENAMETOOLONG}, err) {
			return fd, err
		}
	}
	return walk(root, strings.Split(folder, "/"), flags)
}

// walk opens a folder element by element.
func walk(root int, elements []string, flags int) (int, error) {
	at := root
	for i, element := range elements {
		mode := unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
		if i == len(elements)-1 {
			mode = flags | unix.O_NOFOLLOW
		}
		fd, err := open2(func() (int, error) { return unix.Openat(at, element, mode, 0) })
		if err == unix.ENOTDIR && isLink(at, element) {
			err = unix.ELOOP
		}
		if at != root {
			_ = unix.Close(at) // it was only looked through
		}
		if err != nil {
			return -1, err
		}
		at = fd
	}
	return at, nil
}

func isLink(folder int, name string) bool {
	s, err := statAt(folder, name, 0)
	return err == nil && s.IsLink()
}

// retry repeats a system call that a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

func open2(call func() (int, error)) (fd int, err error) {
	err = retry(func() (err error) { fd, err = call(); return err })
	return fd, err
}

// Stat describes a path.
func (r *Root) Stat(path string) (s Stat, err error) {
	err = r.at("stat", path, func(folder int, name string) (err error) {
		s, err = statAt(folder, name, 0)
		return err
	})
	return s, err
}

// statAt describes a name in an open folder; with unix.AT_EMPTY_PATH and no name, the
// open file.
func statAt(folder int, name string, flags int) (Stat, error) {
	var x unix.Statx_t
	flags |= unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT
	if err := unix.Statx(folder, name, flags, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &x); err != nil {
		return Stat{}, err
	}
	s := Stat{
		Type:       typeOf(uint32(x.Mode)),
		Mode:       fs.FileMode(x.Mode) & fs.ModePerm,
		Size:       int64(x.Size),
		ModTime:    time.Unix(x.Mtime.Sec, int64(x.Mtime.Nsec)),
		ChangeTime: time.Unix(x.Ctime.Sec, int64(x.Ctime.Nsec)),
		Inode:      x.Ino,
		Device:     unix.Mkdev(x.Dev_major, x.Dev_minor),
		Links:      uint64(x.Nlink),
		Allocated:  int64(x.Blocks) * 512,
	}
	if x.Mask&unix.STATX_BTIME != 0 {
		s.Born = time.Unix(x.Btime.Sec, int64(x.Btime.Nsec))
	}
	return s, nil
}

func typeOf(mode uint32) fs.FileMode {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return 0
	case unix.S_IFDIR:
		return fs.ModeDir
	case unix.S_IFLNK:
		return fs.ModeSymlink
	case unix.S_IFIFO:
		return fs.ModeNamedPipe
	case unix.S_IFSOCK:
		return fs.ModeSocket
	case unix.S_IFCHR:
		return fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFBLK:
		return fs.ModeDevice
	}
	return fs.ModeIrregular
}

// ReadDir lists a folder by name.
func (r *Root) ReadDir(path string) (list []Named, err error) {
	_, name, err := split(path)
	if err == nil {
		top := name == "."
		if top {
			path = ""
		}
		err = r.inFolder(path, unix.O_RDONLY, func(fd int) (err error) {
			list, err = listAt(fd, top)
			return err
		})
	}
	return list, failure("list", path, err)
}

// listAt lists an open folder.
func listAt(fd int, top bool) ([]Named, error) {
	var names []string
	buf := make([]byte, 32<<10)
	for {
		n, err := open2(func() (int, error) { return unix.ReadDirent(fd, buf) })
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			break
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
	slices.Sort(names)
	list := make([]Named, 0, len(names))
	for _, name := range names {
		if top && name == Private {
			continue
		}
		var s Stat
		err := retry(func() (err error) { s, err = statAt(fd, name, 0); return err })
		if err != unix.ENOENT {
			list = append(list, Named{Name: name, Stat: s, Err: failure("stat", name, err)})
		}
	}
	return list, nil
}

// Readlink returns the text of a symbolic link.
func (r *Root) Readlink(path string) (target string, err error) {
	err = r.at("read link", path, func(folder int, name string) error {
		for buf := make([]byte, 256); ; buf = make([]byte, 2*len(buf)) {
			n, err := unix.Readlinkat(folder, name, buf)
			if err == unix.EINVAL { // no link
				return errNoLink
			}
			if err != nil || n < len(buf) {
				target = string(buf[:max(n, 0)])
				return err
			}
		}
	})
	return target, err
}

// openRegular opens a regular file for reading. It looks before, since opening a FIFO
// has an effect on who writes to it, and after.
func (r *Root) openRegular(path string) (f *os.File, err error) {
	err = r.at("open", path, func(folder int, name string) error {
		if err := regular(statAt(folder, name, 0)); err != nil {
			return err
		}
		fd, err := unix.Openat(folder, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		if err := regular(statAt(fd, "", unix.AT_EMPTY_PATH)); err != nil {
			return errors.Join(err, unix.Close(fd))
		}
		f = os.NewFile(uintptr(fd), path)
		return nil
	})
	return f, err
}

// create makes an empty file for writing.
func (r *Root) create(path string) (f *os.File, err error) {
	err = r.at("make", path, func(folder int, name string) error {
		fd, err := unix.Openat(folder, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
		if err == nil {
			f = os.NewFile(uintptr(fd), path)
		}
		return err
	})
	return f, err
}

// statFile describes an open file.
func statFile(f *os.File) (s Stat, err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return Stat{}, err
	}
	if closed := conn.Control(func(fd uintptr) { s, err = statAt(int(fd), "", unix.AT_EMPTY_PATH) }); closed != nil {
		return Stat{}, os.ErrClosed
	}
	return s, err
}

// timesOf leaves the time of access alone. Systems of 32 bits clamp the other.
func timesOf(mtime time.Time) [2]unix.Timespec {
	spec, err := unix.TimeToTimespec(mtime)
	if err != nil && mtime.Unix() < 0 {
		spec.Sec = -1 << 31
	} else if err != nil {
		spec.Sec = 1<<31 - 1
	}
	return [2]unix.Timespec{{Nsec: unix.UTIME_OMIT}, spec}
}
