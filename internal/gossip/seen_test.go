package gossip

import (
	"encoding/binary"
	"testing"

	"github.com/mootspace/moot"
)

// TestSeenIsBounded adds more entries than are kept: the latest are known, the first are forgotten.
func TestSeenIsBounded(t *testing.T) {
	id := func(n int) (id moot.EntryID) {
		binary.BigEndian.PutUint64(id[:], uint64(n)+1)
		return id
	}
	var s seen
	if s.has(id(0)) {
		t.Error("an empty set has an entry")
	}
	const added = 3*maxSeen + 5
	for n := range added {
		s.add(id(n))
	}
	for n := added - maxSeen; n < added; n++ {
		if !s.has(id(n)) {
			t.Fatalf("entry %d of %d is forgotten", n, added)
		}
	}
	if s.has(id(0)) || s.has(id(maxSeen)) {
		t.Error("the first entries are still known")
	}
	if n := len(s.now) + len(s.old); n > 2*maxSeen {
		t.Errorf("%d entries are kept, want at most %d", n, 2*maxSeen)
	}
}
