package jobs_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/jobs"
)

// TestDevicesOfOneMember: each device of a member sees, follows, cancels and retries the
// jobs of the others, and no other member's device does.
func TestDevicesOfOneMember(t *testing.T) {
	var open atomic.Bool
	s := newFixture(t, worker(1, 2, func(ctx context.Context, task moot.Task, w func(moot.Progress)) (moot.Outcome, error) {
		if task.For != me {
			t.Errorf("the task runs for %s", task.For.Short())
		}
		if !open.Load() {
			return stalled(ctx, task, w)
		}
		return honest(ctx, task, w)
	}))
	laptop := s.submitterOf(s.device(me))
	stranger := s.submitterOf(s.device(moot.MemberID{9}))
	j := s.submit(jobs.Spec{As: "out", Stages: []jobs.Stage{{Count: 3}}})
	for ev, err := range laptop.Follow(t.Context(), j.ID, false) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Job.State == jobs.Running {
			break
		}
	}
	if list, err := laptop.Jobs(t.Context()); err != nil || len(list) != 1 || list[0].By != me {
		t.Errorf("%+v, %v", list, err)
	}
	if err := stranger.Cancel(t.Context(), j.ID); moot.KindOf(err) != moot.Denied {
		t.Errorf("another member cancels: %v", err)
	}
	if err := laptop.Cancel(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if j = s.await(j.ID); j.State != jobs.Cancelled {
		t.Fatalf("%+v", j)
	}
	if err := stranger.Retry(t.Context(), j.ID); moot.KindOf(err) != moot.Denied {
		t.Errorf("another member retries: %v", err)
	}
	open.Store(true)
	if err := laptop.Retry(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if j = s.await(j.ID); j.State != jobs.Done || j.By != me {
		t.Errorf("%+v", j)
	}
}

// TestDevicesAtOnce: what two devices of a member say about a job at the same time is one
// version again with the next change.
func TestDevicesAtOnce(t *testing.T) {
	s := newFixture(t, worker(1, 2, stalled))
	j := s.submit(jobs.Spec{As: "out"})
	laptop := s.device(me)
	versions := func() (list []moot.Entry) {
		for e, err := range s.node.Query(t.Context(), moot.Query{Kind: moot.KindJob, Key: j.ID}) {
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, e)
		}
		return list
	}
	first := versions()[0]
	e := laptop.a.Next(moot.KindJob, j.ID, nil, slices.Clone(first.Body)) // replaces nothing
	if err := s.node.Append(t.Context(), moot.Merge, e); err != nil {
		t.Fatal(err)
	}
	laptop.a.Commit(e)
	if n := len(versions()); n != 2 {
		t.Fatalf("%d versions", n)
	}
	if err := s.submitterOf(laptop).Cancel(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if n := len(versions()); n != 1 {
		t.Errorf("%d versions", n)
	}
	if j = s.await(j.ID); j.State != jobs.Cancelled {
		t.Errorf("%+v", j)
	}
}

// TestCheckCountsMembers: however many devices a member lends, it has one vote.
func TestCheckCountsMembers(t *testing.T) {
	forger := func(context.Context, moot.Task, func(moot.Progress)) (moot.Outcome, error) {
		return wrote("forged"), nil
	}
	list := []jobs.Worker{worker(1, 2, honest), worker(2, 2, honest), worker(3, 2, forger), worker(4, 2, forger), worker(5, 2, forger)}
	for i := range list[2:] {
		list[2+i].Member = moot.MemberID{3}
	}
	s := newFixture(t, list...)
	for range 2 { // two devices of one member are one lender
		s.lendAs(s.device(moot.MemberID{3}), 2)
	}
	spec := jobs.Spec{As: "out", Check: 3, Stages: []jobs.Stage{{Task: moot.Task{Module: s.put("code").ID}, Count: 8}}}
	if _, err := s.submitter.Submit(t.Context(), spec); moot.KindOf(err) != moot.Unavailable || !strings.Contains(err.Error(), "2 lend") {
		t.Errorf("with the devices of two members: %v", err)
	}
	s.lendAs(s.device(moot.MemberID{1}), 2)
	j := s.await(s.submit(spec).ID)
	if j.State != jobs.Done {
		t.Fatalf("%+v", j)
	}
	for name, text := range s.results(j) {
		if strings.Contains(text, "forged") {
			t.Errorf("%s: %q", name, text)
		}
	}
	for _, d := range j.Disagreed {
		if d.Worker[0] < 3 {
			t.Errorf("%v was outvoted", d.Worker)
		}
	}
}
