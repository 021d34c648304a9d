package folders_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/localdir"
)

// restart opens the service again, as after a kill.
func (m *member) restart() {
	must(m.t, m.service.Close())
	m.before = nil
	m.open()
}

// killed runs once, calls edit with each operation on the directory, and ends the program
// where edit says so.
func (m *member) killed(edit func(op, path string) (kill bool)) {
	dead := false
	m.before = func(op, path string) error {
		if dead || edit(op, path) {
			dead = true
			return moot.Errorf(moot.Internal, "the program is dead")
		}
		return nil
	}
	_, _ = m.service.Once(context.Background(), m.dir, nil) // fails, as the program is dead
	m.restart()
}

func (m *member) staged() (names []string) {
	list, err := os.ReadDir(m.path(localdir.Staging))
	must(m.t, err)
	for _, one := range list {
		names = append(names, one.Name())
	}
	return names
}

func TestStagingIsEmptied(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	for _, name := range []string{"1", "2", "3"} {
		a.write(name, "old "+name)
	}
	w.converge()
	a.write("1", "new 1")
	a.write("2", "another 2")
	a.write("4", "4")
	a.once()
	w.meet(a, b)
	for _, until := range []string{"place", "exchange", "stat", "flush", "remove"} {
		placed := false
		b.killed(func(op, _ string) bool {
			placed = placed || op == "stage"
			return placed && op == until
		})
	}
	must(t, os.WriteFile(filepath.Join(b.dir, localdir.Staging, "new-half"), []byte("ha"), 0o600))
	w.converge()
	w.same()
	if left := b.staged(); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
}

// A user writes between the last look at a file and its exchange or removal, and then the
// program is killed: what the user wrote must not stay aside.
func TestKilledWithAnEditAside(t *testing.T) {
	for _, what := range []string{"exchange", "remove"} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, 2)
			a, b := w.members[0], w.members[1]
			a.write("f.txt", "1")
			w.converge()
			if what == "remove" {
				a.remove("f.txt")
			} else {
				a.write("f.txt", "2")
			}
			a.once()
			w.meet(a, b)
			taken := false
			b.killed(func(op, path string) bool {
				if taken {
					return true
				}
				if op == "exchange" || op == "place" && path == "f.txt" {
					b.write("f.txt", "mine")
					taken = true
				}
				return false
			})
			w.converge()
			w.same()
			if got := a.names(); !strings.Contains(got, "=mine") {
				t.Errorf("the edit is lost: %s, aside: %q", got, b.staged())
			}
		})
	}
}

// A user writes twice: before a file is exchanged, and before it is exchanged back.
func TestQuickerTwice(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	a.write("f.txt", "1")
	w.converge()
	a.write("f.txt", "2")
	a.once()
	w.meet(a, b)
	n := 0
	b.before = func(op, _ string) error {
		if op == "exchange" {
			n++
			b.write("f.txt", "mine"+strings.Repeat("!", n))
		}
		return nil
	}
	b.once()
	b.before = nil
	w.converge()
	w.same()
	if got := a.names(); !strings.Contains(got, "=mine!!") {
		t.Errorf("%s", got)
	}
	if got := a.names(); !strings.Contains(got, "=mine!|") && !strings.HasSuffix(got, "=mine!") {
		t.Errorf("%s", got)
	}
}

// A folder that is not wanted on a disk is removed there alone, whenever that is interrupted.
func TestKilledWhileDeselecting(t *testing.T) {
	for _, until := range []string{"stat", "place", "flush", "remove", "removefolder", "end"} {
		t.Run(until, func(t *testing.T) {
			w := newWorld(t, 2)
			a, b := w.members[0], w.members[1]
			a.write("d/x", "1")
			a.write("d/e/y", "2")
			a.write("z", "3")
			w.converge()
			must(t, b.service.Select(context.Background(), b.dir, []string{"d"}))
			n := 0
			b.killed(func(op, _ string) bool {
				if op == until {
					n++
				}
				return n == 2
			})
			w.converge()
			if got := a.names(); got != "d/|d/e/|d/e/y=2|d/x=1|z=3" {
				t.Errorf("%s", got)
			}
			if got := b.names(); got != "z=3" {
				t.Errorf("%s", got)
			}
		})
	}
}

// A conflict copy gets the name, and the program is killed before that is recorded: the copy
// was not removed.
func TestKilledWhileACopyIsRenamed(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.members[0], w.members[1]
	a.write("d/x", "1")
	b.write("d", "2")
	w.converge()
	a.remove("d")
	a.once()
	w.meet(a, b)
	placed := false
	b.killed(func(op, path string) bool {
		placed = placed || op == "place" && strings.HasPrefix(path, "d (conflict")
		return placed && op == "flush"
	})
	w.converge()
	w.same()
	if got := a.names(); got != "d=2" || !placed {
		t.Errorf("%s", got)
	}
}
