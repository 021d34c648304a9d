package localdir

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/mootspace/moot"
)

// Watch reports changes until ctx ends.
func (r *Root) Watch(ctx context.Context, o WatchOptions) error {
	reports := make(chan Changes)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for c := range reports {
			o.Changed(c)
		}
	}()
	defer func() { close(reports); <-done }()
	for {
		notify, err := fsnotify.NewWatcher()
		if err == nil {
			err = r.watchOnce(ctx, notify, o, reports)
		}
		if err != nil {
			return failure("watch", r.path, err)
		}
	}
}

var errGone = moot.Errorf(moot.Unavailable, "the directory was moved or removed")

// watcher watches the folders until events are lost.
type watcher struct {
	r       *Root
	skip    func(string) bool
	notify  *fsnotify.Watcher
	watched map[string]bool      // folders
	made    map[string]time.Time // paths that may be new folders, and since when
	gone    map[string]bool      // folders that were watched, and renamed or removed
	pending Changes
}

// watchOnce closes notify, and returns nil if events were lost, so that all must be
// watched anew.
func (r *Root) watchOnce(ctx context.Context, notify *fsnotify.Watcher, o WatchOptions, reports chan<- Changes) error {
	defer notify.Close()
	w := &watcher{r: r, skip: o.Skip, notify: notify, watched: map[string]bool{}, made: map[string]time.Time{}, gone: map[string]bool{}}
	if w.skip == nil {
		w.skip = func(string) bool { return false }
	}
	w.pending.All = true
	w.add("")
	quiet := debounce{wait: o.Wait}
	quiet.event()
	for {
		var report chan<- Changes // nil: nothing is due
		if quiet.due() {
			w.rewatch(o.Wait)
			report = reports
		}
		select {
		case e, ok := <-notify.Events:
			if !ok {
				return nil
			}
			if w.event(e) {
				quiet.event()
			}
			if w.gone[""] {
				return errGone
			}
		case <-notify.Errors: //nolint:errcheck // lost events, or a watch of unknown state
			return nil
		case <-quiet.wake():
		case report <- w.pending:
			w.pending = Changes{}
			quiet = debounce{wait: o.Wait}
			if len(w.made) > 0 {
				quiet.event()
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// debounce says when events have been quiet for long enough.
type debounce struct {
	wait        time.Duration
	first, last time.Time
}

func (d *debounce) event() {
	d.last = time.Now()
	if d.first.IsZero() {
		d.first = d.last
	}
}

// at is when a report is due; zero: never.
func (d *debounce) at() time.Time {
	quiet, latest := d.last.Add(d.wait), d.first.Add(10*d.wait)
	if latest.Before(quiet) {
		return latest
	}
	return quiet
}

func (d *debounce) due() bool { return !d.first.IsZero() && !time.Now().Before(d.at()) }

// wake fires when a report becomes due.
func (d *debounce) wake() <-chan time.Time {
	if d.first.IsZero() || d.due() {
		return nil
	}
	return time.After(time.Until(d.at()))
}

// event notes an event; it reports whether it concerns the directory.
func (w *watcher) event(e fsnotify.Event) bool {
	path := strings.TrimPrefix(strings.TrimPrefix(filepath.ToSlash(e.Name), filepath.ToSlash(w.r.path)), "/")
	if e.Name == "" || path == Private || strings.HasPrefix(path, Private+"/") {
		return false
	}
	w.changed(parent(path))
	if w.watched[path] && e.Has(fsnotify.Rename|fsnotify.Remove) {
		w.gone[path] = true
	}
	if e.Has(fsnotify.Create) {
		w.made[path] = time.Now()
	}
	return true
}

func (w *watcher) changed(folder string) {
	if w.pending.Folders == nil {
		w.pending.Folders = map[string]bool{}
	}
	w.pending.Folders[folder] = true
}

// rewatch drops the watches of folders that are gone and adds new ones. Those are left
// alone for a while, since the library ends the watch of a renamed folder only after its
// new name has come.
func (w *watcher) rewatch(wait time.Duration) {
	var ripe []string
	for path, since := range w.made {
		if time.Since(since) >= wait {
			ripe = append(ripe, path)
			w.gone[path] = w.gone[path] || w.watched[path]
			delete(w.made, path)
		}
	}
	if len(w.gone) > 0 {
		w.drop()
	}
	for _, path := range ripe {
		if s, err := w.r.Stat(path); err == nil && s.IsDir() {
			w.add(path)
		}
	}
	if len(ripe) == 0 {
		return
	}
	for path := range w.made { // events had to wait meanwhile
		w.made[path] = time.Now()
	}
}

// drop ends the watches of folders that are gone and of those below them, which would
// go on under their old names.
func (w *watcher) drop() {
	maps.DeleteFunc(w.watched, func(path string, _ bool) bool {
		for at := path; at != ""; at = parent(at) {
			if w.gone[at] {
				w.notify.Remove(w.absolute(path)) //nolint:errcheck // it has ended already, if the folder is removed
				return true
			}
		}
		return false
	})
	clear(w.gone)
}

func parent(path string) string {
	return path[:max(strings.LastIndexByte(path, '/'), 0)]
}

func (w *watcher) absolute(path string) string {
	return filepath.Join(w.r.path, filepath.FromSlash(path))
}

// add watches a folder and those below it, and reports them all as changed: what came
// into them before the watch has no event.
func (w *watcher) add(folder string) {
	if folder == Private || w.watched[folder] || folder != "" && w.skip(folder) {
		return
	}
	if err := w.notify.Add(w.absolute(folder)); errors.Is(err, os.ErrNotExist) {
		return
	} else if err != nil {
		if w.pending.Unwatched == nil {
			w.pending.Unwatched = map[string]error{}
		}
		w.pending.Unwatched[folder] = failure("watch", folder, err)
	} else {
		w.watched[folder] = true
	}
	w.changed(folder)
	list, err := w.r.ReadDir(folder)
	if err != nil {
		return // who looks at the folder finds that, too
	}
	for _, entry := range list {
		if entry.IsDir() && entry.Err == nil {
			w.add(join(folder, entry.Name))
		}
	}
}
