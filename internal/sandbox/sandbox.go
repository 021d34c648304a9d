// Package sandbox runs WASI preview 1 modules under limits that hold whatever a module
// does: memory, time, processor time, output, number of files and of open files. A module
// sees a folder to read, a folder to write, its arguments and its streams; no network, no
// other file, and, unless it is told otherwise, a clock and random numbers that are the
// same in every run.
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
	Dir     string   // for modules and what they were compiled to
	Program []string // a program that calls Serve if IsChild; nil: this one
	Log     *slog.Logger
}

// Sandbox runs modules. It is safe for concurrent use.
type Sandbox struct {
	cfg     Config
	life    context.Context
	end     context.CancelFunc
	spawner spawner

	mu      sync.Mutex
	idle    []*child
	modules map[moot.BlobID]*module
	room    int64 // bytes that modules, and what they were compiled to, may take
	crew    sync.WaitGroup
}

// Run is one run of a module.
type Run struct {
	Module moot.BlobID
	Code   func(context.Context) (io.ReadCloser, error) // the module's bytes; asked only if they are not known

	Name   string   // argument 0
	Args   []string // the others
	Env    []string // "NAME=value"
	Stdin  []byte
	Stdout io.Writer // may be nil
	Stderr io.Writer // may be nil
	Inputs string    // host folder that is /in, read only; symbolic links in it cannot be followed out
	Output string    // host folder that is /out, and where relative paths lead

	Limits        Limits
	Seed          uint64 // of random numbers, if Deterministic
	Deterministic bool
}

// Usage is what a run took.
type Usage struct {
	Wall, CPU time.Duration
	Memory    int64 // bytes of linear memory at most
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
	s := &Sandbox{cfg: cfg, modules: map[moot.BlobID]*module{}, room: maxModules}
	if err := s.stock(); err != nil {
		return nil, durable.Error("sandbox", err)
	}
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	s.spawner = newSpawner(s.life)
	return s, nil
}

// Close ends all runs.
func (s *Sandbox) Close() error {
	s.end()
	s.mu.Lock()
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	for _, c := range idle {
		c.kill()
	}
	s.crew.Wait()
	return nil
}

// Run runs a module to its end. Its exit status is no error, whatever it is. Kinds:
// Invalid if it cannot be run at all, Failed if it broke off or exceeded a limit, which
// the error names.
func (s *Sandbox) Run(ctx context.Context, r Run) (exit uint32, used Usage, err error) {
	s.crew.Add(1)
	defer s.crew.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	m, err := s.module(ctx, r)
	if err != nil {
		return 0, used, err
	}
	limits := r.Limits.orDefaults()
	if m.memory > limits.Memory {
		return 0, used, errMemory(limits)
	}
	loaded, err := m.enter(ctx, limits) // one compiles, the others wait
	if err != nil {
		return 0, used, err
	}
	defer loaded(false, nil)
	c, err := s.child(ctx, r.Module)
	if err != nil {
		return 0, used, err
	}
	last, err := c.run(ctx, s.travel(r), [2]io.Writer{r.Stdout, r.Stderr}, limits, func() { loaded(true, nil) })
	if c.broken {
		c.kill()
	} else {
		s.release(c, r.Module)
	}
	if err == nil && last.Kind != "" {
		err = moot.Errorf(last.Kind, "%s", last.Why)
	}
	if kind := moot.KindOf(err); kind == moot.Invalid || kind == moot.Failed {
		loaded(false, err)
	}
	return last.Exit, last.Used, err
}

// travel is a run as a process is told.
func (s *Sandbox) travel(r Run) childRun {
	return childRun{Module: r.Module, Path: s.path(r.Module), Cache: filepath.Join(s.cfg.Dir, "compiled"), Name: r.Name, Args: r.Args, Env: r.Env,
		Stdin: r.Stdin, Inputs: r.Inputs, Output: r.Output, Seed: r.Seed, Deterministic: r.Deterministic}
}

// module is a module whose bytes are in the sandbox's folder, checked.
type module struct {
	memory   int64         // bytes that it has from the beginning
	compiled chan struct{} // holds one; empty while somebody compiles

	// Guarded by compiled:
	done  bool  // it was compiled once
	fault error // why it cannot be compiled
	tried int64 // with so much memory
}

// enter waits for a module to be compiled, or lets the caller do it, who then says once
// whether that was done, and if it cannot be done, why: others need not try.
func (m *module) enter(ctx context.Context, l Limits) (loaded func(done bool, fault error), err error) {
	select {
	case <-m.compiled:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if m.done || m.fault != nil && l.Memory <= m.tried {
		defer func() { m.compiled <- struct{}{} }()
		return func(bool, error) {}, m.fault
	}
	var once sync.Once
	return func(done bool, fault error) {
		once.Do(func() {
			m.done, m.fault, m.tried = done, fault, l.Memory
			m.compiled <- struct{}{}
		})
	}, nil
}

// module makes sure that a module's bytes are at hand.
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
	bounded, pages, err := inspect(code)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.modules[r.Module]; known != nil {
		return known, nil
	}
	if err := s.stock(); err != nil {
		return nil, durable.Error("the module", err)
	}
	if err := writeFile(s.path(r.Module), bounded); err != nil {
		return nil, durable.Error("the module", err)
	}
	m = &module{memory: int64(pages) * pageSize, compiled: make(chan struct{}, 1)}
	m.compiled <- struct{}{}
	s.modules[r.Module] = m
	return m, nil
}

// maxModules is how many bytes of modules, and of what they were compiled to, are kept.
const maxModules = 2 << 30

// stock adds up what is in the folder, and empties it if that is too much.
func (s *Sandbox) stock() error {
	if err := os.MkdirAll(filepath.Join(s.cfg.Dir, "modules"), 0o700); err != nil {
		return err
	}
	var size int64
	err := s.each(func(_ string, info fs.FileInfo) error {
		size += info.Size()
		return nil
	})
	if err != nil || size <= s.room {
		return err
	}
	clear(s.modules) // a run that was about to load one of them fails, and is tried again
	return s.each(func(path string, _ fs.FileInfo) error { return os.Remove(path) })
}

// each visits the files in the sandbox's folder; folders stay, as processes that run
// expect them.
func (s *Sandbox) each(visit func(path string, info fs.FileInfo) error) error {
	return filepath.WalkDir(s.cfg.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				err = visit(path, info)
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // a process has renamed it
			return nil
		}
		return err
	})
}

// path is where a module's bytes are.
func (s *Sandbox) path(id moot.BlobID) string {
	return filepath.Join(s.cfg.Dir, "modules", id.String()+".wasm")
}

// writeFile writes a file as a whole or not at all.
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

// amount writes a number of bytes for people.
func amount(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%.4g MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d bytes", n)
}
