package sandbox

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"
	wsys "github.com/tetratelabs/wazero/sys"
)

var _ sys.File = (*file)(nil)

// file is an open file or folder of a module.
type file struct {
	seeker[int64]
	f       *os.File // nil: a folder that did not exist on the host
	host    *hostDir
	name    string
	dir     bool
	appends bool
	meter   *meter

	entries []sys.Dirent // of a folder, sorted; nil: not yet read
	listed  bool
	closed  bool
}

func (f *file) Dev() (uint64, sys.Errno)       { return 0, 0 }
func (f *file) Ino() (wsys.Inode, sys.Errno)   { return inode(f.name), 0 }
func (f *file) IsDir() (bool, sys.Errno)       { return f.dir, 0 }
func (f *file) IsAppend() bool                 { return f.appends }
func (f *file) SetAppend(on bool) sys.Errno    { f.appends = on; return 0 }
func (f *file) Sync() sys.Errno                { return 0 }
func (f *file) Datasync() sys.Errno            { return 0 }
func (f *file) Utimens(int64, int64) sys.Errno { return 0 }

func (f *file) Stat() (wsys.Stat_t, sys.Errno) {
	if f.f == nil {
		return emptyStat(f.name), 0
	}
	info, err := f.f.Stat()
	if err != nil {
		return wsys.Stat_t{}, errno(err)
	}
	return stat(f.name, info), 0
}

func (f *file) Read(p []byte) (int, sys.Errno) {
	if f.dir {
		return 0, sys.EISDIR
	}
	n, err := f.f.Read(p)
	return n, ended(err)
}

func (f *file) Pread(p []byte, at int64) (int, sys.Errno) {
	if f.dir {
		return 0, sys.EISDIR
	}
	n, err := f.f.ReadAt(p, at)
	return n, ended(err)
}

// ended converts an error of a read: the end of the file is none.
func ended(err error) sys.Errno {
	if err == io.EOF {
		return 0
	}
	return errno(err)
}

// seeker is the position in a file. It is generic only so that go vet does not mistake its
// Seek for io.Seeker's.
type seeker[Offset int64] struct{ of *file }

func (s seeker[Offset]) Seek(offset Offset, whence int) (Offset, sys.Errno) {
	f := s.of
	if f.dir {
		if offset == 0 && whence == io.SeekStart {
			f.entries, f.listed = nil, false
			return 0, 0
		}
		return 0, sys.EISDIR
	}
	n, err := f.f.Seek(int64(offset), whence)
	if err != nil {
		return 0, sys.EINVAL
	}
	return Offset(n), 0
}

func (f *file) Write(p []byte) (int, sys.Errno) {
	if f.dir {
		return 0, sys.EISDIR
	}
	whence := io.SeekCurrent
	if f.appends {
		whence = io.SeekEnd
	}
	at, err := f.f.Seek(0, whence)
	if err != nil {
		return 0, errno(err)
	}
	if e := f.grow(at, int64(len(p))); e != 0 {
		return 0, e
	}
	n, err := f.f.Write(p)
	return n, errno(err)
}

func (f *file) Pwrite(p []byte, at int64) (int, sys.Errno) {
	if f.dir {
		return 0, sys.EISDIR
	}
	if e := f.grow(at, int64(len(p))); e != 0 {
		return 0, e
	}
	n, err := f.f.WriteAt(p, at)
	return n, errno(err)
}

// grow counts bytes that are written at an offset, and the gap before them, if any.
func (f *file) grow(at, n int64) sys.Errno {
	info, err := f.f.Stat()
	switch {
	case err != nil:
		return errno(err)
	case at < 0 || at > math.MaxInt64-n:
		return sys.EINVAL
	}
	if gap := at - info.Size(); gap > 0 {
		if n > math.MaxInt64-gap {
			return sys.EINVAL
		}
		n += gap
	}
	f.meter.write(n)
	return 0
}

func (f *file) Truncate(size int64) sys.Errno {
	if f.dir {
		return sys.EISDIR
	}
	info, err := f.f.Stat()
	switch {
	case err != nil:
		return errno(err)
	case size < 0:
		return sys.EINVAL
	case size > info.Size():
		f.meter.write(size - info.Size())
	}
	return errno(f.f.Truncate(size))
}

// Readdir lists a folder in the order of names: the same in every run.
func (f *file) Readdir(n int) ([]sys.Dirent, sys.Errno) {
	if !f.dir {
		return nil, sys.ENOTDIR
	}
	if !f.listed {
		if e := f.list(); e != 0 {
			return nil, e
		}
	}
	if n <= 0 || n > len(f.entries) {
		n = len(f.entries)
	}
	some := f.entries[:n]
	f.entries = f.entries[n:]
	return some, 0
}

func (f *file) list() sys.Errno {
	if f.f == nil { // it may exist by now
		root, err := f.host.open()
		if errors.Is(err, fs.ErrNotExist) {
			f.listed = true
			return 0
		}
		if err == nil {
			f.f, err = root.Open(".")
		}
		if err != nil {
			return errno(err)
		}
	}
	if _, err := f.f.Seek(0, io.SeekStart); err != nil {
		return errno(err)
	}
	found, err := f.f.ReadDir(-1)
	if err != nil {
		return errno(err)
	}
	slices.SortFunc(found, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	f.entries, f.listed = make([]sys.Dirent, len(found)), true
	for i, d := range found {
		f.entries[i] = sys.Dirent{Ino: inode(path.Join(f.name, d.Name())), Name: d.Name(), Type: d.Type()}
	}
	return 0
}

func (f *file) Close() sys.Errno {
	if f.closed {
		return 0
	}
	f.closed = true
	f.meter.open.Add(-1)
	if f.f == nil {
		return 0
	}
	return errno(f.f.Close())
}
