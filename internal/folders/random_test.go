package folders_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// seeds returns how many random runs are wanted: more by hand than in each test.
func seeds(usual int) int {
	if n, err := strconv.Atoi(os.Getenv("MOOT_SEEDS")); err == nil {
		return n
	}
	return usual
}

// TestRandomOperations: whatever members do to their directories while they meet now and
// then, in the end all directories are the same, and nothing that was written is lost but
// what somebody has replaced or removed.
func TestRandomOperations(t *testing.T) {
	for seed := range seeds(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			randomRun(t, uint64(seed), 200)
		})
	}
}

func randomRun(t *testing.T, seed uint64, steps int) {
	r := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t, 3)
	for i := range steps {
		m := w.members[r.IntN(len(w.members))]
		switch r.IntN(10) {
		case 0, 1:
			m.once()
		case 2:
			w.meet(m, w.members[r.IntN(len(w.members))])
		default:
			m.random(r, i)
		}
	}
	w.converge()
	w.converge()
	w.same()
	w.lost()
	if t.Failed() {
		t.Logf("seed %d", seed)
	}
}

// TestUserBetweenCalls: a user edits, and the disk fails, between any two operations on a
// directory, and the program is killed at any of them.
func TestUserBetweenCalls(t *testing.T) {
	for seed := range seeds(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(seed), 2))
			w := newWorld(t, 3)
			for i := range 120 {
				m := w.members[r.IntN(len(w.members))]
				switch r.IntN(10) {
				case 0, 1, 2:
					m.disturbed(r, i)
				case 3:
					w.meet(m, w.members[r.IntN(len(w.members))])
				default:
					m.random(r, i)
				}
			}
			for _, m := range w.members { // what failed is not tried again for a while
				must(t, m.service.Close())
				m.open()
			}
			w.converge()
			w.converge()
			w.same()
			w.lost()
			if t.Failed() {
				t.Logf("seed %d", seed)
			}
		})
	}
}

// disturbed is once with a user, a failing disk and a crash in between.
func (m *member) disturbed(r *rand.Rand, step int) {
	var mu sync.Mutex
	dead := false
	crash := r.IntN(4) == 0
	m.before = func(string, string) error {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case dead:
			return moot.Errorf(moot.Internal, "the program is dead")
		case r.IntN(12) == 0:
			m.random(r, 1000*step+r.IntN(1000))
		case r.IntN(40) == 0:
			return moot.Errorf([]moot.ErrorKind{moot.Full, moot.Denied, moot.Internal, moot.Unavailable}[r.IntN(4)], "a disturbance")
		case crash && r.IntN(60) == 0:
			dead = true
			_ = m.service.Close()
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = m.service.Once(ctx, m.dir, nil) // what is left undone is done later
	m.before = nil
	if dead {
		m.open()
	}
}

// random does something to a directory.
func (m *member) random(r *rand.Rand, step int) {
	names := []string{"a", "b", "c", "d"}
	at := func() string {
		p := names[r.IntN(len(names))]
		for r.IntN(3) == 0 {
			p = filepath.Join(p, names[r.IntN(len(names))])
		}
		return p
	}
	ignore := func(err error) {
		if err != nil && !errors.As(err, new(*fs.PathError)) && !errors.As(err, new(*os.LinkError)) {
			m.t.Fatal(err)
		}
	}
	p, q := m.path(at()), m.path(at())
	switch r.IntN(8) {
	case 0, 1, 2:
		m.destroys(p)
		content := fmt.Sprintf("%x-%d", m.key[0], step)
		err := os.WriteFile(p, []byte(content), 0o644)
		ignore(err)
		if err == nil {
			m.wrote[content] = true
		}
	case 3:
		ignore(os.MkdirAll(p, 0o755))
	case 4, 5:
		if p != q {
			m.destroys(q)
		}
		ignore(os.Rename(p, q))
	case 6:
		m.destroys(p)
		if r.IntN(3) == 0 {
			ignore(os.RemoveAll(p))
		} else {
			ignore(os.Remove(p))
		}
	case 7:
		switch r.IntN(3) {
		case 0:
			if i, err := os.Lstat(p); err == nil && i.Mode().IsRegular() {
				ignore(os.Chmod(p, []os.FileMode{0o644, 0o755, 0o600}[r.IntN(3)]))
			} else if err == nil && i.IsDir() {
				ignore(os.Chmod(p, []os.FileMode{0o755, 0o555, 0o700}[r.IntN(3)]))
			}
		case 1:
			ignore(os.Symlink("somewhere", p))
		case 2:
			ignore(os.Link(p, q))
		}
	}
}

// destroys notes that the user is about to overwrite or remove what lies at a path.
func (m *member) destroys(p string) {
	if content, err := os.ReadFile(p); err == nil { // also through a link
		m.destroyed[string(content)] = true
	}
	_ = filepath.WalkDir(p, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if content, err := os.ReadFile(p); err == nil {
				m.destroyed[string(content)] = true
			}
		}
		return nil
	})
}

// lost wants all that was written, and that no user destroyed before it was sent, to be
// on a disk, or to have been sent, so that the history has it.
func (w *world) lost() {
	w.t.Helper()
	there := map[string]bool{}
	for _, content := range w.bytes {
		there[string(content)] = true
	}
	for _, m := range w.members {
		_ = filepath.WalkDir(m.dir, func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				if content, err := os.ReadFile(p); err == nil {
					there[string(content)] = true
				}
			}
			return nil
		})
	}
	n := 0
	for _, m := range w.members {
		for content := range m.wrote {
			if !there[content] && !m.destroyed[content] {
				w.t.Errorf("%s was lost", content)
			}
			n++
		}
	}
	w.t.Logf("%d contents written", n)
}
