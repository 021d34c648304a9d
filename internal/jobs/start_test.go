package jobs_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/jobs"
)

// state follows a job until it is in a state.
func (s *fixture) state(id string, want jobs.State) (last jobs.Job) {
	s.t.Helper()
	for ev, err := range s.submitter.Follow(s.t.Context(), id, false) {
		if err != nil {
			s.t.Fatal(err)
		}
		if last = ev.Job; last.State == want {
			return last
		}
	}
	s.t.Fatalf("the job is %s, not %s: %s", last.State, want, last.Why)
	return last
}

// name gives a name in the space to a text.
func (s *fixture) name(name, text string) moot.BlobID {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	f, err := files.New(s.node, s.signer, files.Options{Member: s.member}).Share(s.t.Context(), path, files.ShareOptions{As: name, Force: true})
	if err != nil {
		s.t.Fatal(err)
	}
	return f.Blob.ID
}

// entry returns a job as the space's entries show it, once it is as wanted.
func (s *fixture) entry(id string, wanted func(jobs.Job) bool) jobs.Job {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	since, err := s.node.Vector(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	look := func() (jobs.Job, bool) {
		list, err := s.submitter.Jobs(ctx)
		if err != nil {
			s.t.Fatal(err)
		}
		i := slices.IndexFunc(list, func(j jobs.Job) bool { return j.ID == id })
		if i < 0 {
			return jobs.Job{}, false
		}
		return list[i], wanted(list[i])
	}
	last, found := look()
	if found {
		return last
	}
	for _, err := range s.node.Watch(ctx, since) {
		if err != nil {
			break
		}
		if last, found = look(); found {
			return last
		}
	}
	s.t.Fatalf("%+v", last)
	return last
}

// TestAt holds a job until its time, over a restart of the coordinator.
func TestAt(t *testing.T) {
	t.Parallel()
	f := newFixture(t, worker(1, 1, honest))
	id := f.submit(jobs.Spec{Start: jobs.Start{At: time.Now().Add(time.Hour)}, Notify: true}).ID
	if j := f.state(id, jobs.Scheduled); j.Next.Before(time.Now().Add(time.Minute)) || j.Tasks != 0 {
		t.Errorf("%+v", j)
	}
	f.stop()
	f.pass(2 * time.Hour)
	f.start()
	if j := f.state(id, jobs.Done); j.Tasks != 1 || !j.Next.IsZero() {
		t.Errorf("%+v", j)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.notices) != 1 || f.notices[0].ID != id || f.notices[0].State != jobs.Done {
		t.Errorf("notices %+v", f.notices)
	}
}

// TestEvery runs a job again and again, until it is cancelled; its inputs are those of each
// time.
func TestEvery(t *testing.T) {
	t.Parallel()
	f := newFixture(t, worker(1, 1, func(_ context.Context, task moot.Task, _ func(moot.Progress)) (moot.Outcome, error) {
		var text string
		for _, in := range task.Inputs {
			text += in.ID.String()
		}
		return wrote(text), nil
	}))
	one, two := f.name("data", "one"), moot.BlobID{}
	id := f.submit(jobs.Spec{As: "report", Fresh: true, Start: jobs.Start{Every: time.Hour, Sources: []jobs.Source{{Name: "data", Path: "data"}}}}).ID
	first := f.entry(id, func(j jobs.Job) bool { return j.Last == jobs.Done })
	if first.State != jobs.Scheduled || first.Run != 0 || f.results(first)["stdout"] != one.String() || time.Until(first.Next) < 50*time.Minute {
		t.Errorf("%+v", first)
	}
	two = f.name("data", "two")
	f.pass(3*time.Hour + time.Minute) // three starts, of which two are missed
	second := f.entry(id, func(j jobs.Job) bool { return j.Run == 1 })
	if f.results(second)["stdout"] != two.String() || second.Next.Sub(first.Next) != 3*time.Hour {
		t.Errorf("%+v, after %v", second, first.Next)
	}
	if err := f.submitter.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	f.entry(id, func(j jobs.Job) bool { return j.State == jobs.Cancelled })
	f.pass(24 * time.Hour)
	f.stop()
	f.start()
	f.await(f.submit(jobs.Spec{}).ID)
	if j := f.entry(id, func(jobs.Job) bool { return true }); j.State != jobs.Cancelled || !j.Next.IsZero() {
		t.Errorf("%+v", j)
	}
}

// TestSources has jobs wait for the results of others.
func TestSources(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := newFixture(t, worker(1, 2, func(ctx context.Context, task moot.Task, _ func(moot.Progress)) (moot.Outcome, error) {
		if slices.Contains(task.Args, "first") {
			select {
			case <-release:
			case <-ctx.Done():
				return moot.Outcome{}, ctx.Err()
			}
		}
		var got []string
		for _, in := range task.Inputs {
			got = append(got, in.Path)
		}
		return wrote("in " + strings.Join(got, " ")), nil
	}))
	first := f.submit(jobs.Spec{Name: "first", Stages: []jobs.Stage{{Task: moot.Task{Args: []string{"first"}}, Count: 2}}})
	both := f.submit(jobs.Spec{Start: jobs.Start{Sources: []jobs.Source{{Job: first.ID, Path: "a"}, {Job: first.ID, Path: "b"}}}})
	each := f.submit(jobs.Spec{Start: jobs.Start{Sources: []jobs.Source{{Job: first.ID, Each: true}}}})
	for ev, err := range f.submitter.Follow(t.Context(), both.ID, false) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(ev.Job.Why, "waits for the job first") {
			break
		}
	}
	close(release)
	if j := f.state(both.ID, jobs.Done); f.results(j)["stdout"] != "in a b" {
		t.Errorf("%v", f.results(j))
	}
	if j := f.state(each.ID, jobs.Done); j.Tasks != 2 || f.results(j)["0/stdout/stdout"] != "in stdout" {
		t.Errorf("%+v: %v", j, f.results(j))
	}
}

