package jobs

import (
	"testing"
	"time"

	"github.com/mootspace/moot"
)

func TestPick(t *testing.T) {
	in := moot.Input{ID: moot.BlobID{9}}
	busy := &worker{Worker: Worker{Key: moot.Key{1}, Slots: 1}, running: map[*attempt]struct{}{{}: {}}}
	idle := &worker{Worker: Worker{Key: moot.Key{2}, Slots: 1}}
	holder := &worker{Worker: Worker{Key: moot.Key{3}, Slots: 1}, holds: map[moot.BlobID]struct{}{in.ID: {}}}
	lossy := &worker{Worker: Worker{Key: moot.Key{4}, Slots: 1}, failed: 2}
	other := &worker{Worker: Worker{Key: moot.Key{5}, Member: moot.MemberID{1}, Slots: 1}}
	once, checked := &job{}, &job{stored: stored{spec: Spec{Check: 2}}}
	voted := []vote{{worker: moot.Key{6}, member: other.Member}}
	anyWorker := func(*worker) bool { return true }
	for name, c := range map[string]struct {
		pool []*worker
		task task
		want *worker
	}{
		"least loaded":  {[]*worker{busy, idle}, task{job: once}, idle},
		"has the input": {[]*worker{idle, holder}, task{job: once, row: row{input: &in}}, holder},
		"fewer losses":  {[]*worker{lossy, idle}, task{job: once}, idle},
		"has voted":     {[]*worker{busy, idle}, task{job: once, votes: []vote{{worker: idle.Key}}}, busy},
		"none is left":  {[]*worker{idle}, task{job: once, votes: []vote{{worker: idle.Key}}}, nil},
		"a device more": {[]*worker{other}, task{job: once, votes: voted}, other},
		"one vote each": {[]*worker{other}, task{job: checked, votes: voted}, nil},
		"runs a vote":   {[]*worker{other}, task{job: checked, running: []*attempt{{worker: &worker{Worker: Worker{Member: other.Member}}}}}, nil},
	} {
		if got := pick(c.pool, &c.task, anyWorker); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if pick([]*worker{idle}, &task{job: once}, func(*worker) bool { return false }) != nil {
		t.Error("a worker that may not run the task")
	}
}

func TestMajority(t *testing.T) {
	a, b := [32]byte{1}, [32]byte{2}
	for name, c := range map[string]struct {
		votes []vote
		want  [32]byte
		agree int
	}{
		"none":      {nil, [32]byte{}, 0},
		"unanimous": {[]vote{{digest: a}, {digest: a}}, a, 2},
		"two of 3":  {[]vote{{digest: b}, {digest: a}, {digest: a}}, a, 2},
	} {
		if v, agree := majority(c.votes); v.digest != c.want || agree != c.agree {
			t.Errorf("%s: %v, %d", name, v.digest, agree)
		}
	}
}

func TestMedian(t *testing.T) {
	if got := median([]time.Duration{9, 1, 5}); got != 5 {
		t.Error(got)
	}
	if got := median(nil); got != 0 {
		t.Error(got)
	}
}
