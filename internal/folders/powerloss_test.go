package folders_test

import (
	"context"
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
	for seed := range seeds(30) {
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
