package mail

import (
	"context"
	"iter"
	"sync"
)

// watchers are the subscribers of changes.
type watchers struct {
	mu   sync.Mutex
	list map[*watcher]struct{}
}

type watcher struct {
	folders map[string]bool
	changed chan struct{}
}

func (w *watchers) notify(folders []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.list {
		for _, f := range folders {
			one.folders[f] = true
		}
		select {
		case one.changed <- struct{}{}:
		default:
		}
	}
}

func (w *watchers) watch(ctx context.Context) iter.Seq[[]string] {
	one := &watcher{folders: map[string]bool{}, changed: make(chan struct{}, 1)}
	w.mu.Lock()
	if w.list == nil {
		w.list = map[*watcher]struct{}{}
	}
	w.list[one] = struct{}{} // subscribe now, not when the loop begins, so that no change is missed
	w.mu.Unlock()
	context.AfterFunc(ctx, func() { w.drop(one) })
	return func(yield func([]string) bool) {
		defer w.drop(one)
		for {
			select {
			case <-ctx.Done():
				return
			case <-one.changed:
			}
			if !yield(w.take(one)) {
				return
			}
		}
	}
}

func (w *watchers) take(one *watcher) (folders []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for f := range one.folders {
		folders = append(folders, f)
	}
	clear(one.folders)
	return folders
}

func (w *watchers) drop(one *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.list, one)
}
