package localdir

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// at2 calls do with the folders and last elements of two paths.
func (r *Root) at2(op, a, b string, do func(folderA int, a string, folderB int, b string) error) error {
	var inner error
	outer := r.at(op, a, func(folderA int, nameA string) error {
		inner = r.at(op, b, func(folderB int, nameB string) error { return do(folderA, nameA, folderB, nameB) })
		return nil
	})
	if outer != nil {
		return outer
	}
	return inner
}

// rename2 renames with flags; it reports whether the system and the file system can.
func (r *Root) rename2(op, a, b string, flags uint) (can bool, err error) {
	can = !r.plain
	if !can {
		return false, nil
	}
	err = r.at2(op, a, b, func(folderA int, nameA string, folderB int, nameB string) error {
		err := unix.Renameat2(folderA, nameA, folderB, nameB, flags)
		if err == unix.EINVAL || err == unix.ENOSYS || err == unix.ENOTSUP {
			can = false
		}
		return err
	})
	return can, err
}

// Place moves an object to a path where nothing is.
func (r *Root) Place(from, to string) error {
	if can, err := r.rename2("place", from, to, unix.RENAME_NOREPLACE); can {
		return err
	}
	return r.placePlain(from, to)
}

// Exchange swaps two objects.
func (r *Root) Exchange(a, b string) error {
	if can, err := r.rename2("exchange", a, b, unix.RENAME_EXCHANGE); can {
		return err
	}
	return r.exchangePlain(a, b)
}

// rename moves an object, and replaces what is there.
func (r *Root) rename(from, to string) error {
	return r.at2("rename", from, to, func(folderA int, a string, folderB int, b string) error {
		return unix.Renameat(folderA, a, folderB, b)
	})
}

// link gives a file another name.
func (r *Root) link(from, to string) error {
	return r.at2("link", from, to, func(folderA int, a string, folderB int, b string) error {
		return unix.Linkat(folderA, a, folderB, b, 0)
	})
}

// Mkdir makes a folder with exactly these permissions.
func (r *Root) Mkdir(path string, mode fs.FileMode) error {
	return r.at("make folder", path, func(folder int, name string) error {
		if err := unix.Mkdirat(folder, name, uint32(mode.Perm())); err != nil {
			return err
		}
		return chmodAt(folder, name, mode)
	})
}

// Symlink makes a symbolic link.
func (r *Root) Symlink(target, path string) error {
	return r.at("link", path, func(folder int, name string) error { return unix.Symlinkat(target, folder, name) })
}

// Remove removes a file, a link or an empty folder.
func (r *Root) Remove(path string) error {
	return r.at("remove", path, func(folder int, name string) error {
		err := unix.Unlinkat(folder, name, 0)
		if err == unix.EISDIR {
			err = unix.Unlinkat(folder, name, unix.AT_REMOVEDIR)
		}
		return err
	})
}

// RemoveFolder removes an empty folder, and nothing else.
func (r *Root) RemoveFolder(path string) error {
	return r.at("remove", path, func(folder int, name string) error { return unix.Unlinkat(folder, name, unix.AT_REMOVEDIR) })
}

// Chmod sets the permission bits.
func (r *Root) Chmod(path string, mode fs.FileMode) error {
	return r.at("chmod", path, func(folder int, name string) error { return chmodAt(folder, name, mode) })
}

// chmodAt sets the permission bits of a name. A folder retains setgid and sticky, which
// say how it is shared.
func chmodAt(folder int, name string, mode fs.FileMode) error {
	fd, err := unix.Openat(folder, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var now unix.Stat_t
	if err := unix.Fstat(fd, &now); err != nil {
		return err
	}
	bits := uint32(mode.Perm())
	switch typeOf(now.Mode) {
	case fs.ModeSymlink:
		return errLink
	case fs.ModeDir:
		bits |= now.Mode & (unix.S_ISGID | unix.S_ISVTX)
	}
	// An open path takes no fchmod; fchmodat2 is of Linux 6.6.
	err = unix.Fchmodat(fd, "", bits, unix.AT_EMPTY_PATH)
	if err == unix.ENOSYS || err == unix.EOPNOTSUPP || err == unix.EINVAL || err == unix.EPERM {
		err = unix.Fchmodat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd), bits, 0)
	}
	return err
}

// SetTime sets the modification time, and returns what the file system made of it.
func (r *Root) SetTime(path string, mtime time.Time) (set time.Time, err error) {
	err = r.at("set time of", path, func(folder int, name string) error {
		times := timesOf(mtime)
		if err := unix.UtimesNanoAt(folder, name, times[:], unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return err
		}
		s, err := statAt(folder, name, 0)
		set = s.ModTime
		return err
	})
	return set, err
}

// syncAll makes everything on the directory's file system durable. It reports whether
// the system can.
func (r *Root) syncAll() (can bool, err error) {
	return true, failure("flush", ".", r.control(func(root int) error {
		return retry(func() error { return unix.Syncfs(root) })
	}))
}

// syncPath makes one file or folder durable.
func (r *Root) syncPath(path string) error {
	return r.at("flush", path, func(folder int, name string) error {
		fd, err := unix.Openat(folder, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return errors.Join(retry(func() error { return unix.Fsync(fd) }), unix.Close(fd))
	})
}

// Quiet asks for a read lease, which Linux grants only if nobody can write, not even
// through a mapping. It is given back at once, since it holds up writers.
func (r *Root) Quiet(path string) (quiet, known bool, err error) {
	f, err := r.openRegular(path)
	if err != nil {
		return false, false, err
	}
	defer f.Close()
	conn, err := f.SyscallConn()
	if err != nil {
		return false, false, failure("open", path, err)
	}
	err = conn.Control(func(fd uintptr) {
		_, lease := unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_RDLCK)
		quiet, known = lease == nil, lease == nil || lease == unix.EAGAIN
		if quiet {
			_, lease = unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_UNLCK)
			quiet = lease == nil
		}
	})
	return quiet, known, failure("open", path, err)
}

// Free returns the bytes that this user may still write, and those of the file system.
func (r *Root) Free() (free, total uint64, err error) {
	var s unix.Statfs_t
	err = r.control(func(root int) error { return retry(func() error { return unix.Fstatfs(root, &s) }) })
	if err == nil && s.Frsize <= 0 {
		err = fmt.Errorf("the file system does not say its size")
	}
	return s.Bavail * uint64(s.Frsize), s.Blocks * uint64(s.Frsize), failure("measure", r.path, err)
}
