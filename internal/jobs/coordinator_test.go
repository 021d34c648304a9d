package jobs_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/jobs"
)

// stalled runs until it is cancelled.
func stalled(ctx context.Context, _ moot.Task, watch func(moot.Progress)) (moot.Outcome, error) {
	watch(moot.Progress{Started: true})
	<-ctx.Done()
	return moot.Outcome{}, ctx.Err()
}

func TestQuota(t *testing.T) {
	f := newFixture(t, worker(1, 1, stalled))
	first := f.submit(jobs.Spec{Stages: []jobs.Stage{{Count: 7}}})
	for ev, err := range f.submitter.Follow(t.Context(), first.ID, false) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Job.State == jobs.Running {
			break
		}
	}
	f.mu.Lock()
	f.quota = func(member moot.MemberID, tasks, waiting int) error {
		if member != me || tasks != 4 || waiting != 7 {
			t.Errorf("%d tasks, %d waiting", tasks, waiting)
		}
		return moot.Errorf(moot.Full, "too many tasks")
	}
	f.mu.Unlock()
	if j := f.await(f.submit(jobs.Spec{Stages: []jobs.Stage{{Count: 3}, {}}}).ID); j.State != jobs.Failed || !strings.Contains(j.Why, "too many tasks") {
		t.Errorf("%+v", j)
	}
}

// TestEach: a stage has a task for each input, and for each file of an input folder.
func TestEach(t *testing.T) {
	f := newFixture(t, worker(1, 2, func(_ context.Context, task moot.Task, _ func(moot.Progress)) (moot.Outcome, error) {
		return wrote(task.Inputs[0].Path), nil
	}))
	dir := t.TempDir()
	for _, name := range []string{"a", "b/c"} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder, err := f.files.Store(t.Context(), dir, files.ShareOptions{Bare: true})
	if err != nil {
		t.Fatal(err)
	}
	one := f.put("input")
	input := func(path string) moot.Input { return moot.Input{Path: path, ID: one.ID, Size: one.Size} }
	each := func(in ...moot.Input) jobs.Spec { return jobs.Spec{As: "out", Stages: []jobs.Stage{{Each: in}}} }
	j := f.await(f.submit(each(moot.Input{Folder: true, ID: folder.Blob.ID}, input("a"), input("x/../d"))).ID)
	if j.State != jobs.Done {
		t.Fatalf("%+v", j)
	}
	got := f.results(j)
	for label, want := range map[string]string{"a": "a", "b/c": "c", "a (2)": "a", "d": "d"} {
		if got[label+"/stdout"] != want {
			t.Errorf("task %s has the input %q", label, got[label+"/stdout"])
		}
	}
	empty, err := f.files.Store(t.Context(), t.TempDir(), files.ShareOptions{Bare: true})
	if err != nil {
		t.Fatal(err)
	}
	for why, spec := range map[string]jobs.Spec{
		"no file":          each(moot.Input{Folder: true, ID: empty.Blob.ID}),
		"no name":          each(input("")),
		"longer than 900":  each(input(strings.Repeat("x", 901))),
		"1 to 64 stages":   {Stages: make([]jobs.Stage, 65)},
		"between -100":     {Priority: 101},
		"0 to 100 retries": {Retries: -1},
		"at most 200000":   {Stages: []jobs.Stage{{Count: 200_001}}},
		"real clock":       {Check: 2, Stages: []jobs.Stage{{Task: moot.Task{Live: true}}}},
	} {
		if spec.Stages == nil {
			spec.Stages = []jobs.Stage{{}}
		}
		for i := range spec.Stages {
			spec.Stages[i].Task.Module = f.put("code").ID
		}
		if j, err := f.submitter.Submit(t.Context(), spec); err == nil {
			if j = f.await(j.ID); j.State != jobs.Failed || !strings.Contains(j.Why, why) {
				t.Errorf("%s: %+v", why, j)
			}
		} else if moot.KindOf(err) != moot.Invalid || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

func TestTimeout(t *testing.T) {
	f := newFixture(t, worker(1, 1, stalled))
	if j := f.await(f.submit(jobs.Spec{Timeout: 50 * time.Millisecond}).ID); j.State != jobs.Failed || !strings.Contains(j.Why, "timeout of 50ms") {
		t.Errorf("%+v", j)
	}
}

// TestLogRestarts: the log of a run that is lost is replaced by that of the next.
func TestLogRestarts(t *testing.T) {
	var runs atomic.Int64
	lose := make(chan struct{})
	run := func(ctx context.Context, _ moot.Task, watch func(moot.Progress)) (moot.Outcome, error) {
		watch(moot.Progress{Started: true})
		if runs.Add(1) > 1 {
			watch(moot.Progress{Stream: 1, Text: []byte("hello")})
			return wrote("hello"), nil
		}
		watch(moot.Progress{Stream: 1, Text: []byte("hel")})
		select {
		case <-lose:
		case <-ctx.Done():
		}
		return moot.Outcome{}, moot.Errorf(moot.Unavailable, "lost")
	}
	f := newFixture(t, worker(1, 1, run), worker(2, 1, run))
	var got []string
	for ev, err := range f.submitter.Follow(t.Context(), f.submit(jobs.Spec{As: "out"}).ID, true) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Log == nil {
			continue
		}
		text := string(ev.Log.Text)
		if ev.Log.Restarted {
			text = "again: " + text
		}
		if got = append(got, text); len(got) == 1 {
			close(lose)
		}
	}
	if strings.Join(got, ", ") != "hel, again: hello" {
		t.Errorf("%q", got)
	}
}

func TestOffers(t *testing.T) {
	f := newFixture(t)
	list, err := f.submitter.Offers(t.Context())
	if err != nil || len(list) != 1 || list[0].Device != f.signer.self || list[0].Member != me || list[0].CPUs != 4 {
		t.Errorf("%+v, %v", list, err)
	}
	f.lend(0)
	if list, err = f.submitter.Offers(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("retracted: %+v, %v", list, err)
	}
}
