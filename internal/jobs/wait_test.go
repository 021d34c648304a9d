package jobs_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/store"
)

// awaitWhy follows a job until it says why it waits.
func (s *fixture) awaitWhy(id, part string) {
	s.t.Helper()
	for ev, err := range s.submitter.Follow(s.t.Context(), id, false) {
		if err != nil {
			s.t.Fatal(err)
		}
		if ev.Job.State.Ended() {
			s.t.Fatalf("it ended: %+v", ev.Job)
		}
		if strings.Contains(ev.Job.Why, part) {
			return
		}
	}
}

// TestWaitsForALender: a job whose only lender refuses, is full, lacks a blob or has gone
// waits, says so, and goes on with the next.
func TestWaitsForALender(t *testing.T) {
	for _, kind := range []moot.ErrorKind{moot.Denied, moot.Full, moot.NotFound, moot.Unavailable, moot.Revoked} {
		t.Run(string(kind), func(t *testing.T) {
			var open atomic.Bool
			s := newFixture(t, worker(1, 1, func(ctx context.Context, task moot.Task, w func(moot.Progress)) (moot.Outcome, error) {
				if open.Load() {
					return honest(ctx, task, w)
				}
				return moot.Outcome{}, moot.Errorf(kind, "not now")
			}))
			j := s.submit(jobs.Spec{As: "out", Stages: []jobs.Stage{{Count: 3}}})
			s.awaitWhy(j.ID, "waiting for a lender: ")
			open.Store(true)
			if j = s.await(j.ID); j.State != jobs.Done || j.Progress.Done != 3 {
				t.Errorf("%+v", j)
			}
		})
	}
}

// TestNoLenderLeft: a job whose last lender withdraws goes on with another's offer.
func TestNoLenderLeft(t *testing.T) {
	s := newFixture(t)
	j := s.submit(jobs.Spec{As: "out"})
	s.awaitWhy(j.ID, "nobody who lends can be reached")
	s.mu.Lock()
	s.workers = []jobs.Worker{worker(1, 1, honest)}
	s.mu.Unlock()
	if j = s.await(j.ID); j.State != jobs.Done {
		t.Errorf("%+v", j)
	}
}

// TestMemoryFits: tasks go to lenders that allow the memory they ask for; a job that none
// allows waits, which its submitter learns at once.
func TestMemoryFits(t *testing.T) {
	var small, large atomic.Int64
	less, more := worker(1, 4, counting(&small, honest)), worker(2, 1, counting(&large, honest))
	less.Limits.Memory, more.Limits.Memory = 512<<20, 2<<30
	s := newFixture(t, less)
	spec := jobs.Spec{As: "out", Stages: []jobs.Stage{{Count: 8, Task: moot.Task{Limits: moot.Limits{Memory: 1500 << 20}}}}}
	j := s.submit(spec)
	if !strings.Contains(j.Why, "waiting for a lender") || !strings.Contains(j.Why, "512 MiB") {
		t.Errorf("submitted: %q", j.Why)
	}
	s.awaitWhy(j.ID, "too little memory")
	s.mu.Lock()
	s.workers = append(s.workers, more)
	s.mu.Unlock()
	if j = s.await(j.ID); j.State != jobs.Done || small.Load() != 0 || large.Load() != 8 {
		t.Errorf("%d at the one that allows less; %+v", small.Load(), j)
	}
}

// TestMoreMemoryElsewhere: a task that fails with less memory than is usual runs again where
// there is more, and where there is not, has failed.
func TestMoreMemoryElsewhere(t *testing.T) {
	failing := worker(1, 4, func(context.Context, moot.Task, func(moot.Progress)) (moot.Outcome, error) {
		o := wrote("")
		o.Failure = "it used more than 128 MiB of memory"
		return o, nil
	})
	failing.Limits.Memory = 128 << 20
	usual := worker(2, 1, honest)
	usual.Limits.Memory = 512 << 20
	s := newFixture(t, failing, usual)
	if j := s.await(s.submit(jobs.Spec{As: "out", Stages: []jobs.Stage{{Count: 4}}}).ID); j.State != jobs.Done {
		t.Errorf("%+v", j)
	}
	s.mu.Lock()
	s.workers = []jobs.Worker{failing}
	s.mu.Unlock()
	if j := s.await(s.submit(jobs.Spec{As: "out", Fresh: true}).ID); j.State != jobs.Failed || !strings.Contains(j.Why, "128 MiB") {
		t.Errorf("%+v", j)
	}
}

