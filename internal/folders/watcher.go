package folders

import (
	"context"
	"sync"
	"time"

	"github.com/mootspace/moot/internal/localdir"
)

// listeners are those who want events. The first of a folder that was just added gets
// those from before, too.
type listeners struct {
	mu    sync.Mutex
	list  map[*func(Event)]struct{}
	fresh bool
	early []Event
}

// maxEarly bounds the events of which nobody wants to know yet.
const maxEarly = 10000

func (l *listeners) add(f func(Event)) (remove func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list[&f] = struct{}{}
	for _, e := range l.early {
		f(e)
	}
	l.fresh, l.early = false, nil
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.list, &f)
	}
}

func (l *listeners) report(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for f := range l.list {
		(*f)(e)
	}
	if l.fresh && len(l.early) < maxEarly {
		l.early = append(l.early, e)
	}
}

// watcher gathers which folders have changed on the disk.
type watcher struct {
	signal chan struct{} // room for one

	mu        sync.Mutex
	dirs      map[string]bool
	all       bool
	unwatched int // folders in which changes are found late
}

func newWatcher() *watcher {
	return &watcher{signal: make(chan struct{}, 1), dirs: map[string]bool{}}
}

// watch gathers events until ctx ends; without them the folder is looked at by itself.
func (w *watcher) watch(ctx context.Context, f *folder) {
	err := f.dir.Watch(ctx, localdir.WatchOptions{Wait: quietEvents, Changed: w.changed, Skip: f.skips})
	if err != nil && ctx.Err() == nil {
		f.log.Warn("changes in a folder are found late: it cannot be watched", "dir", f.stored.dir, "error", err)
	}
}

// quietEvents is the time without events before a folder is looked at.
const quietEvents = 40 * time.Millisecond

// changed takes in a report.
func (w *watcher) changed(c localdir.Changes) {
	w.mu.Lock()
	for d := range c.Folders {
		w.dirs[d] = true
	}
	w.all = w.all || c.All
	w.unwatched = len(c.Unwatched)
	w.mu.Unlock()
	w.wake()
}

// skips reports whether changes in a folder are of no interest.
func (f *folder) skips(folder string) bool { return f.excepted(folder) }

// add has a folder looked at.
func (w *watcher) add(dir string) {
	w.mu.Lock()
	w.dirs[dir] = true
	w.mu.Unlock()
	w.wake()
}

func (w *watcher) wake() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// take returns what was gathered.
func (w *watcher) take() (dirs map[string]bool, all bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	dirs, all = w.dirs, w.all
	w.dirs, w.all = map[string]bool{}, false
	return dirs, all
}
