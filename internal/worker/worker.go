// Package worker runs tasks on this machine: it stages their inputs, runs them in a sandbox,
// and stores their outputs, for as long as a bounded cache has space for them. It is a
// moot.Runner. It must not know who assigns tasks, nor an architecture or a link.
package worker

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/sandbox"
)

// Config is what a Worker is made of.
type Config struct {
	Node    moot.Node // where inputs are read
	Outputs Outputs
	Sandbox *sandbox.Sandbox
	Dir     string // for the files of running tasks; New empties it
	// Fetch stores a blob on this machine before it is read; nil if Node needs no such step.
	Fetch func(ctx context.Context, id moot.BlobID) error
	// Admit fails if a member may not run a task now. Kind Denied.
	Admit func(member moot.MemberID) error
	Slots func() int         // tasks that run at once
	Most  func() moot.Limits // upper limits of one task; zero fields are the sandbox's
	Log   *slog.Logger
}

// Worker runs tasks in turns between members.
type Worker struct {
	cfg   Config
	files *files.Files
	slots *slots
}

var _ moot.Runner = (*Worker)(nil)

// New returns a worker, and removes the files of tasks that did not end.
func New(cfg Config) (*Worker, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	err := os.RemoveAll(cfg.Dir)
	if err == nil {
		err = os.MkdirAll(cfg.Dir, 0o700)
	}
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "the worker's folder: %w", err)
	}
	return &Worker{cfg: cfg, files: files.New(cfg.Node, nil, files.Options{Log: cfg.Log}), slots: newSlots(cfg.Slots)}, nil
}

// Into returns a runner that shares the worker's slots and stores outputs elsewhere: a
// coordinator on the same machine then has no output to fetch.
func (w *Worker) Into(outputs Outputs) moot.Runner {
	other := *w
	other.cfg.Outputs = outputs
	return &other
}

// Run implements moot.Runner.
func (w *Worker) Run(ctx context.Context, t moot.Task, watch func(moot.Progress)) (moot.Outcome, error) {
	o, err := w.run(ctx, t, watch)
	if ctx.Err() != nil {
		err = moot.Wrap("task "+t.Label, context.Cause(ctx))
	}
	return o, err
}

func (w *Worker) run(ctx context.Context, t moot.Task, watch func(moot.Progress)) (o moot.Outcome, err error) {
	if err := w.cfg.Admit(t.For); err != nil {
		return o, err
	}
	leave, err := w.slots.queue(t.For)
	if err != nil {
		return o, err
	}
	defer leave()
	if err := w.fetch(ctx, t); err != nil {
		return o, err
	}
	release, err := w.slots.acquire(ctx, t.For)
	if err != nil {
		return o, err
	}
	defer release()
	if watch == nil {
		watch = func(moot.Progress) {}
	}
	watch(moot.Progress{Started: true})
	dir := filepath.Join(w.cfg.Dir, rand.Text()) // made when something is written to it
	defer w.remove(dir)
	return w.perform(ctx, t, dir, watch)
}

// remove removes a task's folder.
func (w *Worker) remove(dir string) {
	if err := os.RemoveAll(dir); err != nil {
		w.cfg.Log.Warn("remove a task's folder", "error", err)
	}
}

// fetch stores a task's module and inputs on this machine, while other tasks run.
func (w *Worker) fetch(ctx context.Context, t moot.Task) error {
	if w.cfg.Fetch == nil {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	seen := map[moot.BlobID]bool{}
	want := func(id moot.BlobID) {
		if !seen[id] {
			seen[id] = true
			group.Go(func() error { return w.cfg.Fetch(ctx, id) })
		}
	}
	if !w.cfg.Sandbox.Holds(t.Module) {
		want(t.Module)
	}
	if t.Stdin != (moot.Input{}) {
		want(inputBlob(t.Stdin))
	}
	for _, in := range t.Inputs {
		if !in.Folder {
			want(inputBlob(in))
			continue
		}
		err := w.cfg.Fetch(ctx, in.ID)
		for part, failed := range w.files.Inputs(ctx, in.ID) {
			if err = errors.Join(err, failed); err != nil {
				break
			}
			want(inputBlob(part))
		}
		if err != nil {
			return errors.Join(moot.Wrap("fetch the input "+in.Path, err), group.Wait())
		}
	}
	return moot.Wrap("fetch the inputs", group.Wait())
}

// inputBlob is the blob that contains an input.
func inputBlob(in moot.Input) moot.BlobID {
	if in.Pack != (moot.BlobID{}) {
		return in.Pack
	}
	return in.ID
}

// perform stages a task's inputs, runs it, and collects its outputs.
func (w *Worker) perform(ctx context.Context, t moot.Task, dir string, watch func(moot.Progress)) (o moot.Outcome, err error) {
	run := sandbox.Run{
		Module: t.Module, Code: func(ctx context.Context) (io.ReadCloser, error) { return w.open(ctx, t.Module, moot.Whole) },
		Name: t.Name, Args: t.Args, Env: t.Env, Output: filepath.Join(dir, "out"),
		Limits: limits(t.Limits, w.cfg.Most()), Seed: t.Seed, Deterministic: !t.Live,
	}
	if run.Inputs, run.Stdin, err = w.stage(ctx, dir, t); err != nil {
		return o, err
	}
	streams := newStreams(dir, watch)
	defer streams.close()
	run.Stdout, run.Stderr = streams.out, streams.err
	exit, used, err := w.cfg.Sandbox.Run(ctx, run)
	streams.flush()
	o = moot.Outcome{Exit: exit, Wall: used.Wall, CPU: used.CPU, Memory: used.Memory}
	if err != nil {
		if ctx.Err() != nil || moot.KindOf(err) != moot.Failed {
			return o, err
		}
		o.Failure = err.Error()
	}
	return o, w.collect(ctx, &o, streams, run.Output)
}

// open opens verified bytes.
func (w *Worker) open(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	rc, err := w.cfg.Node.Get(ctx, id, r)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{blob.NewDecoder(rc, id, r), rc}, nil
}

// limits are the limits that a task asks for, bounded by the worker's.
func limits(asked, most moot.Limits) sandbox.Limits {
	d := sandbox.Defaults()
	return sandbox.Limits{
		Memory: least(asked.Memory, most.Memory, d.Memory), Wall: least(asked.Wall, most.Wall, d.Wall), CPU: least(asked.CPU, most.CPU, d.CPU),
		Output: least(asked.Output, most.Output, d.Output), Files: least(asked.Files, most.Files, d.Files), Open: least(asked.Open, most.Open, d.Open),
	}
}

// least is what was asked for, by default usual, and at most most; zero means unset.
func least[T int | int64 | time.Duration](asked, most, usual T) T {
	if asked <= 0 {
		asked = usual
	}
	if most > 0 {
		asked = min(asked, most)
	}
	return asked
}
