package jobs_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/jobs"
)

func TestJob(t *testing.T) {
	s := newFixture(t, worker(1, 2, honest), worker(2, 2, honest))
	j := s.await(s.submit(jobs.Spec{Name: "count", As: "out", Stages: []jobs.Stage{{Count: 30}}}).ID)
	if j.State != jobs.Done || j.Progress.Done != 30 || j.Tasks != 30 {
		t.Fatalf("%+v", j)
	}
	got := s.results(j)
	if len(got) != 30 || got["07/stdout"] != "MOOT_TASK=7 MOOT_TASKS=30" {
		t.Errorf("%v", got)
	}
	list, err := s.submitter.Jobs(t.Context())
	if err != nil || len(list) != 1 || list[0].State != jobs.Done || list[0].Result != j.Result {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestStages(t *testing.T) {
	s := newFixture(t, worker(1, 3, func(_ context.Context, task moot.Task, _ func(moot.Progress)) (moot.Outcome, error) {
		return wrote(fmt.Sprint(len(task.Inputs), task.Env)), nil
	}))
	j := s.await(s.submit(jobs.Spec{As: "reduced", Stages: []jobs.Stage{{Name: "map", Count: 5}, {Name: "reduce"}}}).ID)
	if got := s.results(j); j.State != jobs.Done || j.Tasks != 6 || got["stdout"] != "1 [MOOT_TASK=0 MOOT_TASKS=1]" {
		t.Errorf("%+v: %v", j, got)
	}
}

// TestWorkersLost runs tasks on workers that vanish or stall, and restarts the coordinator:
// each task's outcome counts once.
func TestWorkersLost(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var mu sync.Mutex
	chance := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}
	flaky := func(ctx context.Context, task moot.Task, _ func(moot.Progress)) (moot.Outcome, error) {
		switch chance(12) {
		case 0:
			return moot.Outcome{}, moot.Errorf(moot.Unavailable, "lost")
		case 1:
			<-ctx.Done() // until a backup task wins
			return moot.Outcome{}, ctx.Err()
		}
		return honest(ctx, task, nil)
	}
	s := newFixture(t, worker(1, 2, flaky), worker(2, 2, flaky), worker(3, 2, honest))
	j := s.submit(jobs.Spec{As: "out", Stages: []jobs.Stage{{Count: 200}}})
	for range 3 { // the coordinator stops when some tasks are done
		for ev, err := range s.submitter.Follow(t.Context(), j.ID, false) {
			if err != nil || ev.Job.Progress.Done > 0 {
				break
			}
		}
		s.stop()
		s.start()
	}
	if j = s.await(j.ID); j.State != jobs.Done || j.Progress.Done != 200 {
		t.Fatalf("%+v", j)
	}
	got := s.results(j)
	for i := range 200 {
		if want := fmt.Sprintf("MOOT_TASK=%d MOOT_TASKS=200", i); got[fmt.Sprintf("%03d/stdout", i)] != want {
			t.Errorf("task %d: %q", i, got[fmt.Sprintf("%03d/stdout", i)])
		}
	}
}

func TestCheck(t *testing.T) {
	dishonest := func(_ context.Context, _ moot.Task, _ func(moot.Progress)) (moot.Outcome, error) {
		return wrote("forged"), nil
	}
	s := newFixture(t, worker(1, 2, honest), worker(2, 2, honest), worker(3, 2, dishonest), worker(4, 2, honest))
	for k := range byte(3) { // enough offers for the check
		s.lendAs(s.device(moot.MemberID{k}), int(k)+1)
	}
	j := s.await(s.submit(jobs.Spec{As: "out", Check: 3, Stages: []jobs.Stage{{Count: 20}}}).ID)
	if j.State != jobs.Done || len(j.Disagreed) == 0 {
		t.Fatalf("%+v", j)
	}
	for _, l := range j.Disagreed {
		if l.Worker != (moot.Key{3}) {
			t.Errorf("%v was outvoted", l.Worker)
		}
	}
	for name, text := range s.results(j) {
		if strings.Contains(text, "forged") {
			t.Errorf("%s: %q", name, text)
		}
	}
	list, err := s.submitter.Jobs(t.Context())
	if err != nil || len(list[0].Disagreed) != len(j.Disagreed) {
		t.Errorf("the published result has %v: %v", list[0].Disagreed, err)
	}
}

func TestNoMajority(t *testing.T) {
	var n atomic.Int64
	each := func(_ context.Context, _ moot.Task, _ func(moot.Progress)) (moot.Outcome, error) {
		return wrote(fmt.Sprint(n.Add(1))), nil
	}
	s := newFixture(t, worker(1, 1, each), worker(2, 1, each))
	_, err := s.submitter.Submit(t.Context(), jobs.Spec{Check: 2, Stages: []jobs.Stage{{Task: moot.Task{Module: s.put("").ID}}}})
	if moot.KindOf(err) != moot.Unavailable || !strings.Contains(err.Error(), "1 lend") {
		t.Errorf("with one offer: %v", err)
	}
	s.lendAs(s.device(moot.MemberID{1}), 1)
	if j := s.await(s.submit(jobs.Spec{Check: 2}).ID); j.State != jobs.Failed || !strings.Contains(j.Why, "no majority") {
		t.Errorf("%+v", j)
	}
}

func TestResultCache(t *testing.T) {
	var runs atomic.Int64
	s := newFixture(t, worker(1, 2, func(ctx context.Context, task moot.Task, w func(moot.Progress)) (moot.Outcome, error) {
		runs.Add(1)
		return honest(ctx, task, w)
	}))
	spec := jobs.Spec{As: "out", Stages: []jobs.Stage{{Count: 10}}}
	first := s.await(s.submit(spec).ID)
	again := s.await(s.submit(spec).ID)
	if runs.Load() != 10 || again.Cached != 10 || again.Result != first.Result {
		t.Errorf("%d runs; %+v", runs.Load(), again)
	}
	spec.Fresh = true
	if s.await(s.submit(spec).ID); runs.Load() != 20 {
		t.Errorf("%d runs", runs.Load())
	}
}

func TestFailures(t *testing.T) {
	var tries atomic.Int64
	s := newFixture(t, worker(1, 2, func(ctx context.Context, task moot.Task, w func(moot.Progress)) (moot.Outcome, error) {
		switch task.Label {
		case "1":
			o := wrote("")
			o.Exit = 3
			return o, nil
		case "2":
			if tries.Add(1) < 3 {
				o := wrote("")
				o.Failure = "it ran longer than its 1s"
				return o, nil
			}
		}
		return honest(ctx, task, w)
	}))
	j := s.await(s.submit(jobs.Spec{As: "a", Retries: 2, Stages: []jobs.Stage{{Count: 5}}}).ID)
	if j.State != jobs.Failed || j.Progress.Done != 4 || !strings.Contains(j.Why, "1 of 5 tasks failed; first task 1: exit status 3") || tries.Load() != 3 {
		t.Errorf("%+v, %d tries", j, tries.Load())
	}
	j = s.await(s.submit(jobs.Spec{As: "b", Partial: true, Stages: []jobs.Stage{{Count: 5}}}).ID)
	if got := s.results(j); j.State != jobs.Done || len(got) != 4 {
		t.Errorf("%+v, %v", j, got)
	}
	bad := worker(2, 1, func(context.Context, moot.Task, func(moot.Progress)) (moot.Outcome, error) {
		return moot.Outcome{}, moot.Errorf(moot.Invalid, "the module wants env.hack")
	})
	s.mu.Lock()
	s.workers = []jobs.Worker{bad}
	s.mu.Unlock()
	if j := s.await(s.submit(jobs.Spec{Fresh: true}).ID); j.State != jobs.Failed || !strings.Contains(j.Why, "env.hack") {
		t.Errorf("%+v", j)
	}
}

func TestCancelRetry(t *testing.T) {
	var open atomic.Bool
	gate := make(chan struct{})
	s := newFixture(t, worker(1, 2, func(ctx context.Context, task moot.Task, w func(moot.Progress)) (moot.Outcome, error) {
		if task.Label != "0" && !open.Load() {
			select {
			case <-gate:
			case <-ctx.Done():
				return moot.Outcome{}, ctx.Err()
			}
		}
		return honest(ctx, task, w)
	}))
	j := s.submit(jobs.Spec{As: "out", Stages: []jobs.Stage{{Count: 3}}})
	for ev, err := range s.submitter.Follow(t.Context(), j.ID, false) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Job.Progress.Done == 1 {
			break
		}
	}
	if err := s.submitter.Cancel(t.Context(), j.ID[:5]); err != nil {
		t.Fatal(err)
	}
	if j = s.await(j.ID); j.State != jobs.Cancelled {
		t.Fatalf("%+v", j)
	}
	if err := s.submitter.Cancel(t.Context(), j.ID); moot.KindOf(err) != moot.Invalid {
		t.Errorf("cancelled twice: %v", err)
	}
	open.Store(true)
	if err := s.submitter.Retry(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if j = s.await(j.ID); j.State != jobs.Done || j.Progress.Done != 3 {
		t.Errorf("%+v", j)
	}
	if err := s.submitter.Cancel(t.Context(), "nosuch"); moot.KindOf(err) != moot.NotFound {
		t.Error(err)
	}
}

// TestLogs: a follower from the start, and one after the end, get each task's log once.
func TestLogs(t *testing.T) {
	greeter := func(ctx context.Context, task moot.Task, w func(moot.Progress)) (moot.Outcome, error) {
		w(moot.Progress{Stream: 1, Text: []byte("hello " + task.Label)})
		return wrote("hello " + task.Label), nil
	}
	for range 8 { // a follower may race with the start of a job
		s := newFixture(t, worker(1, 1, greeter))
		j := s.submit(jobs.Spec{As: "out", Stages: []jobs.Stage{{Count: 4}}})
		for range 2 { // while it runs, and afterwards
			var got []string
			for ev, err := range s.submitter.Follow(t.Context(), j.ID, true) {
				if err != nil {
					t.Fatal(err)
				}
				if ev.Log != nil {
					got = append(got, string(ev.Log.Text))
				}
			}
			slices.Sort(got)
			if want := []string{"hello 0", "hello 1", "hello 2", "hello 3"}; !slices.Equal(got, want) {
				t.Errorf("%q", got)
			}
		}
	}
}

// TestForged: outputs that do not match their hash, or whose paths leave the results, are
// the worker's fault, and another worker runs the task.
func TestForged(t *testing.T) {
	forger := func(_ context.Context, task moot.Task, _ func(moot.Progress)) (moot.Outcome, error) {
		o := wrote("x")
		o.Stdout.Data = []byte("y")
		return o, nil
	}
	climber := func(context.Context, moot.Task, func(moot.Progress)) (moot.Outcome, error) {
		o := wrote("x")
		o.Files = []moot.Content{content("evil")}
		o.Files[0].Path = "../../evil"
		return o, nil
	}
	s := newFixture(t, worker(1, 1, forger), worker(2, 1, climber), worker(3, 1, honest))
	j := s.await(s.submit(jobs.Spec{As: "out", Stages: []jobs.Stage{{Count: 10}}}).ID)
	if j.State != jobs.Done || j.Workers[moot.Key{3}] != 10 || len(s.results(j)) != 10 {
		t.Errorf("%+v", j)
	}
}

func TestSubmitBad(t *testing.T) {
	s := newFixture(t)
	module := s.put("").ID
	text, err := s.node.Put(t.Context(), strings.NewReader("#!/bin/sh"))
	if err != nil {
		t.Fatal(err)
	}
	stage := func(id moot.BlobID, in ...moot.Input) []jobs.Stage {
		return []jobs.Stage{{Task: moot.Task{Module: id, Inputs: in}}}
	}
	for name, c := range map[string]struct {
		spec jobs.Spec
		kind moot.ErrorKind
	}{
		"no stage":      {jobs.Spec{}, moot.Invalid},
		"no module":     {jobs.Spec{Stages: stage(text.ID)}, moot.Invalid},
		"missing":       {jobs.Spec{Stages: stage(moot.BlobID{9})}, moot.NotFound},
		"missing input": {jobs.Spec{Stages: stage(module, moot.Input{Path: "x", ID: moot.BlobID{9}})}, moot.NotFound},
		"many nodes":    {jobs.Spec{Check: 100, Stages: stage(module)}, moot.Invalid},
	} {
		if _, err := s.submitter.Submit(t.Context(), c.spec); moot.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.lend(0)
	if _, err := s.submitter.Submit(t.Context(), jobs.Spec{Stages: stage(module)}); moot.KindOf(err) != moot.Unavailable || !strings.Contains(err.Error(), "nobody lends you computing power now") {
		t.Errorf("nobody lends: %v", err)
	}
}
