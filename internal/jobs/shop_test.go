package jobs_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

// shop is one member's node, with a coordinator and workers that are made up.
type shop struct {
	t     *testing.T
	node  *store.Store
	pen   *pen
	files *files.Files
	queue string
	desk  jobs.Desk

	mu      sync.Mutex
	workers []jobs.Worker
	coord   *jobs.Coordinator
	stop    func()
}

// pen signs for one member.
type pen struct {
	mu   sync.Mutex
	a    *feed.Author
	node moot.Node
	self moot.Key
}

func (p *pen) Append(ctx context.Context, mode moot.Mode, statements ...sign.Statement) (entries []moot.Entry, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range statements {
		e := p.a.Next(s.Kind, s.Key, s.Replaces, s.Body)
		if err := p.node.Append(ctx, mode, e); err != nil {
			return entries, err
		}
		p.a.Commit(e)
		entries = append(entries, e)
	}
	return entries, nil
}

func newShop(t *testing.T, workers ...jobs.Worker) *shop {
	t.Helper()
	node, err := store.Open(t.Context(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Close() })
	key := seal.NewKey()
	self := seal.Public(key)
	p := &pen{a: feed.NewAuthor(self, key, feed.NewClock(time.Now, 0), nil), node: node, self: self}
	s := &shop{t: t, node: node, pen: p, files: files.New(node, p, files.Options{}), queue: t.TempDir() + "/jobs.db", workers: workers}
	s.desk = jobs.NewDesk(jobs.DeskConfig{
		Self: self, Node: node, Write: p, IsServer: func(moot.Key) bool { return false },
		Place: func(context.Context) (moot.Key, jobs.Pool, error) { return self, jobs.Peers, nil },
		Follow: func(ctx context.Context, _ moot.Key, id string, logs bool) iter.Seq2[jobs.Event, error] {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.coord.Follow(ctx, id, logs)
		},
	})
	s.lend(4)
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

// lend has the shop's own member offer, so that there is somebody to hand jobs to.
func (s *shop) lend(cpus int) {
	s.t.Helper()
	err := jobs.Announce(s.t.Context(), s.node, s.pen, jobs.Offer{Member: s.pen.self, Terms: jobs.Terms{CPUs: cpus}})
	if err != nil {
		s.t.Fatal(err)
	}
}

// start starts the coordinator, with the queue that an earlier one has left.
func (s *shop) start() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c, err := jobs.New(ctx, jobs.Config{Self: s.pen.self, Node: s.node, Write: s.pen, Files: s.files, Queue: s.queue,
		Pool: func(context.Context, moot.Key, jobs.Pool) []jobs.Worker {
			s.mu.Lock()
			defer s.mu.Unlock()
			return slices.Clone(s.workers)
		}})
	if err != nil {
		s.t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- c.Run(ctx) }()
	s.mu.Lock()
	s.coord = c
	s.mu.Unlock()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-over, c.Close()); err != nil {
			s.t.Error(err)
		}
	})
}

// put stores bytes that begin like a module.
func (s *shop) put(text string) moot.Blob {
	s.t.Helper()
	b, err := s.node.Put(s.t.Context(), strings.NewReader("\x00asm\x01\x00\x00\x00"+text))
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *shop) submit(spec jobs.Spec) jobs.Job {
	s.t.Helper()
	if spec.Stages == nil {
		spec.Stages = []jobs.Stage{{}}
	}
	for i := range spec.Stages {
		spec.Stages[i].Task.Module = s.put("code").ID
	}
	j, err := s.desk.Submit(s.t.Context(), spec)
	if err != nil {
		s.t.Fatal(err)
	}
	return j
}

// await follows a job to its end.
func (s *shop) await(id string) (last jobs.Job) {
	s.t.Helper()
	for ev, err := range s.desk.Follow(s.t.Context(), id, false) {
		if err != nil {
			s.t.Fatal(err)
		}
		last = ev.Job
	}
	return last
}

// results are the files that a job made.
func (s *shop) results(j jobs.Job) map[string]string {
	s.t.Helper()
	got := map[string]string{}
	f, err := s.files.Lookup(s.t.Context(), j.As)
	if err != nil || f.Blob.ID != j.Result {
		s.t.Fatalf("%+v, %v", f, err)
	}
	for in, err := range s.files.Inputs(s.t.Context(), j.Result) {
		if err != nil {
			s.t.Fatal(err)
		}
		r := moot.Range{Offset: in.Offset, Length: in.Size}
		rc, err := s.node.Get(s.t.Context(), in.Pack, r)
		if err != nil {
			s.t.Fatal(err)
		}
		text, err := io.ReadAll(blob.NewDecoder(rc, in.Pack, r))
		rc.Close()
		if err != nil {
			s.t.Fatal(err)
		}
		got[in.Path] = string(text)
	}
	return got
}

// runner is what a made-up worker does.
type runner func(context.Context, moot.Task, func(moot.Progress)) (moot.Outcome, error)

func (r runner) Run(ctx context.Context, t moot.Task, w func(moot.Progress)) (moot.Outcome, error) {
	return r(ctx, t, w)
}

// worker returns one; the byte makes its key.
func worker(k byte, slots int, r runner) jobs.Worker {
	return jobs.Worker{Key: moot.Key{k}, Slots: slots, Runner: r}
}

// says is the outcome of a task that wrote a text.
func says(text string) moot.Outcome {
	empty := content("")
	return moot.Outcome{Stdout: content(text), Stderr: empty, Wall: time.Millisecond}
}

func content(text string) moot.Content {
	h := blob.NewHasher(nil)
	io.WriteString(h, text)
	b, err := h.Sum()
	if err != nil {
		panic(err)
	}
	return moot.Content{Blob: b, Data: []byte(text)}
}

// honest says the task's number.
func honest(_ context.Context, t moot.Task, _ func(moot.Progress)) (moot.Outcome, error) {
	return says(strings.Join(t.Env, " ")), nil
}
