package gossip

import (
	"sync"
	"time"

	"github.com/mootspace/moot"
)

// refusals are heads that a node could not take in, so that what leads to them is not sent
// again at every comparison. They are forgotten after a while, as what was
// refused may be acceptable by then.
type refusals struct {
	mu sync.Mutex
	at map[moot.EntryID]time.Time
}

const (
	refusedFor  = 10 * time.Minute
	maxRefusals = 1 << 12
)

func (r *refusals) add(heads []moot.Head) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == nil || len(r.at) > maxRefusals {
		r.at = map[moot.EntryID]time.Time{}
	}
	for _, h := range heads {
		r.at[h.ID] = time.Now()
	}
}

func (r *refusals) has(id moot.EntryID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.at[id]
	return ok && time.Since(at) < refusedFor
}
