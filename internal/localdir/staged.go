package localdir

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/mootspace/moot"
)

// holeSize is the length of an aligned run of zeros that becomes a hole: shorter ones
// would cost more in extents than they save.
const holeSize = 32 << 10

// staged is a file that is being written.
type staged struct {
	r     *Root
	f     *os.File // nil after Finish or Discard
	path  string
	size  int64 // of what was written so far
	zeros int64 // at its end, from the last multiple of holeSize on: not written yet
	hole  bool  // the end is a hole
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
	return &staged{r: r, f: f, path: path}, nil
}

func (s *staged) Path() string { return s.path }

// Write appends. Data between holes is written in one piece.
func (s *staged) Write(p []byte) (int, error) {
	if s.f == nil {
		return 0, failure("write", s.path, os.ErrClosed)
	}
	from := 0 // of what is to be written
	for at := 0; at < len(p); {
		n := min(len(p)-at, int(holeSize-s.size%holeSize))
		piece := p[at : at+n]
		inBlock := s.size % holeSize
		switch zero := isZero(piece); {
		case zero && s.zeros == inBlock: // the block has been zeros so far
			if err := s.put(p[from:at], s.size-int64(at-from)); err != nil {
				return from, err
			}
			from = at + n
			s.zeros += int64(n)
		case s.zeros > 0:
			if err := s.fillZeros(); err != nil {
				return from, err
			}
		}
		at += n
		s.size += int64(n)
		s.hole = s.zeros == holeSize
		if s.hole {
			s.zeros = 0
		}
	}
	if err := s.put(p[from:], s.size-int64(len(p)-from)); err != nil {
		return from, err
	}
	return len(p), nil
}

// fillZeros writes zeros that turned out too few for a hole.
func (s *staged) fillZeros() error {
	n := s.zeros
	s.zeros = 0
	return s.put(make([]byte, n), s.size-n)
}

func (s *staged) put(p []byte, at int64) error {
	if len(p) == 0 {
		return nil
	}
	_, err := s.f.WriteAt(p, at)
	return failure("write", s.path, err)
}

func isZero(p []byte) bool {
	var zeros [512]byte
	for ; len(p) >= len(zeros); p = p[len(zeros):] {
		if !bytes.Equal(p[:len(zeros)], zeros[:]) {
			return false
		}
	}
	return bytes.Equal(p, zeros[:len(p)])
}

// Finish ends the writing and sets permissions and time.
func (s *staged) Finish(mode fs.FileMode, mtime time.Time) (Stat, error) {
	if s.f == nil {
		return Stat{}, failure("write", s.path, os.ErrClosed)
	}
	err := s.fillZeros()
	if err == nil && s.hole {
		err = s.f.Truncate(s.size)
	}
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
