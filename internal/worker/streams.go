package worker

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

const (
	flushEvery = 200 * time.Millisecond // interval at which output is reported
	flushBytes = 16 << 10               // bytes of output that are reported at once
)

// streams are a task's standard output and standard error.
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
			one.file.Close() // it is not needed any more
		}
	}
}

// stream buffers what is written, in memory up to attachOne bytes and then in a file, and
// reports it.
type stream struct {
	n     int
	path  string
	watch func(moot.Progress)

	mu       sync.Mutex
	buf      []byte   // all of it, as long as file is nil
	file     *os.File // all of it
	pending  []byte   // not reported yet
	reported time.Time
	failed   error // to write to file
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = s.buffer(p)
	}
	s.pending = append(s.pending, p...)
	if len(s.pending) >= flushBytes || time.Since(s.reported) >= flushEvery {
		s.report()
	}
	return len(p), s.failed
}

func (s *stream) buffer(p []byte) (err error) {
	if s.file == nil && len(s.buf)+len(p) <= attachOne {
		s.buf = append(s.buf, p...)
		return nil
	}
	if s.file == nil {
		if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
			return err
		}
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

func (s *stream) report() {
	for len(s.pending) > 0 {
		n := min(len(s.pending), flushBytes)
		s.watch(moot.Progress{Stream: s.n, Text: append([]byte(nil), s.pending[:n]...)})
		s.pending = s.pending[n:]
	}
	s.pending, s.reported = s.pending[:0], time.Now()
}

func (s *stream) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report()
}
