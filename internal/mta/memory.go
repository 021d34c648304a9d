package mta

import (
	"bytes"
	"io"

	"github.com/emersion/go-smtp"
	"golang.org/x/sync/semaphore"
)

// chunk is how memory is handed out, in bytes. A message's header fits into the first.
const chunk = 256 << 10

// memory holds a message while it is being received. It is not a file, because what is
// sealed for its readers should not be left lying open on a disk.
type memory struct {
	budget *semaphore.Weighted
	chunks [][]byte // all but the last are full
	size   int64
}

// Write implements io.Writer. When the budget is used up, the sender may try later.
func (m *memory) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		at := int(m.size % chunk)
		if at == 0 {
			if !m.budget.TryAcquire(chunk) {
				return n, refusal(452, smtp.EnhancedCode{4, 3, 1}, "too much mail at once, try again later")
			}
			m.chunks = append(m.chunks, make([]byte, chunk))
		}
		k := copy(m.chunks[len(m.chunks)-1][at:], p)
		n, m.size, p = n+k, m.size+int64(k), p[k:]
	}
	return n, nil
}

// from returns a reader of what follows the first so many bytes.
func (m *memory) from(skip int) io.Reader {
	var parts []io.Reader
	left := m.size
	for i, c := range m.chunks {
		c = c[:min(left, chunk)]
		left -= int64(len(c))
		if i == 0 {
			c = c[skip:]
		}
		parts = append(parts, bytes.NewReader(c))
	}
	return io.MultiReader(parts...)
}

// start returns the first chunk.
func (m *memory) start() []byte {
	if len(m.chunks) == 0 {
		return nil
	}
	return m.chunks[0][:min(m.size, chunk)]
}

func (m *memory) free() {
	m.budget.Release(int64(len(m.chunks)) * chunk)
	m.chunks, m.size = nil, 0
}
