package folders_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
)

// TestPowerLoss: users edit, disks fail and fill up, machines lose power between any two
// operations on a directory, and clocks jump. In the end all directories are the same, nothing
// is lost that the space had, and nothing was sent that no user wrote.
func TestPowerLoss(t *testing.T) {
	for seed := range seeds(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { powerRun(t, uint64(seed), 150) })
		})
	}
}

func powerRun(t *testing.T, seed uint64, steps int) {
	r := rand.New(rand.NewPCG(seed, 3))
	w := newDiskWorld(t, 3)
	for i := range steps {
		m := w.members[r.IntN(len(w.members))]
		switch r.IntN(20) {
		case 0, 1:
			m.try(time.Minute)
		case 2, 3, 4:
			m.unpowered(r, i)
		case 5, 6:
			w.meet(m, w.members[r.IntN(len(w.members))])
		case 7:
			m.losePower(anyLoss(r))
		case 8:
			m.skew = time.Duration(r.Int64N(int64(14*24*time.Hour))) - 7*24*time.Hour
		default:
			m.random(r, i)
		}
	}
	for _, m := range w.members { // what failed is not tried again for a while
		m.restart()
	}
	w.converge()
	w.converge()
	w.same()
	w.lost()
	for _, m := range w.members {
		must(t, m.service.Close())
	}
	if t.Failed() {
		t.Logf("seed %d", seed)
	}
}

// try is once, as far as it goes.
func (m *member) try(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_, _ = m.service.Once(ctx, m.dir, nil) // what is left undone is done later
}

// unpowered is once with a user and a failing disk in between, which may lose power.
func (m *member) unpowered(r *rand.Rand, step int) {
	var mu sync.Mutex
	dead := false
	crash := r.IntN(2) == 0
	m.before = func(op, _ string) error {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case dead:
			return moot.Errorf(moot.Internal, "the machine is off")
		case op == "open": // by several at once
		case r.IntN(20) == 0:
			m.random(r, 1000*step+r.IntN(1000))
		case r.IntN(50) == 0:
			return moot.Errorf([]moot.ErrorKind{moot.Full, moot.Denied, moot.Internal, moot.Unavailable}[r.IntN(4)], "a disturbance")
		case crash && r.IntN(30) == 0:
			dead = true
			_ = m.service.Close()
			return moot.Errorf(moot.Internal, "the machine is off")
		}
		return nil
	}
	m.try(time.Second)
	m.before = nil
	if dead {
		m.losePower(anyLoss(r))
	}
}

// What a user did and the space knows stays done, though nothing was flushed by the user.
func TestStatedIsDurable(t *testing.T) {
	base := func(m *member) {
		must(t, m.user.mkdir("d"))
		must(t, m.user.write("d/f", "1"))
		must(t, m.user.write("g", "2"))
	}
	for _, c := range []struct {
		name string
		edit func(u user) error
		want string
	}{
		{"create", func(u user) error { return u.write("d/new", "3") }, "d/|d/f=1|d/new=3|g=2"},
		{"folder", func(u user) error { return errors.Join(u.mkdir("e/h"), u.write("e/h/new", "3")) }, "d/|d/f=1|e/|e/h/|e/h/new=3|g=2"},
		{"write", func(u user) error { return u.write("d/f", "3") }, "d/|d/f=3|g=2"},
		{"replace", func(u user) error { return u.replace("d/f", "3") }, "d/|d/f=3|g=2"},
		{"rename", func(u user) error { return u.rename("d/f", "h") }, "d/|g=2|h=1"},
		{"remove", func(u user) error { return u.remove("d/f") }, "d/|g=2"},
		{"remove all", func(u user) error { return u.removeAll("d") }, "g=2"},
		{"chmod", func(u user) error { return u.chmod("g", 0o600) }, "d/|d/f=1|g=2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newDiskWorld(t, 2)
				a, b := w.members[0], w.members[1]
				for _, content := range []string{"1", "2", "3"} {
					a.knows(content)
				}
				everything := loss{r: rand.New(rand.NewPCG(1, 1))}
				base(a)
				w.converge()
				a.losePower(everything)
				b.losePower(everything)
				must(t, c.edit(a.user))
				a.once()
				w.meet(a, b)
				a.losePower(everything)
				b.once()
				b.losePower(everything)
				entries := len(a.entries)
				w.converge()
				w.same()
				if got := a.names(); got != c.want {
					t.Errorf("%s and not %s", got, c.want)
				}
				if n := len(a.entries); n != entries {
					t.Errorf("%d more entries: what was lost was taken for an edit", n-entries)
				}
				must(t, errors.Join(a.service.Close(), b.service.Close()))
			})
		})
	}
}
