package daemon

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/ask"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/front/cli"
	"github.com/mootspace/moot/internal/front/jobapi"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/sandbox"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/worker"
)

// workshop is this node's part in computing: it coordinates the jobs that are handed in
// here, and runs tasks for those to whom its owner lends. What it needs is opened when
// it is first asked for.
type workshop struct {
	n *node

	mu          sync.Mutex
	coordinator *jobs.Coordinator
	worker      *worker.Worker
	sandbox     *sandbox.Sandbox
	scratch     *store.Store // inputs and outputs of tasks, kept for a while
	kept        *shelf       // what is in scratch
}

// coordinate returns the coordinator, which runs from then on until ctx ends.
func (w *workshop) coordinate(ctx context.Context) (*jobs.Coordinator, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.coordinator != nil {
		return w.coordinator, nil
	}
	node := through{w.n, w.n.prefers(ctx)}
	pen := w.n.signer.Through(node)
	c, err := jobs.New(ctx, jobs.Config{
		Self: w.n.self(), Node: node, Local: w.n.store, Write: pen, Queue: w.n.path("jobs.db"), Workers: w.pool, Quota: w.room, Log: w.n.log,
		Files: files.New(node, pen, files.Options{Log: w.n.log}),
	})
	if err != nil {
		return nil, err
	}
	w.coordinator = c
	w.n.crew.Go(func() {
		if err := c.Run(w.n.life); err != nil && w.n.life.Err() == nil {
			w.n.log.Error("jobs", "error", err)
		}
	})
	return c, nil
}

// maxWaiting is how many tasks of one member may wait at a server.
const maxWaiting = 500_000

// room keeps one member from filling a server's queue.
func (w *workshop) room(member moot.Key, tasks, waiting int) error {
	if w.n.serves && tasks+waiting > maxWaiting {
		return moot.Errorf(moot.Full, "%d of your tasks are waiting, and a member may have %d: wait until some are done", waiting, maxWaiting)
	}
	return nil
}

// run begins what a running node does: it goes on with its jobs, and lends.
func (w *workshop) run(ctx context.Context) error {
	if _, err := w.coordinate(ctx); err != nil {
		return err
	}
	return w.lend(ctx)
}

func (w *workshop) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var err error
	if w.coordinator != nil {
		err = w.coordinator.Close()
	}
	if w.sandbox != nil {
		err = errors.Join(err, w.sandbox.Close(), w.scratch.Close())
	}
	return err
}

// bench returns the worker on this machine.
func (w *workshop) bench(ctx context.Context) (*worker.Worker, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.worker != nil {
		return w.worker, nil
	}
	scratch, err := store.Open(ctx, store.Config{Blobs: w.n.path("work/blobs"), Log: w.n.log})
	if err != nil {
		return nil, err
	}
	box, err := sandbox.New(ctx, sandbox.Config{Dir: w.n.path("work/sandbox"), Log: w.n.log})
	if err != nil {
		return nil, errors.Join(err, scratch.Close())
	}
	kept := newShelf(scratch, func() int64 { return orDefaultSize(w.n.wished.Load().LendDisk, 4<<30) })
	if err := kept.stock(ctx); err != nil {
		return nil, errors.Join(err, scratch.Close(), box.Close())
	}
	one, err := worker.New(worker.Config{
		Node: bench{w.n.store, scratch, kept}, Outputs: kept, Sandbox: box, Dir: w.n.path("work/tasks"), Log: w.n.log,
		Fetch: func(ctx context.Context, id moot.BlobID) error { return w.fetch(ctx, scratch, kept, id) },
		Admit: w.admit, Slots: func() int { return w.terms().CPUs }, Most: w.most,
	})
	if err != nil {
		return nil, errors.Join(err, scratch.Close(), box.Close())
	}
	w.scratch, w.sandbox, w.kept, w.worker = scratch, box, kept, one
	return one, nil
}

func orDefaultSize(n, otherwise int64) int64 {
	if n <= 0 {
		return otherwise
	}
	return n
}

