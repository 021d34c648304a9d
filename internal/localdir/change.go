package localdir

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mootspace/moot"
)

const (
	many       = 64              // flushed at once: more than that, by one call for all
	abreast    = 16              // files flushed at once
	flushLimit = 5 * time.Second // of a call for all; if it takes longer, the next is one by one
)

// Sync makes the contents, permissions and times of files durable.
func (r *Root) Sync(files []string) error {
	return r.flush(files, false)
}

// Flush makes the names in folders durable. What is no folder any more has none.
func (r *Root) Flush(folders []string) error {
	return r.flush(folders, true)
}

func (r *Root) flush(paths []string, gone bool) error {
	if len(paths) >= many && !r.slow.Load() {
		start := time.Now()
		if can, err := r.syncAll(); can {
			r.slow.Store(time.Since(start) > flushLimit)
			return err
		}
	}
	r.slow.Store(false)
	var g errgroup.Group
	g.SetLimit(abreast)
	for _, path := range paths {
		g.Go(func() error {
			err := r.syncPath(path)
			if gone && (errors.Is(err, moot.NotFound) || errors.Is(err, moot.Conflict)) {
				return nil
			}
			return err
		})
	}
	err := g.Wait()
	if errors.Is(err, moot.Denied) { // a file that may not be read cannot be flushed alone
		if can, all := r.syncAll(); can {
			return all
		}
	}
	return err
}

// placePlain links and unlinks, which replaces nothing. What cannot be linked is renamed
// if nothing is there: a folder replaces at most an empty one that came meanwhile.
func (r *Root) placePlain(from, to string) error {
	switch err := r.link(from, to); {
	case err == nil:
		if err := r.Remove(from); err != nil && !errors.Is(err, moot.NotFound) {
			return errors.Join(err, r.Remove(to))
		}
		return nil
	case errors.Is(err, moot.Conflict), errors.Is(err, moot.NotFound):
		return err
	}
	switch _, err := r.Stat(to); {
	case err == nil:
		return failure("place", to, fs.ErrExist)
	case !errors.Is(err, moot.NotFound):
		return err
	}
	return r.rename(from, to)
}

// exchangePlain links b aside, compares, and renames a over it. What cannot be linked is
// moved aside, so that for a moment b is missing.
func (r *Root) exchangePlain(a, b string) error {
	aside := Staging + "/old-" + rand.Text()
	s, err := r.Stat(a)
	if err != nil {
		return err
	}
	if !s.IsDir() && r.link(b, aside) == nil {
		held, err := r.Stat(aside)
		if err == nil {
			err = r.compareRename(a, b, held)
		}
		if err != nil {
			return errors.Join(err, r.Remove(aside))
		}
		return r.placePlain(aside, a)
	}
	if err := r.placePlain(b, aside); err != nil {
		return err
	}
	if err := r.placePlain(a, b); err != nil {
		return errors.Join(err, r.placePlain(aside, b))
	}
	return r.placePlain(aside, a)
}

// compareRename renames a to b if b is still the object that was seen.
func (r *Root) compareRename(a, b string, seen Stat) error {
	s, err := r.Stat(b)
	if err != nil {
		return err
	}
	if !s.SameContent(seen) {
		return moot.Errorf(moot.Conflict, "%q was replaced meanwhile", b)
	}
	return r.rename(a, b)
}

// file is an open regular file.
type file struct {
	f    *os.File
	path string
}

// Open opens a regular file for reading.
func (r *Root) Open(path string) (File, error) {
	f, err := r.openRegular(path)
	if err != nil {
		return nil, err
	}
	return &file{f, path}, nil
}

func (f *file) Read(p []byte) (int, error) {
	n, err := f.f.Read(p)
	return n, f.failure(err)
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.f.ReadAt(p, off)
	return n, f.failure(err)
}

func (f *file) failure(err error) error {
	if err == io.EOF {
		return err
	}
	return failure("read", f.path, err)
}

func (f *file) Close() error { return f.f.Close() }

func (f *file) Stat() (Stat, error) {
	s, err := statFile(f.f)
	return s, failure("stat", f.path, err)
}
