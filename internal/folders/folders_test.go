package folders_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestBothWays(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	a.write("one", "1")
	a.write("d/two", "2")
	must(t, os.Mkdir(a.path("empty"), 0o750))
	must(t, os.Symlink("../x", a.path("link")))
	must(t, os.Chmod(a.path("one"), 0o755))
	must(t, os.Chtimes(a.path("d/two"), time.Time{}, time.Unix(1e9, 5)))
	b.write("three", "3")
	w.converge()
	w.same()
	if got := b.names(); got != "d/|d/two=2|empty/|link>../x|one=1|three=3" {
		t.Errorf("%s", got)
	}
	b.write("one", "changed")
	a.remove("d")
	b.rename("three", "four")
	w.converge()
	w.same()
	if got := a.names(); got != "empty/|four=3|link>../x|one=changed" {
		t.Errorf("%s", got)
	}
}

func TestFolderRenamed(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	a.write("d/x/1", "1")
	a.write("d/2", "2")
	w.converge()
	entries := len(a.entries)
	a.rename("d", "e")
	a.once()
	if n := len(a.entries) - entries; n != 1 {
		t.Errorf("%d entries", n)
	}
	b.write("d/x/3", "3")
	w.converge()
	w.same()
	if got := b.names(); got != "e/|e/2=2|e/x/|e/x/1=1|e/x/3=3" {
		t.Errorf("%s", got)
	}
}

func TestConflict(t *testing.T) {
	w := newWorld(t, 3)
	a, b := w.members[0], w.members[1]
	a.write("plan.txt", "base")
	w.converge()
	a.write("plan.txt", "a's")
	b.write("plan.txt", "b's")
	w.converge()
	w.same()
	got := strings.Split(a.names(), "|")
	if len(got) != 2 || !strings.Contains(a.names(), "(conflict ") {
		t.Fatalf("%q", got)
	}
	for _, s := range got {
		if name, _, _ := strings.Cut(s, "="); strings.Contains(name, "conflict") {
			b.remove(name)
		}
	}
	w.converge()
	w.same()
	if got := b.names(); strings.Contains(got, "conflict") || !strings.Contains(got, "plan.txt=") {
		t.Errorf("%s", got)
	}
}

func TestTheSameOnBothSides(t *testing.T) {
	w := newWorld(t, 2)
	for i, m := range w.members {
		m.write("d/same", "same")
		must(t, os.Chmod(m.path("d/same"), []os.FileMode{0o644, 0o755}[i]))
		must(t, os.Chtimes(m.path("d/same"), time.Time{}, time.Unix(1e9+int64(i), 5)))
	}
	w.meet(w.members[0], w.members[1]) // one states it first
	w.members[0].once()
	w.meet(w.members[0], w.members[1])
	w.converge()
	w.same()
	if got := w.members[0].names(); got != "d/|d/same=same" {
		t.Errorf("%s", got)
	}
}

func TestSwap(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	a.write("1", "one")
	a.write("2", "two")
	w.converge()
	a.rename("1", "x")
	a.rename("2", "1")
	a.rename("x", "2")
	w.converge()
	w.same()
	if got := b.names(); got != "1=two|2=one" {
		t.Errorf("%s", got)
	}
}

// A change without permissions states none: the file would arrive readable.
func TestNobodyHasPermissions(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	a.write("secret", "1")
	must(t, os.Chmod(a.path("secret"), 0))
	a.write("other", "2")
	w.converge()
	if got := b.names(); got != "other=2" {
		t.Errorf("%s", got)
	}
	if s := a.once(); s.Failing != 1 || s.Problems[0].Path != "secret" {
		t.Errorf("%+v", s.Problems)
	}
	must(t, os.Chmod(a.path("secret"), 0o600))
	w.converge()
	w.same()
	if s := a.once(); s.Failing != 0 || b.names() != "other=2|secret=1" {
		t.Errorf("%+v, %s", s.Problems, b.names())
	}
}

// A file that does not fit is named, and others after it arrive.
func TestDoesNotFit(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	a.write("1", "one")
	a.write("2", strings.Repeat("two", 1<<15))
	a.write("3", "three")
	b.before = func(op, _ string) error {
		if op == "free" {
			return os.ErrInvalid
		}
		return nil
	}
	w.converge()
	if got := b.names(); got != "1=one|3=three" {
		t.Errorf("%s", got)
	}
	if s := b.once(); s.Failing != 1 || s.Problems[0].Path != "2" || s.Problems[0].Kind != "full" {
		t.Errorf("%+v", s.Problems)
	}
}

// Two names of one file are two files for the space; what is set at one must not be set at
// the other, or they change back and forth for ever.
func TestHardLinks(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	a.write("one", "1")
	must(t, os.Link(a.path("one"), a.path("two")))
	w.converge()
	w.same()
	must(t, os.Chmod(b.path("one"), 0o600))
	must(t, os.Chtimes(b.path("two"), time.Time{}, time.Unix(1e9, 5)))
	w.converge()
	w.same()
	if i, err := os.Stat(a.path("two")); err != nil || i.Mode() != 0o644 {
		t.Errorf("%v, %v", i.Mode(), err)
	}
}

// A file whose stat alone has changed, as after a loss of power or the work of a backup, is
// removed if others have removed it.
func TestStatIsNoEdit(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	a.write("f", "1")
	w.converge()
	a.remove("f")
	a.once()
	w.meet(a, b)
	must(t, os.Chmod(b.path("f"), 0o600))
	must(t, os.Chmod(b.path("f"), 0o644))
	w.converge()
	w.same()
	if got := a.names(); got != "" {
		t.Errorf("%s", got)
	}
}

// A file is moved into a new folder of its own name.
func TestFileBecomesFolder(t *testing.T) {
	w := newWorld(t, 2)
	a := w.members[0]
	a.write("f", "one")
	a.write("d/g", "two")
	w.converge()
	a.rename("f", "x")
	a.write("f/other", "three")
	a.rename("x", "f/f")
	a.rename("d/g", "x")
	a.remove("d")
	a.rename("x", "d")
	w.converge()
	w.same()
	if got := w.members[1].names(); got != "d=two|f/|f/f=one|f/other=three" {
		t.Error(got)
	}
}

// What patterns come to exclude stays on all disks, and so does what they exclude in a folder
// that somebody removes.
func TestPatternsRemoveNothing(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	a.write(".mootignore", "*.o")
	a.write("build/out", "1")
	a.write("src/main", "2")
	w.converge()
	a.write("build/new", "never sent")
	b.write("src/main.o", "excluded")
	a.write(".mootignore", "*.o\nbuild/")
	w.converge()
	a.remove("src")
	w.converge()
	if got := a.names(); got != ".mootignore=*.o\nbuild/|build/|build/new=never sent|build/out=1" {
		t.Errorf("%q", got)
	}
	if got := b.names(); got != ".mootignore=*.o\nbuild/|build/|build/out=1|src/|src/main.o=excluded" {
		t.Errorf("%q", got)
	}
	b.write("src/other", "3")
	w.converge()
	if got := a.names(); got != ".mootignore=*.o\nbuild/|build/|build/new=never sent|build/out=1|src/|src/other=3" {
		t.Errorf("%q", got)
	}
}
