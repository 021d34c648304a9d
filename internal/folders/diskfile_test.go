package folders_test

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/mootspace/moot/internal/localdir"
)

// opened reads a file.
type opened struct {
	*disk
	n  *inode
	at int64
}

func (d *disk) Open(p string) (localdir.File, error) {
	defer d.lock()()
	n, err := d.file(p)
	if err != nil {
		return nil, err
	}
	return &opened{disk: d, n: n}, nil
}

func (o *opened) Read(p []byte) (int, error) {
	n, err := o.ReadAt(p, o.at)
	o.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (o *opened) ReadAt(p []byte, off int64) (int, error) {
	defer o.lock()()
	n := copy(p, o.n.data[min(int(off), len(o.n.data)):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (o *opened) Stat() (localdir.Stat, error) { defer o.lock()(); return o.disk.stat(o.n), nil }
func (o *opened) Close() error                 { return nil }

// writing is a staged file.
type writing struct {
	*disk
	n    *inode
	path string
	done bool
}

func (d *disk) Stage() (localdir.Staged, error) {
	defer d.lock()()
	n := d.inode(0, 0o600)
	p := fmt.Sprintf("%s/new-%d", localdir.Staging, n.number)
	return &writing{disk: d, n: n, path: p}, d.make(p, n)
}

func (s *writing) Path() string { return s.path }

func (s *writing) Write(p []byte) (int, error) {
	defer s.lock()()
	s.n.data = append(slices.Clone(s.n.data), p...)
	s.touched(s.n)
	return len(p), nil
}

func (s *writing) Finish(mode fs.FileMode, mtime time.Time) (localdir.Stat, error) {
	defer s.lock()()
	s.n.mode, s.n.mtime, s.done = mode, mtime, true
	s.touched(s.n)
	return s.stat(s.n), nil
}

func (s *writing) Discard() {
	if !s.done {
		_ = s.Remove(s.path)
	}
}
