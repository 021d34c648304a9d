package worker

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

const (
	tellAfter = 200 * time.Millisecond // what a task writes is passed on so often at most
	tellAt    = 16 << 10               // bytes that are not passed on yet, at most
)

// streams are what a task writes to standard output and standard error.
type streams struct {
	out, err *stream
}

func newStreams(dir string, watch func(moot.Progress)) *streams {
	return &streams{&stream{n: 1, path: filepath.Join(dir, "stdout"), watch: watch}, &stream{n: 2, path: filepath.Join(dir, "stderr"), watch: watch}}
}

func (s *streams) flush() {
	s.out.flush()
	s.err.flush()
}

func (s *streams) close() {
	for _, one := range []*stream{s.out, s.err} {
		if one.file != nil {
			one.file.Close() // what was read from it was complete
		}
	}
}

// stream keeps what is written: little in memory, more in a file. It passes it on, too.
type stream struct {
	n     int
	path  string
	watch func(moot.Progress)

	mu     sync.Mutex
	buf    []byte   // all of it, as long as file is nil
	file   *os.File // all of it
	untold []byte
	told   time.Time
	failed error // to write to file
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = s.keep(p)
	}
	s.untold = append(s.untold, p...)
	if len(s.untold) >= tellAt || time.Since(s.told) >= tellAfter {
		s.tell()
	}
	return len(p), s.failed
}

func (s *stream) keep(p []byte) (err error) {
	if s.file == nil && len(s.buf)+len(p) <= attachOne {
		s.buf = append(s.buf, p...)
		return nil
	}
	if s.file == nil {
		if s.file, err = os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			s.file = nil
			return err
		}
		if _, err := s.file.Write(s.buf); err != nil {
			return err
		}
		s.buf = nil
	}
	_, err = s.file.Write(p)
	return err
}

func (s *stream) tell() {
	for len(s.untold) > 0 {
		n := min(len(s.untold), tellAt)
		s.watch(moot.Progress{Stream: s.n, Text: append([]byte(nil), s.untold[:n]...)})
		s.untold = s.untold[n:]
	}
	s.untold, s.told = s.untold[:0], time.Now()
}

func (s *stream) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell()
}
