package suite

import (
	"bytes"
	"context"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/policy"
)

// bench is a member's part in computing.
type bench struct {
	mu    sync.Mutex
	coord *jobs.Coordinator // nil until it is asked for
	began chan struct{}     // closed when a task begins, if not nil
	hold  chan struct{}     // tasks wait until it is closed, if not nil
}

// Run implements moot.Runner: the program of these scenarios writes its inputs in capital
// letters, to standard output and to a file that is too large to be attached.
func (m *Member) Run(ctx context.Context, t moot.Task, watch func(moot.Progress)) (o moot.Outcome, err error) {
	m.bench.mu.Lock()
	began, hold := m.bench.began, m.bench.hold
	m.bench.began = nil
	m.bench.mu.Unlock()
	if watch != nil {
		watch(moot.Progress{Started: true})
	}
	if began != nil {
		close(began)
	}
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return o, ctx.Err()
		}
	}
	var text []byte
	for _, in := range t.Inputs {
		r := moot.Range{Offset: in.Offset, Length: in.Size}
		rc, err := m.Node.Get(ctx, in.Pack, r)
		if err != nil {
			return o, err
		}
		content, err := io.ReadAll(blob.NewDecoder(rc, in.Pack, r))
		rc.Close()
		if err != nil {
			return o, err
		}
		text = append(text, bytes.ToUpper(content)...)
	}
	large, err := m.Store().Put(ctx, bytes.NewReader(bytes.Repeat(text, 30_000)))
	if err != nil {
		return o, err
	}
	if o.Stdout, err = attached(text); err == nil {
		o.Stderr, err = attached(nil)
	}
	o.Files = []moot.Content{{Path: "many", Blob: large}}
	return o, err
}

func attached(b []byte) (moot.Content, error) {
	h := blob.NewHasher(nil)
	h.Write(b) // fails only if a tree is written
	sum, err := h.Sum()
	return moot.Content{Blob: sum, Data: b}, err
}

// lend has members offer computing power.
func lend(w *World, members ...*Member) {
	for _, m := range members {
		w.must(jobs.Announce(w.t.Context(), m.Node, m, jobs.Offer{
			Member: m.Key(), Terms: jobs.Terms{CPUs: 2}, Server: m.isServer() && w.Architecture != "peer-to-peer",
		}))
	}
	w.Alike()
}

// Coordinator returns the member's, which works while the member runs.
func (m *Member) Coordinator() *jobs.Coordinator {
	m.world.t.Helper()
	m.bench.mu.Lock()
	defer m.bench.mu.Unlock()
	if m.bench.coord != nil {
		return m.bench.coord
	}
	queue := m.queue
	if queue == "" {
		queue = filepath.Join(m.world.t.TempDir(), "jobs.db")
		m.queue = queue
	}
	c, err := jobs.New(m.life, jobs.Config{Self: m.Key(), Node: m.Node, Local: m.Store(), Write: m, Files: m.Files(), Queue: queue, Workers: m.pool, Log: m.Log.logger()})
	m.world.must(err)
	m.bench.coord = c
	life := m.life
	m.crew.Go(func() {
		c.Run(life)
		c.Close()
		m.bench.mu.Lock()
		defer m.bench.mu.Unlock()
		m.bench.coord = nil
	})
	return c
}

// pool returns those whose offers stand, and who can be reached.
func (m *Member) pool(ctx context.Context, member moot.Key, via moot.Architecture) (list []jobs.Worker) {
	roster := m.home.Load().roster
	offers, err := jobs.Offers(ctx, m.Store())
	if err != nil {
		return nil
	}
	for _, o := range jobs.Lenders(offers, member, via, roster.MayServe, m.now()) {
		if o.Member == m.Key() {
			list = append(list, jobs.Worker{Key: o.Member, Slots: o.CPUs, Runner: m, Blobs: m.Store()})
			continue
		}
		for _, p := range m.others() {
			if p.ID != o.Member || m.world.separated(m.Key(), p.ID) {
				continue
			}
			if node, err := m.link.Dial(m, p); err == nil {
				list = append(list, jobs.Worker{Key: o.Member, Slots: o.CPUs, Runner: node.(moot.Runner), Blobs: node})
			}
		}
	}
	return list
}

// Desk is where the member hands in jobs.
func (m *Member) Desk() jobs.Submitter {
	founder := m.world.Member(0)
	return jobs.NewSubmitter(jobs.SubmitterConfig{
		Self: m.Key(), Node: m.Node, Write: m, IsServer: func(k moot.Key) bool { return m.home.Load().roster.MayServe(k) },
		Select: func(context.Context) (moot.Key, moot.Architecture, error) {
			switch m.world.Architecture {
			case "client-server":
				return founder.Key(), moot.Architecture{Server: true}, nil
			case "hybrid":
				return founder.Key(), moot.Architecture{Server: true, Peers: true}, nil
			}
			return m.Key(), moot.Architecture{Peers: true}, nil
		},
		Follow: func(ctx context.Context, k moot.Key, id string, logs bool) iter.Seq2[jobs.Event, error] {
			if k == m.Key() {
				return m.Coordinator().Follow(ctx, id, logs)
			}
			return founder.Coordinator().Follow(ctx, id, logs)
		},
	})
}

