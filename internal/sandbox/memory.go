package sandbox

import (
	"sync"

	"github.com/tetratelabs/wazero/experimental"
)

// pageSize is that of WebAssembly, in bytes.
const pageSize = 64 << 10

// memory allocates linear memory up to a limit, outside of Go's heap so that a task's memory
// does not affect garbage collection.
type memory struct {
	limit   int64
	peak    int64
	refused bool // an allocation exceeded the limit

	mu    sync.Mutex
	given []*linear
}

// Allocate implements experimental.MemoryAllocator.
func (m *memory) Allocate(_, most uint64) experimental.LinearMemory {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &linear{memory: m}
	m.given = append(m.given, l)
	if len(m.given) == 1 { // a module has one memory
		l.buf, _ = reserve(int(min(most, uint64(m.limit)))) // without it, the module gets no memory
	}
	return l
}

// free frees the memory of a run.
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

// Free implements experimental.LinearMemory. The memory is freed after the run, when nothing
// refers to it any more.
func (l *linear) Free() {}
