package localdir

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/mootspace/moot"
)

// watch starts watching, and returns a function that waits until a folder was reported.
func watch(t *testing.T, r *Root, skip func(string) bool) (changed func(folders ...string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reports := make(chan Changes, 100)
	done := make(chan error, 1)
	go func() {
		done <- r.Watch(ctx, WatchOptions{Wait: 20 * time.Millisecond, Skip: skip, Changed: func(c Changes) { reports <- c }})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the watch ended with %v", err)
		}
	})
	if first := <-reports; !first.All || len(first.Unwatched) > 0 {
		t.Fatalf("the first report is %v", first)
	}
	return func(folders ...string) {
		t.Helper()
		missing := map[string]bool{}
		for _, f := range folders {
			missing[f] = true
		}
		seen := map[string]bool{}
		timeout := time.After(20 * time.Second)
		for len(missing) > 0 {
			select {
			case c := <-reports:
				if c.All || c.Folders[Private] || c.Folders[Staging] {
					t.Errorf("reported %v", c)
				}
				maps.Copy(seen, c.Folders)
				maps.DeleteFunc(missing, func(f string, _ bool) bool { return c.Folders[f] })
			case <-timeout:
				t.Fatalf("no report of %v, only of %v", missing, seen)
			}
		}
	}
}

func TestWatch(t *testing.T) {
	r := add(t)
	check(t, os.MkdirAll(filepath.Join(r.Path(), "old/deep"), 0o755))
	check(t, os.MkdirAll(filepath.Join(r.Path(), "left/out"), 0o755))
	changed := watch(t, r, func(folder string) bool { return folder == "left" })
	write(t, r, "a", "x")
	changed("")
	write(t, r, "old/deep/a", "x")
	changed("old/deep")
	check(t, r.Chmod("old/deep", 0o700))
	changed("old")
	check(t, r.Mkdir("new", 0o755)) // the rest comes before the watch
	check(t, r.Mkdir("new/er", 0o755))
	write(t, r, "new/er/a", "x")
	changed("", "new", "new/er")
	write(t, r, "new/er/b", "x")
	changed("new/er")
	write(t, r, "left/out/a", "x")
	check(t, r.Remove("new/er/b"))
	changed("new/er")
}

func TestWatchMoves(t *testing.T) {
	r := add(t)
	outside := t.TempDir()
	check(t, os.MkdirAll(filepath.Join(r.Path(), "a/b/c"), 0o755))
	changed := watch(t, r, nil)
	at := "a"
	for i := range 20 {
		to := fmt.Sprintf("a%d", i)
		check(t, r.Place(at, to))
		at = to
		changed("", at, at+"/b", at+"/b/c")
		write(t, r, fmt.Sprintf("%s/b/c/file%d", at, i), "x")
		changed(at + "/b/c")
	}
	// Out and in again; in between others have its name.
	check(t, os.Rename(filepath.Join(r.Path(), at), filepath.Join(outside, "x")))
	check(t, r.Mkdir(at, 0o755))
	changed("", at)
	write(t, r, at+"/file", "x")
	changed(at)
	check(t, os.Rename(filepath.Join(outside, "x"), filepath.Join(r.Path(), "back")))
	changed("", "back", "back/b/c")
	write(t, r, "back/b/c/file", "x")
	changed("back/b/c")
	check(t, r.Exchange("back", at))
	changed("", at+"/b/c")
	write(t, r, at+"/b/c/more", "x")
	changed(at + "/b/c")
	check(t, os.RemoveAll(filepath.Join(r.Path(), at)))
	check(t, r.Mkdir(at, 0o755))
	changed("", at)
	write(t, r, at+"/file", "x")
	changed(at)
}

// TestWatchLost has events lost.
func TestWatchLost(t *testing.T) {
	r := add(t)
	notify, err := fsnotify.NewWatcher()
	check(t, err)
	reports := make(chan Changes)
	done := make(chan error)
	go func() { done <- r.watchOnce(t.Context(), notify, WatchOptions{Wait: time.Millisecond}, reports) }()
	<-reports
	notify.Errors <- fsnotify.ErrEventOverflow
	if err := <-done; err != nil {
		t.Errorf("got %v, want all to be watched anew", err)
	}
}

// TestWatchGone removes the directory itself.
func TestWatchGone(t *testing.T) {
	r := add(t)
	reports := make(chan Changes, 10)
	done := make(chan error)
	go func() {
		done <- r.Watch(t.Context(), WatchOptions{Wait: time.Millisecond, Changed: func(c Changes) { reports <- c }})
	}()
	<-reports
	check(t, os.Rename(r.Path(), filepath.Join(t.TempDir(), "moved")))
	want(t, "the directory is moved", <-done, moot.Unavailable)
}

func TestDebounce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := debounce{wait: time.Second}
		if d.due() || d.wake() != nil {
			t.Error("due without an event")
		}
		start := time.Now()
		d.event()
		<-d.wake()
		if got := time.Since(start); got != time.Second || !d.due() {
			t.Errorf("due after %v", got)
		}
		d = debounce{wait: time.Second}
		start = time.Now()
		for !d.due() { // events do not end
			d.event()
			time.Sleep(900 * time.Millisecond)
		}
		if got := time.Since(start); got < 10*time.Second || got > 11*time.Second {
			t.Errorf("endless events are reported after %v", got)
		}
	})
}
