package jobs

import "sync"

// outbox is outcomes to be committed, in order. Adding never waits: the loop that takes
// them posts to the one that adds.
type outbox struct {
	mu   sync.Mutex
	list []finished
	more chan struct{}
}

func newOutbox() *outbox { return &outbox{more: make(chan struct{}, 1)} }

func (o *outbox) add(f finished) {
	o.mu.Lock()
	o.list = append(o.list, f)
	o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
}

func (o *outbox) take() []finished {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.list
	o.list = nil
	return list
}
