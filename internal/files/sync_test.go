package files_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot/internal/files"
)

// folder is a directory that one member syncs.
type folder struct {
	t   *testing.T
	f   *files.Files
	dir string
}

func newFolder(t *testing.T, f *files.Files) *folder {
	return &folder{t, f, t.TempDir()}
}

// once syncs the directory.
func (d *folder) once() {
	d.t.Helper()
	must(d.t, d.f.Sync(d.t.Context(), d.dir, files.SyncOptions{Prefix: "shared", Once: true}))
}

func (d *folder) write(name, content string) { write(d.t, filepath.Join(d.dir, name), content) }

func (d *folder) remove(name string) { must(d.t, os.Remove(filepath.Join(d.dir, name))) }

// list returns all files as "name=content".
func (d *folder) list() (all []string) {
	must(d.t, filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".moot-") {
			return err
		}
		content, err := os.ReadFile(path)
		rel, _ := filepath.Rel(d.dir, path)
		all = append(all, filepath.ToSlash(rel)+"="+string(content))
		return err
	}))
	return all
}

func (d *folder) want(want ...string) {
	d.t.Helper()
	if got := d.list(); !slices.Equal(got, want) {
		d.t.Fatalf("the folder holds %q, want %q", got, want)
	}
}

func TestSyncBothWays(t *testing.T) {
	s := newStore(t)
	ann, bob := newFolder(t, newFiles(s, 1)), newFolder(t, newFiles(s, 2))
	ann.write("a", "1")
	ann.write("sub/b", "2")
	bob.write("c", "3")
	ann.once()
	bob.once()
	ann.once()
	for _, d := range []*folder{ann, bob} {
		d.want("a=1", "c=3", "sub/b=2")
	}
	bob.write("a", "changed")
	bob.remove("sub/b")
	bob.once()
	ann.once()
	ann.want("a=changed", "c=3")
	if _, err := os.Stat(ann.dir + "/sub"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("an empty folder was left")
	}
	history, err := ann.f.History(t.Context(), "shared/a")
	if err != nil || len(history) != 2 {
		t.Errorf("history: %v, %v", history, err)
	}
	ann.once() // nothing has changed, so nothing is stated
	if again, _ := ann.f.History(t.Context(), "shared/a"); len(again) != 2 {
		t.Error("syncing twice makes two versions")
	}
}

func TestSyncKeepsBothSidesOfAConflict(t *testing.T) {
	s := newStore(t)
	ann, bob := newFolder(t, newFiles(s, 1)), newFolder(t, newFiles(s, 2))
	ann.write("plan.txt", "base")
	ann.once()
	bob.once()
	ann.write("plan.txt", "ann's")
	bob.write("plan.txt", "bob's")
	ann.once()
	bob.once()
	ann.once()
	for d, mine := range map[*folder]string{ann: "ann's", bob: "bob's"} {
		got := d.list()
		if len(got) != 2 || !slices.Contains(got, "plan.txt="+mine) || !strings.Contains(got[0], "plan (conflict ") {
			t.Fatalf("%q", got)
		}
	}
	versions, err := ann.f.Conflicts(t.Context())
	if err != nil || len(versions) != 2 {
		t.Fatalf("conflicts: %v, %v", versions, err)
	}
	ann.once()
	bob.once()
	if again, _ := ann.f.List(t.Context(), "shared"); len(again) != 1 {
		t.Fatalf("conflict copies were shared: %v", again)
	}
	i := slices.IndexFunc(versions, func(f files.File) bool { return f.Size() == 5 && f.Author == versions[0].Author })
	_, err = bob.f.Resolve(t.Context(), "shared/plan.txt", versions[max(i, 0)].Entry.String())
	must(t, err)
	ann.once()
	bob.once()
	if a, b := ann.list(), bob.list(); len(a) != 1 || !slices.Equal(a, b) {
		t.Fatalf("after it was resolved: %q and %q", a, b)
	}
}

func TestSyncChangedHereRemovedThere(t *testing.T) {
	s := newStore(t)
	ann, bob := newFolder(t, newFiles(s, 1)), newFolder(t, newFiles(s, 2))
	ann.write("a", "1")
	ann.once()
	bob.once()
	ann.remove("a")
	bob.write("a", "edited")
	ann.once()
	bob.once()
	ann.once()
	ann.want("a=edited")
	bob.want("a=edited")
}

// TestALostDiskRemovesNothing: an empty mount point is not a folder whose files were
// removed.
func TestALostDiskRemovesNothing(t *testing.T) {
	s := newStore(t)
	ann := newFolder(t, newFiles(s, 1))
	ann.write("a", "1")
	ann.once()
	empty := newFolder(t, ann.f)
	empty.once()
	empty.want("a=1")
	must(t, os.RemoveAll(ann.dir))
	if err := ann.f.Sync(t.Context(), ann.dir, files.SyncOptions{Prefix: "shared", Once: true}); err == nil {
		t.Error("a directory that is gone was synced")
	}
	if list, _ := ann.f.List(t.Context(), ""); len(list) != 1 {
		t.Error("files were removed for all")
	}
}

// TestSyncNotices runs two directories at once; changes travel by events.
func TestSyncNotices(t *testing.T) {
	s := newStore(t)
	ann, bob := newFolder(t, newFiles(s, 1)), newFolder(t, newFiles(s, 2))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	for _, d := range []*folder{ann, bob} {
		go func() { done <- d.f.Sync(ctx, d.dir, files.SyncOptions{Prefix: "shared"}) }()
	}
	ann.write("new/a", "1")
	bob.eventually("new/a=1")
	bob.write("new/a", "2")
	ann.eventually("new/a=2")
	ann.remove("new/a")
	bob.eventually()
	cancel()
	for range 2 {
		must(t, <-done)
	}
}

func (d *folder) eventually(want ...string) {
	d.t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !slices.Equal(d.list(), want) {
		select {
		case <-tick.C:
		case <-deadline:
			d.want(want...)
		}
	}
}
