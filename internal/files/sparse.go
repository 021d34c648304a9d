package files

import (
	"bytes"
	"io"
	"os"
)

// holeSize is how many bytes of zeros make a hole.
const holeSize = 64 << 10

// sparseFile writes a file with holes in place of long runs of zeros.
type sparseFile struct {
	*os.File
	size   int64
	ending bool // in a hole
}

func (s *sparseFile) Write(p []byte) (n int, err error) {
	for err == nil && n < len(p) {
		part := p[n:min(n+holeSize, len(p))]
		s.ending = len(part) == holeSize && len(bytes.TrimLeft(part, "\x00")) == 0
		if s.ending {
			_, err = s.Seek(holeSize, io.SeekCurrent)
		} else {
			_, err = s.File.Write(part)
		}
		if err == nil {
			n += len(part)
		}
	}
	s.size += int64(n)
	return n, err
}

// finish gives the file its size.
func (s *sparseFile) finish() error {
	if !s.ending {
		return nil
	}
	return s.Truncate(s.size)
}
