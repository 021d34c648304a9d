package localdir

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// staged is a file that is being written.
type staged struct {
	r    *Root
	f    *os.File // nil after Finish or Discard
	out  *durable.Sparse
	path string
}

// Stage makes an empty file with a new name in Staging.
func (r *Root) Stage() (Staged, error) {
	path := Staging + "/new-" + rand.Text()
	f, err := r.create(path)
	if errors.Is(err, moot.NotFound) { // somebody tidied up
		if err = r.makeStaging(); err == nil {
			f, err = r.create(path)
		}
	}
	if err != nil {
		return nil, err
	}
	return &staged{r: r, f: f, out: durable.NewSparse(f), path: path}, nil
}

func (s *staged) Path() string { return s.path }

// Write appends.
func (s *staged) Write(p []byte) (int, error) {
	if s.f == nil {
		return 0, failure("write", s.path, os.ErrClosed)
	}
	n, err := s.out.Write(p)
	return n, failure("write", s.path, err)
}

// Finish ends the writing and sets permissions and time.
func (s *staged) Finish(mode fs.FileMode, mtime time.Time) (Stat, error) {
	if s.f == nil {
		return Stat{}, failure("write", s.path, os.ErrClosed)
	}
	err := s.out.Finish()
	if err == nil {
		err = s.f.Chmod(mode.Perm())
	}
	if err == nil {
		_, err = s.r.SetTime(s.path, mtime)
	}
	var made Stat
	if err == nil {
		made, err = statFile(s.f)
	}
	if err = errors.Join(err, s.f.Close()); err != nil {
		s.r.Remove(s.path) //nolint:errcheck // the first error counts
	}
	s.f = nil
	return made, failure("write", s.path, err)
}

// Discard closes and removes the file, unless it is finished.
func (s *staged) Discard() {
	if s.f == nil {
		return
	}
	s.f.Close()
	s.f = nil
	s.r.Remove(s.path) //nolint:errcheck // what is left in Staging is found at the next start
}
