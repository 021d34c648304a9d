package suite

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/dial"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/policy"
)

// lend has members lend processors.
func lend(w *World, cpus int, members ...*Member) {
	for _, m := range members {
		m.prefer(func(p *policy.Preferences) { p.LendCPUs = cpus })
	}
	w.Alike()
}

// stored has a member store content without a name.
func stored(t T, m *Member, content []byte) moot.BlobID {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stored")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	f, err := m.Files().Store(t.Context(), path, files.ShareOptions{})
	if err != nil {
		t.Fatalf("%s stores: %v", m.Name, err)
	}
	return f.Blob.ID
}

// submit submits a job over a folder of eight texts, each of whose tasks sleeps.
func submit(t T, m *Member, as string, sleep time.Duration) jobs.Job {
	t.Helper()
	dir := t.TempDir()
	for _, name := range strings.Fields("ant bee cat dog eel fox gnu hen") {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name+" "), 0o600); err != nil {
			t.Fatalf("%v", err)
		}
	}
	folder, err := m.Files().Store(t.Context(), dir, files.ShareOptions{Bare: true})
	if err != nil {
		t.Fatalf("%v", err)
	}
	j, err := m.Jobs().Submit(t.Context(), jobs.Spec{As: as, Stages: []jobs.Stage{{
		Task: moot.Task{Module: stored(t, m, program(sleep)), Live: sleep > 0}, Each: []moot.Input{{Folder: true, ID: folder.Blob.ID}},
	}}})
	if err != nil {
		t.Fatalf("%s submits a job: %v", m.Name, err)
	}
	return j
}

// follow follows a job until ok, whatever becomes of its coordinator.
func follow(t T, m *Member, id string, ok func(jobs.Job) bool) (j jobs.Job) {
	t.Helper()
	Eventually(t, "the job advances", func() error {
		for ev, err := range m.Jobs().Follow(t.Context(), id, false) {
			if err != nil {
				return err
			}
			if j = ev.Job; ok(j) {
				return nil
			}
		}
		return moot.Errorf(moot.Unavailable, "%+v", j)
	})
	return j
}

func done(j jobs.Job) bool { return j.State == jobs.Done }

// jobIsDone: tasks of one member are run by others, in the sandbox, and all members can
// have the results.
func jobIsDone(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	lend(w, 2, founder, bob)
	j := follow(t, ann, submit(t, ann, "results", 0).ID, done)
	if j.Progress.Done != 8 || j.Workers[ann.Key()] > 0 || w.Centralised() && len(j.Workers) != 1 {
		t.Fatalf("%+v", j)
	}
	w.Alike()
	for _, m := range []*Member{founder, ann, bob} {
		dir := filepath.Join(t.TempDir(), "results")
		Eventually(t, m.Name+" fetches the results", func() error {
			_, err := m.Files().Get(t.Context(), "results", dir, nil)
			return err
		})
		text, err := os.ReadFile(filepath.Join(dir, "fox", "stderr"))
		large, errLarge := os.ReadFile(filepath.Join(dir, "hen", "stdout"))
		if err != nil || errLarge != nil || string(text) != stderrText || len(large) != stdoutSize {
			t.Fatalf("%s: %q, %d bytes, %v, %v", m.Name, text, len(large), err, errLarge)
		}
	}
	if _, err := bob.Jobs().Submit(t.Context(), jobs.Spec{}); moot.KindOf(err) != moot.Invalid {
		t.Fatalf("an empty job: %v", err)
	}
}

// jobSurvives: a worker, and then the coordinator, stop while tasks run.
func jobSurvives(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	lend(w, 1, founder, bob)
	coordinator := ann
	if w.Arch.Asks.Server {
		coordinator = founder
	}
	j := submit(t, ann, "results", 200*time.Millisecond)
	j = follow(t, ann, j.ID, func(j jobs.Job) bool { return j.Progress.Running > 0 })
	if done(j) {
		t.Fatalf("the tasks do not last: %+v", j)
	}
	if !w.Centralised() {
		bob.Stop()
	}
	coordinator.Stop()
	coordinator.Restart()
	if j = follow(t, ann, j.ID, done); j.Progress.Done != 8 {
		t.Fatalf("%+v", j)
	}
}

// jobDenied keeps guests, and members in the name of others, from having tasks run.
func jobDenied(t T, w *World) {
	founder, ann := w.Member(0), w.Member(1)
	guest := w.Join(w.Invite(policy.RoleGuest, 1, time.Hour), "eve")
	w.Alike()
	lend(w, 2, founder)
	task := moot.Task{Module: stored(t, founder, program(0))}
	run := func(by, member *Member) error {
		return w.ask(founder, by.key, func(c dial.Client) error {
			task.For = member.ID()
			o, err := c.Run(t.Context(), task, nil)
			if err == nil && string(o.Stderr.Data) != stderrText {
				t.Fatalf("%+v", o)
			}
			return err
		})
	}
	guest.close()
	ann.close()
	wantKind(t, "a guest's task", run(guest, guest), moot.Denied)
	wantKind(t, "a task in another's name", run(ann, founder), moot.Denied)
	w.must(run(ann, ann))
}
