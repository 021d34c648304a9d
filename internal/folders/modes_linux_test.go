//go:build linux

package folders_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/folders"
	"github.com/mootspace/moot/internal/tree"
)

// unprivileged refuses changes in folders that their owner may not write, also to root.
func (m *member) unprivileged() {
	m.before = func(op, path string) error {
		if !slices.Contains([]string{"place", "to", "exchange", "mkdir", "symlink", "remove", "removefolder"}, op) {
			return nil
		}
		if info, err := os.Stat(filepath.Dir(m.path(path))); err == nil && info.Mode()&0o200 == 0 {
			return moot.Errorf(moot.Denied, "%s %s: permission denied", op, path)
		}
		return nil
	}
}

// chmod sets permissions for the user, who may.
func (m *member) chmod(name string, mode fs.FileMode) {
	m.t.Helper()
	must(m.t, os.Chmod(m.path(name), mode))
}

func (m *member) mode(name string) fs.FileMode {
	m.t.Helper()
	info, err := os.Stat(m.path(name))
	must(m.t, err)
	return info.Mode().Perm()
}

// TestReadOnlyFolders arrive with what is in them, and stay what they are while that changes.
func TestReadOnlyFolders(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	b.unprivileged()
	a.write("d/1", "one")
	a.write("d/2", "two")
	a.write("d/sub/3", "three")
	a.write("e/4", "four")
	step := func(what, want string, change func()) {
		t.Helper()
		for _, dir := range []string{"d/sub", "d", "e"} {
			if _, err := os.Stat(a.path(dir)); err == nil {
				a.chmod(dir, 0o755)
			}
		}
		change()
		for _, dir := range []string{"d/sub", "d", "e"} {
			if _, err := os.Stat(a.path(dir)); err == nil {
				a.chmod(dir, 0o555)
			}
		}
		w.converge()
		w.same()
		if got := b.names(); got != want {
			t.Errorf("%s: %s", what, got)
		}
		if s := b.once(); s.Failing != 0 {
			t.Errorf("%s: %+v", what, s.Problems)
		}
	}
	step("new", "d/|d/1=one|d/2=two|d/sub/|d/sub/3=three|e/|e/4=four", func() {})
	step("changed", "d/|d/1=ONE|d/2=two|d/sub/|d/sub/3=three|e/|e/4=four", func() { a.write("d/1", "ONE") })
	step("renamed", "d/|d/2=two|d/one=ONE|d/sub/|d/sub/3=three|e/|e/4=four", func() { a.rename("d/1", "d/one") })
	step("moved", "d/|d/2=two|d/sub/|d/sub/3=three|e/|e/4=four|e/one=ONE", func() { a.rename("d/one", "e/one") })
	step("folder moved", "d/|d/2=two|e/|e/4=four|e/one=ONE|e/sub/|e/sub/3=three", func() { a.rename("d/sub", "e/sub") })
	step("swapped", "d/|d/2=two|e/|e/4=ONE|e/one=four|e/sub/|e/sub/3=three", func() {
		a.rename("e/one", "e/x")
		a.rename("e/4", "e/one")
		a.rename("e/x", "e/4")
	})
	step("made", "d/|d/2=two|d/new/|d/new/5=five|e/|e/4=ONE|e/one=four|e/sub/|e/sub/3=three", func() { a.write("d/new/5", "five") })
	step("removed", "d/|d/new/|d/new/5=five|e/|e/4=ONE|e/one=four|e/sub/|e/sub/3=three", func() { a.remove("d/2") })
	step("folder removed", "d/|d/new/|d/new/5=five", func() { a.remove("e") })
}

