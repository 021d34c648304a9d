// Package sandbox runs WASI preview 1 modules under limits that hold whatever a module
// does: memory, time, processor time, output, number of files and of open files. A module
// sees a folder to read, a folder to write, its arguments and its streams; no network and no
// other file. In a deterministic run, clock and random numbers are the same each time.
//
// Modules run in processes of their own (this program, started again; see [Serve]), one
// at a time in each: machine code without checks is several times faster than code that
// can be interrupted, and a process can always be killed. It must not know where modules
// and inputs come from, nor for whom they are run.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// Config is how a Sandbox is made.
type Config struct {
	Dir     string   // for modules and their compiled code
	Program []string // a program that calls Serve if IsChild; nil: this one
	Log     *slog.Logger
}

// Sandbox runs modules. It is safe for concurrent use.
type Sandbox struct {
	cfg     Config
	ctx     context.Context //nolint:containedctx // until Close: children outlive the calls that start them
	cancel  context.CancelFunc
	spawner spawner

	mu       sync.Mutex
	idle     []*child
	modules  map[moot.BlobID]*module
	capacity int64         // bytes of modules and their compiled code
	compiler chan struct{} // a semaphore: modules are compiled one at a time
	runs     sync.WaitGroup
}

// Run is one run of a module.
type Run struct {
	Module moot.BlobID
	Code   func(context.Context) (io.ReadCloser, error) // the module's bytes; called if they are not stored

	Name   string    // argument 0
	Args   []string  // the others
	Env    []string  // "NAME=value"
	Stdin  string    // host file that is standard input; "": it is empty
	Stdout io.Writer // may be nil
	Stderr io.Writer // may be nil
	Inputs string    // host folder that is /in, read only; symbolic links in it cannot be followed out; "": it is empty
	Output string    // host folder that is /out, and where other paths lead; made when something is written

	Limits        Limits
	Seed          uint64 // of random numbers, if Deterministic
	Deterministic bool
}

// Usage is the resource usage of a run.
type Usage struct {
	Wall, CPU time.Duration
	Memory    int64 // peak bytes of linear memory
	Output    int64 // bytes written
	Files     int   // files and folders made
}

// New makes a sandbox.
func New(ctx context.Context, cfg Config) (*Sandbox, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if len(cfg.Program) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, moot.Errorf(moot.Internal, "sandbox: %w", err)
		}
		cfg.Program = []string{self}
	}
	s := &Sandbox{cfg: cfg, modules: map[moot.BlobID]*module{}, capacity: maxModules, compiler: make(chan struct{}, 1)}
	if err := s.trim(); err != nil {
		return nil, durable.Error("sandbox", err)
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.spawner = newSpawner(s.ctx)
	return s, nil
}

// Close ends all runs.
func (s *Sandbox) Close() error {
	s.cancel()
	s.mu.Lock()
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	for _, c := range idle {
		c.kill()
	}
	s.runs.Wait()
	return nil
}

// Run runs a module to its end. An exit status is not an error. Kinds: Invalid if the module
// cannot be run, Failed if it crashed or exceeded a limit, which the error names.
func (s *Sandbox) Run(ctx context.Context, r Run) (exit uint32, used Usage, err error) {
	s.runs.Add(1)
	defer s.runs.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	m, err := s.module(ctx, r)
	if err != nil {
		return 0, used, err
	}
	limits := r.Limits.orDefaults()
	if m.memory > limits.Memory {
		return 0, used, errMemory(limits)
	}
	if err := s.compile(ctx, r.Module, m); err != nil {
		return 0, used, err
	}
	find := s.child
	if m.exceptions { // see docs/why/0020: such a process runs nothing else
		find = s.fresh
	}
	c, err := find(ctx, r.Module)
	if err != nil {
		return 0, used, err
	}
	last, err := c.run(ctx, request{Run: s.message(r), Limits: limits}, [2]io.Writer{r.Stdout, r.Stderr}, m.bounds(limits))
	if c.broken || m.exceptions {
		c.kill()
	} else {
		s.release(c)
	}
	if err != nil && s.ctx.Err() != nil { // its processes were killed with it: no fault of the module's
		return last.Exit, last.Used, moot.Errorf(moot.Unavailable, "the sandbox was closed")
	}
	if err == nil && last.Kind != "" {
		err = moot.Errorf(last.Kind, "%s", last.Why)
	}
	return last.Exit, last.Used, err
}

// Holds reports whether a module's bytes are stored, so that Code need not be called.
func (s *Sandbox) Holds(id moot.BlobID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.modules[id] != nil
}

// message is a run as it is sent to a process.
func (s *Sandbox) message(r Run) childRun {
	return childRun{Module: r.Module, Path: s.path(r.Module), Cache: filepath.Join(s.cfg.Dir, "compiled"), Name: r.Name, Args: r.Args, Env: r.Env,
		Stdin: r.Stdin, Inputs: r.Inputs, Output: r.Output, Seed: r.Seed, Deterministic: r.Deterministic}
}

// module stores and validates a module's bytes, unless they are stored.
func (s *Sandbox) module(ctx context.Context, r Run) (*module, error) {
	s.mu.Lock()
	m := s.modules[r.Module]
	s.mu.Unlock()
	if m != nil {
		return m, nil
	}
	in, err := r.Code(ctx)
	if err != nil {
		return nil, moot.Wrap("the module", err)
	}
	code, err := io.ReadAll(io.LimitReader(in, maxModule+1))
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, moot.Wrap("the module", err)
	}
	if len(code) > maxModule {
		return nil, moot.Errorf(moot.TooLarge, "the module is larger than %s", amount(maxModule))
	}
	bounded, outline, err := inspect(code)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.modules[r.Module]; known != nil {
		return known, nil
	}
	if err := s.trim(); err != nil {
		return nil, durable.Error("the module", err)
	}
	if err := writeFile(s.path(r.Module), bounded); err != nil {
		return nil, durable.Error("the module", err)
	}
	m = &module{size: int64(len(bounded)), memory: int64(outline.memory) * pageSize, exceptions: outline.exceptions, turn: make(chan struct{}, 1)}
	s.modules[r.Module] = m
	return m, nil
}

// maxModules bounds the bytes of modules and their compiled code.
const maxModules = 2 << 30

// trim empties the folder if it is over its capacity.
func (s *Sandbox) trim() error {
	if err := os.MkdirAll(filepath.Join(s.cfg.Dir, "modules"), 0o700); err != nil {
		return err
	}
	var size int64
	err := s.each(func(_ string, info fs.FileInfo) error {
		size += info.Size()
		return nil
	})
	if err != nil || size <= s.capacity {
		return err
	}
	clear(s.modules) // a run that is about to load one of them fails, and is retried
	return s.each(func(path string, _ fs.FileInfo) error { return os.Remove(path) })
}

// each visits the files in the sandbox's folder. Folders stay, because running processes
// expect them.
func (s *Sandbox) each(visit func(path string, info fs.FileInfo) error) error {
	return filepath.WalkDir(s.cfg.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				err = visit(path, info)
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // renamed by a process
			return nil
		}
		return err
	})
}

// path is the file with a module's bytes.
func (s *Sandbox) path(id moot.BlobID) string {
	return filepath.Join(s.cfg.Dir, "modules", id.String()+".wasm")
}

// writeFile writes a file atomically.
func writeFile(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = tmp.Write(content)
	if closed := tmp.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

func errMemory(l Limits) error {
	return moot.Errorf(moot.Failed, "it wanted more than its %s of memory", amount(l.Memory))
}

// amount formats a number of bytes.
func amount(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%.4g MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d bytes", n)
}
