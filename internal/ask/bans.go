package ask

import (
	"sync"
	"time"

	"github.com/mootspace/moot"
)

// bans are the nodes that sent bytes which do not match their hash.
type bans struct {
	mu    sync.Mutex
	until map[moot.Key]time.Time
}

func (b *bans) add(k moot.Key, now time.Time, d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until == nil {
		b.until = map[moot.Key]time.Time{}
	}
	for other, until := range b.until {
		if !now.Before(until) {
			delete(b.until, other)
		}
	}
	b.until[k] = now.Add(d)
}

func (b *bans) has(k moot.Key, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return now.Before(b.until[k])
}
