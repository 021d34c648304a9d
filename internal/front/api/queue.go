package api

import (
	"context"
	"sync"

	"github.com/mootspace/moot"
)

// maxQueued is how many events of a stream may wait for a slow reader.
const maxQueued = 1 << 17

// queue holds the events of a stream until they are sent, so that a slow reader does not
// hold up what it follows.
type queue[E any] struct {
	signal chan struct{} // room for one

	mu   sync.Mutex
	list []E
	full bool // events were lost
}

func (q *queue[E]) put(e E) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) >= maxQueued {
		q.full = true
	} else {
		q.list = append(q.list, e)
	}
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

// take returns what has been put since it was last called. Kind Unavailable once events were lost.
func (q *queue[E]) take() ([]E, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.list
	q.list = nil
	if q.full {
		return list, moot.Errorf(moot.Unavailable, "the events were read too slowly: some are lost")
	}
	return list, nil
}

// queued runs f, which reports events, and emits them beside it. It returns the error of
// f, or why events could not be emitted; all have been when it returns.
func queued[E any](ctx context.Context, emit func(E) error, f func(ctx context.Context, report func(E)) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	q := &queue[E]{signal: make(chan struct{}, 1)}
	send := func() error {
		list, err := q.take()
		for _, e := range list {
			if err := emit(e); err != nil {
				return err
			}
		}
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- f(ctx, q.put) }()
	var failed error
	for {
		select {
		case <-q.signal:
			if err := send(); err != nil && failed == nil {
				failed = err
				cancel(err)
			}
		case err := <-ended:
			if failed != nil {
				return failed
			}
			if last := send(); err == nil {
				err = last
			}
			return err
		}
	}
}
