package durable

import (
	"bytes"
	"io"
)

// holeSize is the size in bytes of the blocks that file systems leave out.
const holeSize = 4 << 10

// WriteSparse writes bytes at an offset where the file reads as zeros, beyond its end too.
// Zeros are not written, block by block, so the file may end early: see [Sparse.Finish].
// It returns how many bytes from the first on are as they should be.
func WriteSparse(w io.WriterAt, p []byte, off int64) (int, error) {
	from := 0 // of what is to be written
	for at := 0; at < len(p); {
		n := min(len(p)-at, int(holeSize-(off+int64(at))%holeSize))
		if IsZero(p[at : at+n]) {
			if err := writeAt(w, p[from:at], off+int64(from)); err != nil {
				return from, err
			}
			from = at + n
		}
		at += n
	}
	if err := writeAt(w, p[from:], off+int64(from)); err != nil {
		return from, err
	}
	return len(p), nil
}

func writeAt(w io.WriterAt, p []byte, off int64) error {
	if len(p) == 0 {
		return nil
	}
	_, err := w.WriteAt(p, off)
	return err
}

// IsZero reports whether all bytes are zero: the first is, and each equals the one before.
func IsZero(p []byte) bool {
	return len(p) == 0 || p[0] == 0 && bytes.Equal(p[1:], p[:len(p)-1])
}

// Sparse writes an empty file from its beginning, with holes in place of zeros.
type Sparse struct {
	f interface {
		io.WriterAt
		Truncate(size int64) error
	}
	size int64
}

// NewSparse returns a writer of an empty file, such as an *os.File.
func NewSparse(f interface {
	io.WriterAt
	Truncate(size int64) error
}) *Sparse {
	return &Sparse{f: f}
}

// Write appends.
func (s *Sparse) Write(p []byte) (int, error) {
	n, err := WriteSparse(s.f, p, s.size)
	s.size += int64(n)
	return n, err
}

// Size returns how many bytes were written, those in holes too.
func (s *Sparse) Size() int64 { return s.size }

// Finish gives the file its size: it may end in a hole.
func (s *Sparse) Finish() error { return s.f.Truncate(s.size) }
