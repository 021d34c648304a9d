package folders

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/ignore"
	"github.com/mootspace/moot/internal/localdir"
	"github.com/mootspace/moot/internal/tree"
)

const tempPrefix = ".moot-" // of what is being written by others of this program

// folder keeps one directory in step. All of it belongs to one goroutine but for local's
// indexes and the status.
type folder struct {
	stored
	space    Space
	database database
	dir      localdir.Dir
	ignore   *ignore.Set
	fold     func(string) string // what the file system makes of a name; nil: nothing
	now      func() time.Time
	log      *slog.Logger
	report   func(Event)

	local    *local
	todo     map[*node]*waiting
	problems map[string]*Problem
	watcher  *watcher // which folders to look at in the next pass
	progress progress
	status   atomic.Pointer[Status]
}

// progress is how far a folder is.
type progress struct {
	revision uint64          // of the space's tree, up to which it was applied
	applied  bool            // revision means something
	wanted   int             // what is still to be fetched
	unsaved  bool            // the settings have changed
	unsure   bool            // an intent is recorded, and its outcome not known
	looked   time.Time       // at everything
	again    map[string]bool // folders to look at in the next pass
}

// waiting is what was observed at a node and is yet to be sent.
type waiting struct {
	stat  localdir.Stat // when it was first looked at
	since time.Time
	wait  time.Duration // before the next try
	next  time.Time
}

// notice has a node sent, once it is quiet.
func (f *folder) notice(n *node) {
	if f.todo[n] == nil {
		f.todo[n] = &waiting{}
	}
}

// unnotice forgets that something was to be sent.
func (f *folder) unnotice(n *node) { delete(f.todo, n) }

// Problem is why something is not in step.
type Problem struct {
	Path  string    `json:"path"`
	Why   string    `json:"why"`
	Kind  string    `json:"kind"`
	Since time.Time `json:"since"`
	Next  time.Time `json:"next,omitzero"` // the next try; zero: when it changes
	delay time.Duration
}

// Delays between tries.
const (
	firstRetry = 2 * time.Second
	lastRetry  = 10 * time.Minute
)

// failed records that something at a path could not be done; it is tried again.
func (f *folder) failed(path string, err error) {
	p := f.problems[path]
	if p == nil {
		p = &Problem{Path: path, Since: f.now()}
		f.problems[path] = p
		f.report(Event{What: "failed", Path: path, Why: err.Error()})
	}
	p.delay = min(max(2*p.delay, firstRetry), lastRetry)
	p.Why, p.Kind, p.Next = err.Error(), string(moot.KindOf(err)), f.now().Add(p.delay)
}

// refuse records that something at a path is not carried.
func (f *folder) refuse(path, why string) {
	f.failed(path, moot.Errorf(moot.Invalid, "%s", why))
	f.problems[path].Next = time.Time{}
}

// forgive ends a problem.
func (f *folder) forgive(path string) { delete(f.problems, path) }

// heldBack reports whether a path is not to be tried yet.
func (f *folder) heldBack(path string) bool {
	p := f.problems[path]
	return p != nil && f.now().Before(p.Next)
}

// pass brings directory and space in step once: what was observed is sent, what is new in
// the space is put in place. It returns when the next should be if nothing happens.
func (f *folder) pass(ctx context.Context, dirs map[string]bool) (next time.Duration, err error) {
	if err := f.check(); err != nil {
		return checkEvery, err
	}
	if err := f.recover(ctx); err != nil {
		return 0, err
	}
	if err := f.observe(ctx, dirs); err != nil {
		return 0, err
	}
	if !f.settings.ReadOnly {
		if err := f.send(ctx); err != nil {
			return 0, err
		}
	}
	if err := f.apply(ctx); err != nil {
		return 0, err
	}
	if err := f.database.save(ctx, f.row, f.local, nil); err != nil {
		return 0, err
	}
	return f.nextTry(), nil
}

// nextTry returns the time until something that waits should be tried.
func (f *folder) nextTry() time.Duration {
	now, next := f.now(), lookEvery
	for n, w := range f.todo {
		if !n.gone && !w.next.IsZero() {
			next = min(next, w.next.Sub(now))
		}
	}
	for _, p := range f.problems {
		if !p.Next.IsZero() {
			next = min(next, p.Next.Sub(now))
		}
	}
	return max(next, minWait)
}

const (
	lookEvery  = 10 * time.Minute // for changes that no event told of
	checkEvery = 10 * time.Second // whether a directory that is away is back
	minWait    = 20 * time.Millisecond
)

// check reports, with kind Unavailable, that the directory is not the one that was added:
// a disk that is not mounted is not a folder whose files were removed.
func (f *folder) check() error {
	mark, err := f.dir.Mark()
	if err != nil || mark != f.settings.Mark {
		return moot.Errorf(moot.Unavailable, "%s is not the directory that was added: is its disk mounted? Nothing is removed for others", f.stored.dir)
	}
	return nil
}

// remoteFolders returns the folders of the space that the directory shows; none before
// there is one.
func (f *folder) remoteFolders(t *tree.Tree) []tree.ID {
	if len(f.settings.Items) > 0 {
		for _, id := range f.settings.Items {
			if at, shown := t.Path(id); shown {
				if s, ok := t.Lookup(at); ok && s.Type == tree.Folder {
					return s.Folders
				}
			}
		}
		return f.settings.Items
	}
	if f.settings.Name == "" {
		return []tree.ID{{}}
	}
	if s, ok := t.Lookup(f.settings.Name); ok && s.Type == tree.Folder {
		return s.Folders
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