// fetch brings what a task needs to this machine.
func (w *workshop) fetch(ctx context.Context, scratch *store.Store, kept *shelf, id moot.BlobID) error {
	if w.n.holds(ctx, id) {
		return nil
	}
	locator, err := w.n.locator(ctx, w.n.prefers(ctx))
	if err != nil {
		return err
	}
	from := ask.New(ask.Config{Local: scratch, Self: w.n.self(), Locator: locator, Dial: w.n.dial.Dial, Log: w.n.log, Verify: w.n.verify})
	if _, err := from.Fetch(ctx, id, func(int64) {}); err != nil {
		return err
	}
	return kept.touch(ctx, id)
}

// bench is what tasks read: what this node holds, and what is kept for tasks.
type bench struct {
	*store.Store
	scratch *store.Store
	kept    *shelf
}

func (b bench) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	rc, err := b.Store.Get(ctx, id, r)
	if moot.KindOf(err) == moot.NotFound {
		return b.scratch.Get(ctx, id, r)
	}
	return rc, err
}

func (b bench) Have(ctx context.Context, id moot.BlobID) (moot.Holding, error) {
	h, err := b.Store.Have(ctx, id)
	if moot.KindOf(err) == moot.NotFound {
		return b.scratch.Have(ctx, id)
	}
	return h, err
}

// desk returns where this home's member hands in jobs through an architecture.
func (w *workshop) desk(via cli.Via) jobs.Submitter {
	node := through{w.n, via}
	return jobs.NewSubmitter(jobs.SubmitterConfig{
		Self: w.n.self(), Node: node, Write: w.n.signer.Through(node), IsServer: w.n.roster.MayServe,
		Select: func(ctx context.Context) (moot.Key, moot.Architecture, error) { return w.place(ctx, via) },
		Follow: w.follow,
	})
}

// place tells who coordinates jobs: the server if it can be reached, else this node.
func (w *workshop) place(ctx context.Context, via cli.Via) (moot.Key, moot.Architecture, error) {
	servers := w.n.servers(ctx)
	switch {
	case via == cli.ViaPeers:
		return w.n.self(), moot.Architecture{Peers: true}, nil
	case w.n.serves && via == cli.ViaServer:
		return w.n.self(), moot.Architecture{Server: true}, nil
	case w.n.serves:
		return w.n.self(), moot.Architecture{Server: true, Peers: true}, nil
	case via == cli.ViaServer && len(servers) == 0:
		return moot.Key{}, moot.Architecture{}, moot.Errorf(moot.Unavailable, "this space has no server: start one with 'moot serve', or use --via peers")
	case via == cli.ViaServer:
		return servers[0].ID, moot.Architecture{Server: true}, nil
	}
	for _, s := range servers {
		if w.n.reach(ctx, s).Reachable {
			return s.ID, moot.Architecture{Server: true, Peers: true}, nil
		}
	}
	return w.n.self(), moot.Architecture{Server: true, Peers: true}, nil
}

// follow asks a job's coordinator.
func (w *workshop) follow(ctx context.Context, coordinator moot.Key, id string, logs bool) iter.Seq2[jobs.Event, error] {
	failed := func(err error) iter.Seq2[jobs.Event, error] {
		return func(yield func(jobs.Event, error) bool) { yield(jobs.Event{}, err) }
	}
	if coordinator == w.n.self() {
		c, err := w.coordinate(ctx)
		if err != nil {
			return failed(err)
		}
		return c.Follow(ctx, id, logs)
	}
	if !w.n.running {
		w.n.upload(ctx) // a server that coordinates may not be able to fetch what this command put here
	}
	peer := moot.Peer{ID: coordinator}
	for _, s := range w.n.servers(ctx) {
		if s.ID == coordinator {
			peer = s
		}
	}
	remote, err := w.n.dial.client(peer, httpsAddrs(peer.Addrs))
	if err != nil {
		return failed(moot.Wrap("ask the job's coordinator", err))
	}
	rt, base := remote.Transport()
	return jobapi.Follow(ctx, rt, base, id, logs)
}

// followOwn follows a job that this node coordinates.
func (w *workshop) followOwn(ctx context.Context, id string, logs bool) iter.Seq2[jobs.Event, error] {
	return w.follow(ctx, w.n.self(), id, logs)
}
