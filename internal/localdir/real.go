package localdir

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fsnotify/fsnotify"
	"github.com/mootspace/moot"
)

type real struct {
	root string
	next atomic.Uint64
	pre  string
}

func kinded(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
		return moot.Errorf(moot.NotFound, "%s: %w", op, err)
	case errors.Is(err, fs.ErrExist), errors.Is(err, unix.ENOTEMPTY):
		return moot.Errorf(moot.Conflict, "%s: %w", op, err)
	case errors.Is(err, fs.ErrPermission):
		return moot.Errorf(moot.Denied, "%s: %w", op, err)
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return moot.Errorf(moot.Full, "%s: %w", op, err)
	}
	return moot.Errorf(moot.Internal, "%s: %w", op, err)
}

func open(p string) (Dir, error) {
	if err := os.MkdirAll(filepath.Join(p, Own, "staging"), 0o700); err != nil {
		return nil, kinded("open", err)
	}
	b := make([]byte, 4)
	_, _ = rand.Read(b)
	return &real{root: p, pre: hex.EncodeToString(b)}, nil
}

func (r *real) abs(p string) string { return filepath.Join(r.root, filepath.FromSlash(p)) }

func statAt(dirfd int, p string) (Stat, error) {
	var x unix.Statx_t
	if err := unix.Statx(dirfd, p, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &x); err != nil {
		return Stat{}, kinded("stat", err)
	}
	return statOf(&x), nil
}

func statOf(x *unix.Statx_t) Stat {
	at := func(t unix.StatxTimestamp) time.Time { return time.Unix(t.Sec, int64(t.Nsec)) }
	s := Stat{Mode: fs.FileMode(x.Mode & 0o777), Size: int64(x.Size), ModTime: at(x.Mtime), ChangeTime: at(x.Ctime), Born: at(x.Btime),
		Inode: x.Ino, Device: uint64(x.Dev_major)<<32 | uint64(x.Dev_minor), Links: uint64(x.Nlink)}
	switch x.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		s.Type = fs.ModeDir
	case unix.S_IFLNK:
		s.Type = fs.ModeSymlink
	default:
		s.Type = fs.ModeIrregular
	}
	return s
}

func (r *real) Stat(p string) (Stat, error) { return statAt(unix.AT_FDCWD, r.abs(p)) }

func (r *real) ReadDir(p string) ([]Named, error) {
	f, err := os.Open(r.abs(p))
	if err != nil {
		return nil, kinded("read", err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, kinded("read", err)
	}
	var list []Named
	for _, n := range names {
		s, err := statAt(int(f.Fd()), n)
		if moot.KindOf(err) == moot.NotFound {
			continue
		}
		list = append(list, Named{n, s, err})
	}
	return list, nil
}

type realFile struct{ *os.File }

func (f realFile) Stat() (Stat, error) {
	var x unix.Statx_t
	if err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &x); err != nil {
		return Stat{}, kinded("stat", err)
	}
	return statOf(&x), nil
}

func (r *real) Open(p string) (File, error) {
	f, err := os.OpenFile(r.abs(p), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, kinded("open", err)
	}
	return realFile{f}, nil
}

func (r *real) Readlink(p string) (string, error) {
	s, err := os.Readlink(r.abs(p))
	return s, kinded("readlink", err)
}

type staged struct {
	*os.File
	r    *real
	name string
}

func (r *real) Aside() string {
	return path.Join(Own, "staging", r.pre+"-"+hex.EncodeToString([]byte{byte(r.next.Add(1) >> 24), byte(r.next.Load() >> 16), byte(r.next.Load() >> 8), byte(r.next.Load())}))
}

