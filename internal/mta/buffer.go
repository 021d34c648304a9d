package mta

import (
	"bytes"
	"io"

	"github.com/emersion/go-smtp"
	"golang.org/x/sync/semaphore"
)

// chunk is the unit of allocation in bytes. A message's header fits into the first.
const chunk = 256 << 10

// messageBuffer holds a message while it is received: in memory and not in a file,
// because it will be sealed and must not be on disk in the clear.
type messageBuffer struct {
	budget *semaphore.Weighted
	chunks [][]byte // all but the last are full
	size   int64
}

// Write implements io.Writer. Beyond the budget of all messages it fails with a
// transient reply.
func (m *messageBuffer) Write(p []byte) (n int, err error) {
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

// after returns a reader of the bytes after the first skip.
func (m *messageBuffer) after(skip int) io.Reader {
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

// head returns the first chunk.
func (m *messageBuffer) head() []byte {
	if len(m.chunks) == 0 {
		return nil
	}
	return m.chunks[0][:min(m.size, chunk)]
}

func (m *messageBuffer) free() {
	m.budget.Release(int64(len(m.chunks)) * chunk)
	m.chunks, m.size = nil, 0
}