// TestOnAndNot: a job runs where its submitter wants it, and nowhere else.
func TestOnAndNot(t *testing.T) {
	for name, c := range map[string]struct {
		on, not []jobs.Target
		want    []byte
	}{
		"on a member":       {[]jobs.Target{{Member: moot.MemberID{2}}}, nil, []byte{2}},
		"on another device": {[]jobs.Target{{Member: moot.MemberID{1}, Device: moot.Key{9}}}, nil, nil},
		"not on a member":   {nil, []jobs.Target{{Member: moot.MemberID{1}}, {Member: moot.MemberID{2}}}, []byte{3}},
		"on but not one of": {[]jobs.Target{{Member: moot.MemberID{2}}, {Member: moot.MemberID{3}}}, []jobs.Target{{Member: moot.MemberID{3}}}, []byte{2}},
	} {
		s := newFixture(t, worker(1, 1, honest), worker(2, 1, honest), worker(3, 1, honest))
		for k := range byte(3) {
			s.lendAs(s.device(moot.MemberID{k + 1}), 1)
		}
		spec := jobs.Spec{As: "out", On: c.on, Not: c.not, Stages: []jobs.Stage{{Count: 6, Task: moot.Task{Module: s.put("code").ID}}}}
		if len(c.want) == 0 {
			if _, err := s.submitter.Submit(t.Context(), spec); moot.KindOf(err) != moot.Unavailable {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		j := s.await(s.submit(spec).ID)
		if j.State != jobs.Done || len(j.Workers) != len(c.want) || j.Workers[moot.Key{c.want[0]}] != 6 {
			t.Errorf("%s: %+v", name, j)
		}
	}
}

// holder is a worker's store of inputs that counts what is fetched to it.
type holder struct {
	*store.Store
	from    moot.Blobs
	fetched atomic.Int64
}

func (h *holder) run(ctx context.Context, task moot.Task, _ func(moot.Progress)) (moot.Outcome, error) {
	in := task.Inputs[0]
	if held, err := h.HaveMany(ctx, []moot.BlobID{in.ID}); err != nil || !held[0] {
		rc, err := h.from.Get(ctx, in.ID, moot.Whole)
		if err != nil {
			return moot.Outcome{}, err
		}
		defer rc.Close()
		if _, err := h.Put(ctx, blob.NewDecoder(rc, in.ID, moot.Whole)); err != nil {
			return moot.Outcome{}, err
		}
		h.fetched.Add(in.Size)
	}
	return wrote(in.Path), nil
}

// TestHolderIsPreferred: of two lenders, the one that lacks the inputs fetches none while
// the other is not busy for far longer than that would take.
func TestHolderIsPreferred(t *testing.T) {
	var workers []jobs.Worker
	var holders []*holder
	for k := range byte(2) {
		st, err := store.Open(t.Context(), store.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		h := &holder{Store: st}
		w := worker(k+1, 2, h.run)
		w.Blobs = h
		workers, holders = append(workers, w), append(holders, h)
	}
	s := newFixture(t, workers...)
	var each []moot.Input
	for i := range byte(12) {
		text := strings.Repeat(string('a'+rune(i)), 12<<20/8)
		b, err := s.node.Put(t.Context(), strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := holders[1].Put(t.Context(), strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		each = append(each, moot.Input{Path: string('a' + rune(i)), ID: b.ID, Size: b.Size})
	}
	for _, h := range holders {
		h.from = s.node
	}
	j := s.await(s.submit(jobs.Spec{As: "out", Stages: []jobs.Stage{{Each: each}}}).ID)
	if j.State != jobs.Done || len(s.results(j)) != 12 {
		t.Fatalf("%+v", j)
	}
	if n := holders[0].fetched.Load() + holders[1].fetched.Load(); n != 0 {
		t.Errorf("%d bytes were fetched", n)
	}
}