// TestCrashWhileLifted: permissions that a crash leaves behind are not the user's.
func TestCrashWhileLifted(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	b.unprivileged()
	a.write("d/1", "one")
	a.chmod("d", 0o555)
	w.converge()
	a.chmod("d", 0o755)
	a.write("d/1", "two")
	a.chmod("d", 0o555)
	a.once()
	w.meet(a, b)
	denied := b.before
	dead := false
	b.before = func(op, path string) error {
		if !dead && op == "chmod" && path == "d" && b.mode("d") == 0o755 {
			dead = true
			_ = b.service.Close()
		}
		if dead {
			return moot.Errorf(moot.Internal, "the program is dead")
		}
		return denied(op, path)
	}
	_, _ = b.service.Once(context.Background(), b.dir, nil)
	if !dead || b.mode("d") != 0o755 {
		t.Fatalf("dead: %v, the folder has %o", dead, b.mode("d"))
	}
	b.before = denied
	b.open()
	w.converge()
	w.same()
	if s, _ := a.tree.Lookup("shared/d"); s.Mode != 0o555 || b.mode("d") != 0o555 {
		t.Errorf("the space has %o, the disk %o", s.Mode, b.mode("d"))
	}
}

// TestModeThatNobodyCanSet is named.
func TestModeThatNobodyCanSet(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	b.before = func(op, path string) error {
		if op == "chmod" {
			return moot.Errorf(moot.Denied, "chmod %s: not permitted", path)
		}
		return nil
	}
	a.write("d/1", "one")
	a.chmod("d", 0o555)
	w.converge()
	if s := b.once(); s.Failing != 1 || s.Problems[0].Path != "d" || b.names() != "d/|d/1=one" {
		t.Errorf("%+v, %s", s.Problems, b.names())
	}
	if s, _ := a.tree.Lookup("shared/d"); s.Mode != 0o555 {
		t.Errorf("the space has %o", s.Mode)
	}
}

// TestMovedAndOtherMode: a folder that is moved has other permissions, too.
func TestMovedAndOtherMode(t *testing.T) {
	w := newWorld(t, 2)
	a := w.members[0]
	a.write("d/1", "one")
	w.converge()
	a.rename("d", "e")
	a.chmod("e", 0o750)
	w.converge()
	w.same()
}

// TestOtherModeOfTheSame: what lies on a disk before it meets the space gets the space's
// permissions and times.
func TestOtherModeOfTheSame(t *testing.T) {
	w := newWorld(t, 1)
	a := w.members[0]
	a.write("d/1", "one")
	must(t, os.Symlink("1", a.path("d/link")))
	a.chmod("d", 0o750)
	a.chmod("d/1", 0o640)
	a.once()
	b := &member{world: w, key: moot.Key{2}, tree: tree.New(tree.Config{}), dir: t.TempDir(), data: t.TempDir(), wrote: map[string]bool{}, destroyed: map[string]bool{}}
	w.members = append(w.members, b)
	w.meet(a, b)
	b.write("d/1", "one")
	must(t, os.Symlink("1", b.path("d/link")))
	must(t, os.Chtimes(b.path("d/1"), time.Time{}, time.Unix(1e9, 0)))
	b.open()
	_, err := b.service.Add(context.Background(), b.dir, folders.Options{Name: "shared"})
	must(t, err)
	w.converge()
	w.same()
	if linkTime(t, a, "d/link") != linkTime(t, b, "d/link") {
		t.Error("the links have two times")
	}
}

// TestTimesOfLinks arrive, with the link and alone.
func TestTimesOfLinks(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	must(t, os.Symlink("nowhere", a.path("link")))
	for _, at := range []int64{1e9, -1e9, 2e9} {
		times := []unix.Timespec{{Sec: at}, {Sec: at, Nsec: 5}}
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, a.path("link"), times, unix.AT_SYMLINK_NOFOLLOW))
		w.converge()
		if got := linkTime(t, b, "link"); got != at*1e9+5 {
			t.Errorf("%d became %d", at, got)
		}
		if s := b.once(); s.Failing != 0 {
			t.Errorf("%+v", s.Problems)
		}
	}
}

func linkTime(t *testing.T, m *member, name string) int64 {
	info, err := os.Lstat(m.path(name))
	must(t, err)
	return info.ModTime().UnixNano()
}