// submit hands in a job over a folder of texts.
func submit(t T, m *Member, as string) jobs.Job {
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
	module, err := m.Node.Put(t.Context(), strings.NewReader("\x00asm\x01\x00\x00\x00"))
	if err != nil {
		t.Fatalf("%v", err)
	}
	j, err := m.Desk().Submit(t.Context(), jobs.Spec{As: as, Stages: []jobs.Stage{{
		Task: moot.Task{Module: module.ID}, Each: []moot.Input{{Folder: true, ID: folder.Blob.ID}},
	}}})
	if err != nil {
		t.Fatalf("%s hands in a job: %v", m.Name, err)
	}
	return j
}

// done waits for a job's end, whatever becomes of who follows it.
func done(t T, m *Member, id string) (j jobs.Job) {
	t.Helper()
	Eventually(t, "the job ends", func() error {
		for ev, err := range m.Desk().Follow(t.Context(), id, false) {
			if err != nil {
				return err
			}
			j = ev.Job
		}
		if j.State != jobs.Done {
			return moot.Errorf(moot.Unavailable, "%+v", j)
		}
		return nil
	})
	return j
}

// jobs of one member are done by others, and all can have the results.
func jobIsDone(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	w.Alike()
	lend(w, founder, bob)
	for _, m := range []*Member{founder, ann} { // whoever coordinates is there
		m.Coordinator()
	}
	j := done(t, ann, submit(t, ann, "capitals").ID)
	if j.Progress.Done != 8 || j.Workers[ann.Key()] > 0 || w.Centralised() && len(j.Workers) != 1 {
		t.Fatalf("%+v", j)
	}
	w.Alike()
	for _, m := range []*Member{founder, ann, bob} {
		dir := filepath.Join(t.TempDir(), "results")
		if _, err := m.Files().Get(t.Context(), "capitals", dir, nil); err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "fox", "stdout"))
		large, errLarge := os.ReadFile(filepath.Join(dir, "hen", "many"))
		if err != nil || errLarge != nil || string(text) != "FOX " || len(large) != 120_000 {
			t.Fatalf("%s: %q, %d bytes, %v, %v", m.Name, text, len(large), err, errLarge)
		}
	}
	if _, err := bob.Desk().Submit(t.Context(), jobs.Spec{}); moot.KindOf(err) != moot.Invalid {
		t.Fatalf("an empty job: %v", err)
	}
}

// jobSurvives has a worker, and then the coordinator, go away in the middle.
func jobSurvives(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	w.Alike()
	coordinator := ann
	lenders := []*Member{founder, bob}
	if w.Architecture != "peer-to-peer" {
		coordinator = founder
	}
	lend(w, lenders...)
	coordinator.Coordinator()
	began, hold := make(chan struct{}), make(chan struct{})
	for _, m := range lenders {
		m.bench.hold = hold
	}
	lost := bob
	if w.Centralised() {
		lost = founder
	}
	lost.bench.began = began
	j := submit(t, ann, "capitals")
	select {
	case <-began:
	case <-t.Context().Done():
	}
	if lost != coordinator {
		lost.Stop()
	}
	coordinator.Stop()
	for _, m := range lenders {
		m.bench.hold = nil
	}
	close(hold)
	coordinator.Restart()
	coordinator.Coordinator()
	if j = done(t, ann, j.ID); j.Progress.Done != 8 {
		t.Fatalf("%+v", j)
	}
}

// jobDenied keeps guests and strangers from computing.
func jobDenied(t T, w *World) {
	founder := w.Member(0)
	guest := w.Join(w.Invite(policy.RoleGuest, 1, time.Hour), "eve")
	w.Alike()
	lend(w, founder)
	node, err := guest.link.Dial(guest, founder.peer())
	if err != nil {
		t.Fatalf("%v", err)
	}
	if _, err := node.(moot.Runner).Run(t.Context(), moot.Task{For: guest.Key()}, nil); moot.KindOf(err) != moot.Denied {
		t.Fatalf("a guest's task: %v", err)
	}
	ann := w.Member(1)
	if node, err = ann.link.Dial(ann, founder.peer()); err != nil {
		t.Fatalf("%v", err)
	}
	if _, err := node.(moot.Runner).Run(t.Context(), moot.Task{For: founder.Key()}, nil); moot.KindOf(err) != moot.Denied {
		t.Fatalf("a task in another's name: %v", err)
	}
	if _, err := node.(moot.Runner).Run(t.Context(), moot.Task{For: ann.Key()}, nil); err != nil {
		t.Fatalf("her own: %v", err)
	}
}
