package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/mootspace/moot/internal/durable"
)

// directory is a disk: a folder that only its owner may read.
type directory struct{ root string }

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (d directory) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

// inParent runs f, and if the parent folder is missing makes it durably and runs f
// again: the folders are few, and nearly always there.
func (d directory) inParent(name string, f func() error) error {
	err := f()
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(d.path(name))
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	if err := durable.SyncFolder(filepath.Dir(parent)); err != nil {
		return err
	}
	return f()
}

func (d directory) create(name string) (f file, err error) {
	err = d.inParent(name, func() error {
		f, err = wrapFile(os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600))
		return err
	})
	return f, err
}

func (d directory) edit(name string) (file, error) {
	return wrapFile(os.OpenFile(d.path(name), os.O_RDWR, 0o600))
}

func (d directory) open(name string) (file, error) { return wrapFile(os.Open(d.path(name))) }

func (d directory) rename(from, to string) error {
	return d.inParent(to, func() error { return os.Rename(d.path(from), d.path(to)) })
}

func (d directory) remove(name string) error {
	if err := os.Remove(d.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (d directory) syncDir(name string) error { return durable.SyncFolder(d.path(name)) }

func (d directory) list(dir string) ([]string, error) {
	entries, err := os.ReadDir(d.path(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// wrapFile keeps a nil *os.File from becoming a file that is not nil.
func wrapFile(f *os.File, err error) (file, error) {
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// stat implements disk.
func (d directory) stat(name string) (size int64, used time.Time, err error) {
	info, err := os.Stat(d.path(name))
	if err != nil {
		return 0, time.Time{}, err
	}
	return info.Size(), info.ModTime(), nil
}

// used implements disk.
func (d directory) used(name string) (time.Time, error) {
	_, used, err := d.stat(name)
	return used, err
}

// use implements disk.
func (d directory) use(name string, at time.Time) error { return os.Chtimes(d.path(name), at, at) }
