package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path"

	"github.com/tetratelabs/wazero/experimental/sys"
	wsys "github.com/tetratelabs/wazero/sys"
)

// folder is a folder of the host as a module sees it. An os.Root confines every path, and
// there are no links. It shows no times and no owners: a module sees the same on every host.
type folder struct {
	sys.UnimplementedFS // links, times and modes
	host                *hostDir
	meter               *meter
	writable            bool
}

var _ sys.FS = (*folder)(nil)

// hostDir is a folder of the host that need not exist before something is written to it.
type hostDir struct {
	path string // "" is always empty
	root *os.Root
}

// open returns the folder; Kind of fs.ErrNotExist if it does not exist.
func (h *hostDir) open() (*os.Root, error) {
	if h.root != nil {
		return h.root, nil
	}
	if h.path == "" {
		return nil, fs.ErrNotExist
	}
	var err error
	h.root, err = os.OpenRoot(h.path)
	return h.root, err
}

// make returns the folder, made if necessary.
func (h *hostDir) make() (*os.Root, error) {
	root, err := h.open()
	if h.path == "" || !errors.Is(err, fs.ErrNotExist) {
		return root, err
	}
	if err := os.MkdirAll(h.path, 0o700); err != nil {
		return nil, err
	}
	return h.open()
}

func (h *hostDir) close() {
	if h.root != nil {
		h.root.Close() // what was read and written is known
	}
}

// inside is a path as os.Root takes it.
func inside(p string) string { return path.Clean("./" + p) }

// OpenFile implements sys.FS.
func (d *folder) OpenFile(p string, flag sys.Oflag, _ fs.FileMode) (sys.File, sys.Errno) {
	mode, writes := openMode(flag)
	if writes && !d.writable {
		return nil, sys.EROFS
	}
	p = inside(p)
	d.meter.opens()
	f, err := d.open(p, mode)
	if p == "." && errors.Is(err, fs.ErrNotExist) { // it is empty
		return d.newFile(nil, p, true, flag), 0
	}
	if err != nil {
		d.meter.open.Add(-1)
		return nil, errno(err)
	}
	opened, e := d.opened(f, p, flag)
	if e != 0 {
		d.meter.open.Add(-1)
		f.Close()
		return nil, e
	}
	return opened, 0
}

func (d *folder) opened(f *os.File, p string, flag sys.Oflag) (sys.File, sys.Errno) {
	info, err := f.Stat()
	if err != nil {
		return nil, errno(err)
	}
	dir := info.IsDir()
	switch {
	case !dir && !info.Mode().IsRegular():
		return nil, sys.EPERM
	case !dir && flag&sys.O_DIRECTORY != 0:
		return nil, sys.ENOTDIR
	}
	return d.newFile(f, p, dir, flag), 0
}

// open opens a file of the host, and counts it if it is made.
func (d *folder) open(p string, mode int) (*os.File, error) {
	makes, find := mode&os.O_CREATE != 0, d.host.open
	if makes {
		find = d.host.make
	}
	root, err := find()
	if err != nil {
		return nil, err
	}
	if makes {
		if _, err := root.Lstat(p); errors.Is(err, fs.ErrNotExist) {
			d.meter.make()
		}
	}
	return root.OpenFile(p, mode, 0o600)
}

func (d *folder) newFile(f *os.File, p string, dir bool, flag sys.Oflag) *file {
	opened := &file{f: f, name: p, dir: dir, appends: flag&sys.O_APPEND != 0, meter: d.meter, host: d.host}
	opened.of = opened
	return opened
}

// openMode turns flags into those of package os.
func openMode(flag sys.Oflag) (mode int, writes bool) {
	switch flag & (sys.O_RDONLY | sys.O_RDWR | sys.O_WRONLY) {
	case sys.O_RDWR:
		mode, writes = os.O_RDWR, true
	case sys.O_WRONLY:
		mode, writes = os.O_WRONLY, true
	}
	for of, to := range map[sys.Oflag]int{sys.O_CREAT: os.O_CREATE, sys.O_EXCL: os.O_EXCL, sys.O_TRUNC: os.O_TRUNC} {
		if flag&of != 0 {
			mode, writes = mode|to, true
		}
	}
	return mode, writes
}

