package folders_test

import (
	"io/fs"
	"time"

	"github.com/mootspace/moot/internal/localdir"
)

// disturbed is a directory with a hook ahead of each operation.
type disturbed struct {
	localdir.Dir
	before func(op, path string) error
}

func (d disturbed) Stat(p string) (s localdir.Stat, err error) {
	if err = d.before("stat", p); err == nil {
		s, err = d.Dir.Stat(p)
	}
	return s, err
}

func (d disturbed) ReadDir(p string) (l []localdir.Named, err error) {
	if err = d.before("readdir", p); err == nil {
		l, err = d.Dir.ReadDir(p)
	}
	return l, err
}

func (d disturbed) Open(p string) (f localdir.File, err error) {
	if err = d.before("open", p); err == nil {
		f, err = d.Dir.Open(p)
	}
	return f, err
}

func (d disturbed) Readlink(p string) (s string, err error) {
	if err = d.before("readlink", p); err == nil {
		s, err = d.Dir.Readlink(p)
	}
	return s, err
}

func (d disturbed) Stage() (s localdir.Staged, err error) {
	if err = d.before("stage", ""); err == nil {
		s, err = d.Dir.Stage()
	}
	return s, err
}

func (d disturbed) two(op, p string, do func() error) error {
	if err := d.before(op, p); err != nil {
		return err
	}
	return do()
}

func (d disturbed) Place(a, b string) error {
	return d.two("place", a, func() error { return d.two("to", b, func() error { return d.Dir.Place(a, b) }) })
}

func (d disturbed) Exchange(a, b string) error {
	return d.two("exchange", a, func() error { return d.two("to", b, func() error { return d.Dir.Exchange(a, b) }) })
}

func (d disturbed) Mkdir(p string, m fs.FileMode) error {
	return d.two("mkdir", p, func() error { return d.Dir.Mkdir(p, m) })
}

func (d disturbed) Symlink(t, p string) error {
	return d.two("symlink", p, func() error { return d.Dir.Symlink(t, p) })
}

func (d disturbed) Remove(p string) error {
	return d.two("remove", p, func() error { return d.Dir.Remove(p) })
}

func (d disturbed) RemoveFolder(p string) error {
	return d.two("removefolder", p, func() error { return d.Dir.RemoveFolder(p) })
}

func (d disturbed) Chmod(p string, m fs.FileMode) error {
	return d.two("chmod", p, func() error { return d.Dir.Chmod(p, m) })
}

func (d disturbed) SetTime(p string, t time.Time) (u time.Time, err error) {
	if err = d.before("settime", p); err == nil {
		u, err = d.Dir.SetTime(p, t)
	}
	return u, err
}

func (d disturbed) Sync(l []string) error {
	return d.two("sync", "", func() error { return d.Dir.Sync(l) })
}

func (d disturbed) Flush(l []string) error {
	return d.two("flush", "", func() error { return d.Dir.Flush(l) })
}

// Free leaves room for 64 KiB if the hook fails.
func (d disturbed) Free() (free, total uint64, err error) {
	if d.before("free", "") != nil {
		return 64 << 10, 64 << 10, nil
	}
	return d.Dir.Free()
}
