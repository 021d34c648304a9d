package jobs_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
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

// fixture is one member's node with a coordinator and fake workers; another device of the
// member may use the node, too.
type fixture struct {
	t         *testing.T
	node      *counter
	signer    *signer
	files     *files.Files
	queue     string
	submitter jobs.Submitter
	via       moot.Architecture // of new jobs
	server    moot.Key

	mu      sync.Mutex
	owners  map[moot.Key]moot.MemberID // of devices
	workers []jobs.Worker
	quota   func(member moot.MemberID, tasks, waiting int) error
	coord   *jobs.Coordinator
	stop    func()
	ahead   time.Duration // of the coordinator's clock
	retain  time.Duration
	notices []jobs.Job
}

func (s *fixture) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

// pass has time pass for the coordinator.
func (s *fixture) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

// signer signs entries of one device.
type signer struct {
	mu   sync.Mutex
	a    *feed.Author
	node moot.Node
	self moot.Key
}

func (p *signer) Append(ctx context.Context, mode moot.Mode, statements ...sign.Statement) (entries []moot.Entry, err error) {
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

func newFixture(t *testing.T, workers ...jobs.Worker) *fixture {
	t.Helper()
	return newFixtureOver(t, &counter{puts: map[moot.BlobID]int{}}, workers...)
}

func newFixtureOver(t *testing.T, node *counter, workers ...jobs.Worker) *fixture {
	t.Helper()
	var err error
	if node.Store, err = store.Open(t.Context(), store.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Close() })
	s := &fixture{t: t, node: node, queue: t.TempDir() + "/jobs.db", via: moot.Architecture{Peers: true}, owners: map[moot.Key]moot.MemberID{}, workers: workers}
	s.signer = s.device(me)
	s.files = files.New(node, s.signer, files.Options{Member: s.member})
	s.submitter = s.submitterOf(s.signer)
	s.retain = jobs.DefaultRetention
	s.lend(4)
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

// me is the fixture's member.
var me = moot.MemberID{100}

// device makes another device of a member.
func (s *fixture) device(member moot.MemberID) *signer {
	key := seal.NewKey()
	self := seal.Public(key)
	s.mu.Lock()
	s.owners[self] = member
	s.mu.Unlock()
	return &signer{a: feed.NewAuthor(space, key, feed.NewClock(time.Now, 0), nil), node: s.node, self: self}
}

var space = moot.SpaceID{1}

func (s *fixture) member(device moot.Key) (moot.MemberID, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := s.owners[device]
	return id, ok
}

// submitterOf returns the submitter of a device, over the fixture's coordinator.
func (s *fixture) submitterOf(p *signer) jobs.Submitter {
	self, _ := s.member(p.self)
	return jobs.NewSubmitter(jobs.SubmitterConfig{
		Self: self, Node: s.node, Write: p, Member: s.member, IsServer: func(k moot.Key) bool { return k == s.server },
		Select: func(context.Context) (moot.Key, moot.Architecture, error) {
			return s.signer.self, s.via, nil
		},
		Follow: func(ctx context.Context, _ moot.Key, id string, logs bool) iter.Seq2[jobs.Event, error] {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.coord.Follow(ctx, id, logs)
		},
	})
}

// lend publishes an offer of the fixture's device: without one, no job is accepted.
func (s *fixture) lend(cpus int) { s.lendAs(s.signer, cpus) }

func (s *fixture) lendAs(p *signer, cpus int) {
	s.t.Helper()
	if err := jobs.Announce(s.t.Context(), s.node, p, jobs.Offer{Device: p.self, Terms: jobs.Terms{CPUs: cpus}}); err != nil {
		s.t.Fatal(err)
	}
}

// start starts a coordinator with the queue of the one before.
func (s *fixture) start() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c, err := jobs.New(ctx, jobs.Config{Self: s.signer.self, Node: s.node, Local: s.node, Write: s.signer, Files: s.files, Queue: s.queue, Member: s.member, Random: rand.New(rand.NewPCG(1, 2)),
		Workers: func(context.Context, moot.MemberID, moot.Architecture) []jobs.Worker {
			s.mu.Lock()
			defer s.mu.Unlock()
			return slices.Clone(s.workers)
		},
		Now: s.now, Retain: func() time.Duration { return s.retain },
		Notify: func(_ context.Context, j jobs.Job) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.notices = append(s.notices, j)
			return nil
		},
		Quota: func(member moot.MemberID, tasks, waiting int) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.quota == nil {
				return nil
			}
			return s.quota(member, tasks, waiting)
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
func (s *fixture) put(text string) moot.Blob {
	s.t.Helper()
	b, err := s.node.Put(s.t.Context(), strings.NewReader("\x00asm\x01\x00\x00\x00"+text))
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *fixture) submit(spec jobs.Spec) jobs.Job {
	s.t.Helper()
	if spec.Stages == nil {
		spec.Stages = []jobs.Stage{{}}
	}
	for i := range spec.Stages {
		spec.Stages[i].Task.Module = s.put("code").ID
	}
	j, err := s.submitter.Submit(s.t.Context(), spec)
	if err != nil {
		s.t.Fatal(err)
	}
	return j
}

// await follows a job to its end.
func (s *fixture) await(id string) (last jobs.Job) {
	s.t.Helper()
	for ev, err := range s.submitter.Follow(s.t.Context(), id, false) {
		if err != nil {
			s.t.Fatal(err)
		}
		last = ev.Job
	}
	return last
}

// results returns the files of a job's results.
func (s *fixture) results(j jobs.Job) map[string]string {
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
		r, from := moot.Range{Offset: in.Offset, Length: in.Size}, in.Pack
		if from == (moot.BlobID{}) {
			from = in.ID
		}
		rc, err := s.node.Get(s.t.Context(), from, r)
		if err != nil {
			s.t.Fatal(err)
		}
		text, err := io.ReadAll(blob.NewDecoder(rc, from, r))
		rc.Close()
		if err != nil {
			s.t.Fatal(err)
		}
		got[in.Path] = string(text)
	}
	return got
}

// runner is a fake worker.
type runner func(context.Context, moot.Task, func(moot.Progress)) (moot.Outcome, error)

func (r runner) Run(ctx context.Context, t moot.Task, w func(moot.Progress)) (moot.Outcome, error) {
	return r(ctx, t, w)
}

// worker returns a worker whose key begins with k, of a member of its own.
func worker(k byte, slots int, r runner) jobs.Worker {
	return jobs.Worker{Key: moot.Key{k}, Member: moot.MemberID{k}, Slots: slots, Runner: r}
}

// wrote is the outcome of a task that wrote a text.
func wrote(text string) moot.Outcome {
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

// honest writes the task's environment.
func honest(_ context.Context, t moot.Task, _ func(moot.Progress)) (moot.Outcome, error) {
	return wrote(strings.Join(t.Env, " ")), nil
}