func (r *real) Stage() (Staged, error) {
	name := r.Aside()
	f, err := os.OpenFile(r.abs(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, kinded("stage", err)
	}
	return staged{f, r, name}, nil
}

func (s staged) Name() string { return s.name }
func (s staged) Finish(mode fs.FileMode, t time.Time) error {
	err := s.Chmod(mode)
	if err == nil {
		err = s.Close()
	}
	if err == nil {
		err = s.r.SetTime(s.name, t)
	}
	return kinded("finish", err)
}
func (s staged) Discard() error { s.Close(); return os.Remove(s.r.abs(s.name)) }

func (r *real) Place(a, b string) error {
	return kinded("place", unix.Renameat2(unix.AT_FDCWD, r.abs(a), unix.AT_FDCWD, r.abs(b), unix.RENAME_NOREPLACE))
}
func (r *real) Exchange(a, b string) error {
	return kinded("exchange", unix.Renameat2(unix.AT_FDCWD, r.abs(a), unix.AT_FDCWD, r.abs(b), unix.RENAME_EXCHANGE))
}
func (r *real) Mkdir(p string, mode fs.FileMode) error {
	err := os.Mkdir(r.abs(p), mode)
	if err == nil {
		err = os.Chmod(r.abs(p), mode)
	}
	return kinded("mkdir", err)
}
func (r *real) Symlink(t, p string) error               { return kinded("symlink", os.Symlink(t, r.abs(p))) }
func (r *real) Remove(p string) error                   { return kinded("remove", os.Remove(r.abs(p))) }
func (r *real) Chmod(p string, mode fs.FileMode) error  { return kinded("chmod", os.Chmod(r.abs(p), mode)) }
func (r *real) SetTime(p string, t time.Time) error {
	ts := unix.Timespec{Sec: t.Unix(), Nsec: int64(t.Nanosecond())}
	return kinded("utimens", unix.UtimesNanoAt(unix.AT_FDCWD, r.abs(p), []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW))
}
func (r *real) Sync(list []string) error {
	if len(list) >= 64 {
		return r.syncfs()
	}
	for _, p := range list {
		f, err := os.Open(r.abs(p))
		if err != nil {
			return kinded("sync", err)
		}
		err = f.Sync()
		f.Close()
		if err != nil {
			return kinded("sync", err)
		}
	}
	return nil
}
func (r *real) syncfs() error {
	f, err := os.Open(r.root)
	if err != nil {
		return kinded("sync", err)
	}
	defer f.Close()
	return kinded("syncfs", unix.Syncfs(int(f.Fd())))
}
func (r *real) Flush(dirs []string) error {
	if len(dirs) > 8 {
		return r.syncfs()
	}
	for _, d := range dirs {
		f, err := os.Open(r.abs(d))
		if err != nil {
			continue
		}
		err = f.Sync()
		f.Close()
		if err != nil {
			return kinded("sync", err)
		}
	}
	return nil
}
func (r *real) Quiet(p string) (bool, bool) {
	f, err := os.Open(r.abs(p))
	if err != nil {
		return true, false
	}
	defer f.Close()
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		return false, errors.Is(err, unix.EAGAIN)
	}
	_, _ = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	return true, true
}
func (r *real) Free() (uint64, uint64, error) {
	var s unix.Statfs_t
	err := unix.Statfs(r.root, &s)
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), err
}
func (r *real) Folds() (bool, bool) { return false, false }
func (r *real) Mark() (string, error) {
	p := filepath.Join(r.root, Own, "mark")
	b, err := os.ReadFile(p)
	if err == nil {
		return string(b), nil
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	return hex.EncodeToString(id), os.WriteFile(p, []byte(hex.EncodeToString(id)), 0o600)
}
func (r *real) Lock() error { return nil }
func (r *real) Close() error { return nil }
func (r *real) Watch(ctx context.Context, f func(map[string]bool, bool)) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer w.Close()
	var add func(p string) 
	add = func(p string) {
		_ = w.Add(p)
		list, _ := os.ReadDir(p)
		for _, e := range list {
			if e.IsDir() && e.Name() != Own {
				add(filepath.Join(p, e.Name()))
			}
		}
	}
	add(r.root)
	dirs := map[string]bool{}
	t := time.NewTimer(time.Hour)
	for {
		select {
		case e := <-w.Events:
			rel, _ := filepath.Rel(r.root, e.Name)
			if rel == Own || strings.HasPrefix(rel, Own+"/") {
				continue
			}
			d := path.Dir(rel)
			if d == "." {
				d = ""
			}
			dirs[d] = true
			if i, err := os.Lstat(e.Name); err == nil && i.IsDir() {
				add(e.Name)
				dirs[rel] = true
			}
			t.Reset(50 * time.Millisecond)
		case <-w.Errors:
			f(nil, true)
		case <-t.C:
			f(dirs, false)
			dirs = map[string]bool{}
		case <-ctx.Done():
			return nil
		}
	}
}