// TestSourceFailed: a job fails whose sources cannot come.
func TestSourceFailed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, worker(1, 2, func(context.Context, moot.Task, func(moot.Progress)) (moot.Outcome, error) {
		return moot.Outcome{Exit: 3, Stdout: content(""), Stderr: content("")}, nil
	}))
	first := f.submit(jobs.Spec{Name: "first"})
	stranger := f.submitterOf(f.device(moot.MemberID{7}))
	for _, sources := range [][]jobs.Source{{{Job: first.ID}}, {{Job: "abcdefghijklmnop"}}, {{Name: "nothing"}}} {
		j := f.await(f.submit(jobs.Spec{Start: jobs.Start{Sources: sources}}).ID)
		if j.State != jobs.Failed || j.Why == "" {
			t.Errorf("%+v", j)
		}
	}
	// A job of another member is none of one's own.
	j, err := stranger.Submit(t.Context(), jobs.Spec{Stages: []jobs.Stage{{Task: moot.Task{Module: f.put("code").ID}}}, Start: jobs.Start{Sources: []jobs.Source{{Job: first.ID}}}})
	if err != nil {
		t.Fatal(err)
	}
	if j := f.await(j.ID); j.State != jobs.Failed || !strings.Contains(j.Why, "of yours") {
		t.Errorf("%+v", j)
	}
	for _, start := range []jobs.Start{{Every: time.Second}, {Every: time.Hour, Sources: []jobs.Source{{Job: first.ID}}}, {Sources: []jobs.Source{{}}}, {Sources: []jobs.Source{{Name: "a", Path: "../b"}}}} {
		_, err := f.submitter.Submit(t.Context(), jobs.Spec{Stages: []jobs.Stage{{Task: moot.Task{Module: f.put("code").ID}}}, Start: start})
		if moot.KindOf(err) != moot.Invalid {
			t.Errorf("%+v: %v", start, err)
		}
	}
}

// TestCancelHeld ends a held job, also while the coordinator is away.
func TestCancelHeld(t *testing.T) {
	t.Parallel()
	f := newFixture(t, worker(1, 1, honest))
	a := f.submit(jobs.Spec{Start: jobs.Start{At: time.Now().Add(time.Hour)}}).ID
	b := f.submit(jobs.Spec{Start: jobs.Start{At: time.Now().Add(time.Hour)}}).ID
	f.state(a, jobs.Scheduled)
	f.state(b, jobs.Scheduled)
	if err := f.submitter.Cancel(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	f.entry(a, func(j jobs.Job) bool { return j.State == jobs.Cancelled })
	f.stop()
	if err := f.submitter.Cancel(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	f.start()
	f.state(b, jobs.Cancelled)
}

// TestRetain forgets jobs that have ended: those that were removed, and old ones.
func TestRetain(t *testing.T) {
	t.Parallel()
	f := newFixture(t, worker(1, 1, honest))
	a, b, c := f.submit(jobs.Spec{}).ID, f.submit(jobs.Spec{}).ID, f.submit(jobs.Spec{Start: jobs.Start{At: time.Now().Add(1000 * time.Hour)}}).ID
	f.await(a)
	f.await(b)
	other := f.submitterOf(f.device(moot.MemberID{7}))
	if err := other.Remove(t.Context(), a); moot.KindOf(err) != moot.Denied {
		t.Errorf("removed by another member: %v", err)
	}
	if err := f.submitter.Remove(t.Context(), c); moot.KindOf(err) != moot.Conflict {
		t.Errorf("removed a job that has not ended: %v", err)
	}
	if err := f.submitter.Remove(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	f.gone(a)
	f.stop()
	if err := f.submitter.Remove(t.Context(), b); err != nil { // while its coordinator is away
		t.Fatal(err)
	}
	f.start()
	f.gone(b)

	d := f.submit(jobs.Spec{}).ID
	f.await(d)
	f.stop()
	f.pass(f.retain + time.Hour)
	f.start()
	f.gone(d)
	if err := jobs.Expire(t.Context(), f.submitter, me, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	list, err := f.submitter.Jobs(t.Context())
	if err != nil || len(list) != 1 || list[0].ID != c {
		t.Errorf("%+v, %v", list, err)
	}
}

// gone waits until the coordinator knows nothing of a job.
func (s *fixture) gone(id string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		for _, err := range s.coord.Follow(ctx, id, false) {
			if moot.KindOf(err) == moot.NotFound {
				return
			}
		}
	}
	s.t.Fatalf("the coordinator still has the job %s", id)
}
