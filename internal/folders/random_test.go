package folders_test

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
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
	for seed := range seeds(8) {
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
	for seed := range seeds(8) {
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
	names := []string{"a", "b", "c", "d", "A"}
	at := func() string {
		p := names[r.IntN(len(names))]
		for r.IntN(3) == 0 {
			p = path.Join(p, names[r.IntN(len(names))])
		}
		return p
	}
	p, q := at(), at()
	content := fmt.Sprintf("%x-%d", m.key[0], step)
	switch r.IntN(9) {
	case 0, 1, 2:
		m.writes(r, p, content)
	case 3:
		_ = m.user.mkdir(p)
	case 4, 5:
		m.moves(r, p, q)
	case 6:
		m.destroys(p)
		if r.IntN(3) == 0 {
			_ = m.user.removeAll(p)
		} else {
			_ = m.user.remove(p)
		}
	case 7:
		_ = m.user.chmod(p, []fs.FileMode{0o644, 0o755, 0o600}[r.IntN(3)])
	case 8:
		switch r.IntN(3) {
		case 0:
			_ = m.user.touch(p, time.Unix(r.Int64N(4e9), r.Int64N(1e9)))
		case 1:
			_ = m.user.symlink("somewhere", p)
		case 2:
			_ = m.user.link(p, q)
		}
	}
}

// writes has the user write a file: in place, as another file, or at its end.
func (m *member) writes(r *rand.Rand, p, content string) {
	m.destroys(p)
	var err error
	switch r.IntN(4) {
	case 0:
		old, there := contents(m.user)[p]
		if !there {
			return
		}
		content = old + "+" + content
		m.knows(content)
		err = m.user.add(p, strings.TrimPrefix(content, old))
	case 1:
		m.knows(content)
		err = m.user.replace(p, content)
	default:
		m.knows(content)
		err = m.user.write(p, content)
	}
	if err == nil {
		m.wrote[content] = true
	}
}

// knows notes that a content is a user's.
func (m *member) knows(content string) {
	if m.strict {
		m.real[blob.IDOf([]byte(content))] = true
	}
}

// moves has the user rename something, swap two, or change the case of a name.
func (m *member) moves(r *rand.Rand, p, q string) {
	switch r.IntN(4) {
	case 0:
		const aside = "aside" // for a moment
		if m.user.rename(p, aside) != nil {
			return
		}
		if m.user.rename(q, p) != nil {
			_ = m.user.rename(aside, p)
			return
		}
		if m.user.rename(aside, q) != nil {
			_ = m.user.rename(aside, "b-"+strconv.Itoa(r.IntN(1000)))
		}
		return
	case 1:
		q = path.Join(path.Dir(p), strings.ToUpper(path.Base(p)))
	}
	if p != q {
		m.destroys(q)
	}
	_ = m.user.rename(p, q)
}

// destroys notes that the user is about to overwrite or remove what lies at a path.
func (m *member) destroys(p string) {
	m.user.each(func(e entry) {
		if e.kind == 0 && (e.path == p || strings.HasPrefix(e.path, p+"/")) {
			m.destroyed[e.content] = true
		}
	})
	if content, err := os.ReadFile(m.path(p)); err == nil { // through a link
		m.destroyed[string(content)] = true
	}
}
