package gossip

import (
	"sync"

	"github.com/mootspace/moot"
)

// seen is the set of entries received from others lately, which need not be pushed.
// It forgets by halves, so that it stays bounded.
type seen struct {
	mu       sync.Mutex
	now, old map[moot.EntryID]struct{}
}

const maxSeen = 1 << 14

func (s *seen) add(id moot.EntryID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil || len(s.now) >= maxSeen {
		s.now, s.old = map[moot.EntryID]struct{}{}, s.now
	}
	s.now[id] = struct{}{}
}

func (s *seen) has(id moot.EntryID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, now := s.now[id]
	_, old := s.old[id]
	return now || old
}