// Lstat implements sys.FS.
func (d *folder) Lstat(p string) (wsys.Stat_t, sys.Errno) {
	p = inside(p)
	root, err := d.host.open()
	if p == "." && errors.Is(err, fs.ErrNotExist) {
		return emptyStat(p), 0
	}
	if err != nil {
		return wsys.Stat_t{}, errno(err)
	}
	info, err := root.Lstat(p)
	if err != nil {
		return wsys.Stat_t{}, errno(err)
	}
	return stat(p, info), 0
}

// Stat implements sys.FS.
func (d *folder) Stat(p string) (wsys.Stat_t, sys.Errno) { return d.Lstat(p) }

// Mkdir implements sys.FS.
func (d *folder) Mkdir(p string, _ fs.FileMode) sys.Errno {
	if !d.writable {
		return sys.EROFS
	}
	d.meter.make()
	root, err := d.host.make()
	if err != nil {
		return errno(err)
	}
	return errno(root.Mkdir(inside(p), 0o700))
}

// Rename implements sys.FS.
func (d *folder) Rename(from, to string) sys.Errno {
	if !d.writable {
		return sys.EROFS
	}
	root, err := d.host.open()
	if err != nil {
		return errno(err)
	}
	return errno(root.Rename(inside(from), inside(to)))
}

// Rmdir implements sys.FS.
func (d *folder) Rmdir(p string) sys.Errno { return d.remove(p, true) }

// Unlink implements sys.FS.
func (d *folder) Unlink(p string) sys.Errno { return d.remove(p, false) }

func (d *folder) remove(p string, dir bool) sys.Errno {
	if !d.writable {
		return sys.EROFS
	}
	root, err := d.host.open()
	if err != nil {
		return errno(err)
	}
	info, err := root.Lstat(inside(p))
	switch {
	case err != nil:
		return errno(err)
	case dir && !info.IsDir():
		return sys.ENOTDIR
	case !dir && info.IsDir():
		return sys.EISDIR
	}
	return errno(root.Remove(inside(p)))
}

// Utimens implements sys.FS: it does nothing, because there are no times.
func (d *folder) Utimens(string, int64, int64) sys.Errno { return 0 }

// Chmod implements sys.FS: it does nothing, because there are no modes.
func (d *folder) Chmod(string, fs.FileMode) sys.Errno { return 0 }

// stat is the metadata of a file in a module: the same on every host.
func stat(p string, info fs.FileInfo) wsys.Stat_t {
	st := wsys.Stat_t{Ino: inode(p), Nlink: 1, Mode: info.Mode().Type() | 0o644}
	if info.IsDir() {
		st.Mode |= 0o111
	} else {
		st.Size = info.Size()
	}
	return st
}

// emptyStat is the metadata of a folder that does not exist on the host yet.
func emptyStat(p string) wsys.Stat_t {
	return wsys.Stat_t{Ino: inode(p), Nlink: 1, Mode: fs.ModeDir | 0o755}
}

// inode numbers files by their paths (FNV-1a).
func inode(p string) wsys.Inode {
	h := uint64(14695981039346656037)
	for i := range len(p) {
		h = (h ^ uint64(p[i])) * 1099511628211
	}
	return h | 1 // never 0, which means unknown
}

// errno converts an error of the host.
func errno(err error) sys.Errno {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, fs.ErrNotExist):
		return sys.ENOENT
	case errors.Is(err, fs.ErrExist):
		return sys.EEXIST
	case errors.Is(err, fs.ErrPermission):
		return sys.EACCES
	case errors.Is(err, fs.ErrClosed):
		return sys.EBADF
	}
	var number sys.Errno
	if e := sys.UnwrapOSError(err); e != 0 {
		number = e
	}
	if number == 0 || number == sys.EIO {
		return sys.EPERM // as for a path that leads outside
	}
	return number
}
