package folders_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// seeds returns how many random runs are wanted: more by hand than in each test.
func seeds(t testing.TB, usual int) int {
	if n, err := strconv.Atoi(os.Getenv("MOOT_SEEDS")); err == nil {
		return n
	}
	return usual
}

// TestRandomOperations: whatever members do to their directories while they meet now and
// then, in the end all directories are the same, and nothing that was written is lost but
// what somebody has replaced or removed.
func TestRandomOperations(t *testing.T) {
	for seed := range seeds(t, 20) {
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
	if t.Failed() {
		t.Logf("seed %d", seed)
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
		ignore(os.WriteFile(p, []byte(fmt.Sprintf("%x-%d", m.key[0], step)), 0o644))
	case 3:
		ignore(os.MkdirAll(p, 0o755))
	case 4, 5:
		ignore(os.Rename(p, q))
	case 6:
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
			}
		case 1:
			ignore(os.Symlink("somewhere", p))
		case 2:
			ignore(os.Link(p, q))
		}
	}
}
