package folders_test

import (
	"fmt"
	"sync"
	"testing"
)

// TestCost bounds what a small file costs: flushes, calls for bytes, entries, and operations
// on the directory, each of which is a few system calls.
func TestCost(t *testing.T) {
	const files = 1000
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	for i := range files {
		a.write(fmt.Sprintf("d/%d", i), fmt.Sprintf("content %d", i))
	}
	sent, received := a.counted(), b.counted()
	a.once()
	entries := len(a.entries)
	w.meet(a, b)
	b.once()
	w.same()
	if entries > 4 {
		t.Errorf("%d files were stated in %d entries", files, entries)
	}
	for who, ops := range map[string]map[string]int{"the writer": sent, "the receiver": received} {
		all := 0
		for _, n := range ops {
			all += n
		}
		if flushes := ops["sync"] + ops["flush"]; flushes > files/10 {
			t.Errorf("%s flushed %d times for %d files", who, flushes, files)
		}
		if all > 8*files {
			t.Errorf("%s needed %d operations on the directory for %d files: %v", who, all, files, ops)
		}
	}
	if b.asked > files/20 {
		t.Errorf("bytes were asked for %d times", b.asked)
	}
}

// counted counts operations on a member's directory.
func (m *member) counted() map[string]int {
	var mu sync.Mutex
	ops := map[string]int{}
	m.before = func(op, _ string) error {
		mu.Lock()
		defer mu.Unlock()
		ops[op]++
		return nil
	}
	return ops
}
