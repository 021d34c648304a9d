package sandbox

import (
	"sync"

	"github.com/tetratelabs/wazero/experimental"
)

// pageSize is that of WebAssembly, in bytes.
const pageSize = 64 << 10

// memory hands out linear memory up to a limit. It lies outside of Go's heap, so that a
// task's memory does not have the collector run more often.
type memory struct {
	limit   int64
	peak    int64
	refused bool // it was asked for more

	mu    sync.Mutex
	given []*linear
}

// Allocate implements experimental.MemoryAllocator.
func (m *memory) Allocate(_, most uint64) experimental.LinearMemory {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &linear{memory: m}
	m.given = append(m.given, l)
	if len(m.given) == 1 { // a module has one
		l.buf, _ = reserve(int(min(most, uint64(m.limit)))) // without: what it asks for is refused
	}
	return l
}

// free gives back what was handed out.
func (m *memory) free() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.given {
		if l.buf != nil {
			release(l.buf)
			l.buf = nil
		}
	}
}

type linear struct {
	memory *memory
	buf    []byte
}

// Reallocate implements experimental.LinearMemory.
func (l *linear) Reallocate(size uint64) []byte {
	if size > uint64(len(l.buf)) {
		l.memory.refused = true
		return nil
	}
	l.memory.peak = max(l.memory.peak, int64(size))
	return l.buf[:size]
}

// Free implements experimental.LinearMemory. The memory is given back when the run has
// ended: not before nothing can look at it any more.
func (l *linear) Free() {}
