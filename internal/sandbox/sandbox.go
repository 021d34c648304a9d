// Package sandbox runs WASI preview 1 modules under limits that hold whatever a module
// does: memory, time, processor time, output, number of files and of open files. A module
// sees a folder to read, a folder to write, its arguments and its streams; no network, no
// other file, and, unless it is told otherwise, a clock and random numbers that are the
// same in every run. It must not know where modules and inputs come from, nor for whom
// they are run.
package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/experimental/sysfs"
	wasi "github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/mootspace/moot"
)

// Config is how a Sandbox is made.
type Config struct {
	Cache string // folder of compiled modules; empty: they are kept in memory only
	Log   *slog.Logger
}

// Sandbox runs modules. It is safe for concurrent use.
type Sandbox struct {
	runtime wazero.Runtime
	cache   wazero.CompilationCache
	modules modules
	log     *slog.Logger
}

// Run is one run of a module.
type Run struct {
	Module moot.BlobID
	Code   func(context.Context) (io.ReadCloser, error) // the module's bytes; asked only if it is not compiled yet

	Name   string   // argument 0
	Args   []string // the others
	Env    []string // "NAME=value"
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Inputs string // host folder that is /in, read only; symbolic links in it cannot be followed out
	Output string // host folder that is /out, and where relative paths lead

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
	s := &Sandbox{cache: wazero.NewCompilationCache(), log: cfg.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if cfg.Cache != "" {
		var err error
		if s.cache, err = wazero.NewCompilationCacheWithDir(cfg.Cache); err != nil {
			return nil, moot.Errorf(moot.Internal, "the folder of compiled modules: %w", err)
		}
	}
	s.runtime = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
		WithCompilationCache(s.cache).WithCloseOnContextDone(true).WithDebugInfoEnabled(false))
	if _, err := wasi.Instantiate(ctx, s.runtime); err != nil {
		return nil, errors.Join(moot.Errorf(moot.Internal, "sandbox: %w", err), s.Close())
	}
	return s, nil
}

// Close ends all runs.
func (s *Sandbox) Close() error {
	ctx := context.Background() // what is closed cannot be waited for less
	return errors.Join(s.runtime.Close(ctx), s.cache.Close(ctx))
}

// Run runs a module to its end. Its exit status is no error, whatever it is. Kinds:
// Invalid if it cannot be run at all, Failed if it broke off or exceeded a limit, which
// the error names.
func (s *Sandbox) Run(ctx context.Context, r Run) (exit uint32, used Usage, err error) {
	m, err := s.module(ctx, r)
	if err != nil {
		return 0, used, err
	}
	defer m.release()
	limits := r.Limits.orDefaults()
	if int64(m.memory)*pageSize > limits.Memory {
		return 0, used, errMemory(limits)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	meter := &meter{limits: limits, stop: stop}
	cfg, closing, err := s.config(ctx, r, meter)
	if err != nil {
		return 0, used, err
	}
	defer closing()
	memory := &memory{limit: limits.Memory, over: meter.wantMemory}
	ended := make(chan struct{})
	go func() { // a thread of its own: what it computes is counted
		defer close(ended)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		exit, err = s.run(experimental.WithMemoryAllocator(ctx, memory), m, cfg, meter)
	}()
	<-ended
	memory.free()
	used = meter.usage()
	used.Memory = memory.peak
	return exit, used, s.judge(ctx, meter, exit, err)
}

// run runs a module on this thread.
func (s *Sandbox) run(ctx context.Context, m *module, cfg wazero.ModuleConfig, meter *meter) (exit uint32, err error) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("sandbox", "panic", v, "stack", string(debug.Stack()))
			err = moot.Errorf(moot.Failed, "the module broke the sandbox's rules: %v", v)
		}
	}()
	defer meter.watch()()
	instance, err := s.runtime.InstantiateModule(ctx, m.compiled, cfg)
	if instance != nil {
		defer instance.Close(context.WithoutCancel(ctx))
	}
	var ended *sys.ExitError
	switch {
	case errors.As(err, &ended):
		return ended.ExitCode(), nil
	case err != nil:
		return 0, moot.Errorf(moot.Failed, "it broke off: %s", firstLines(err.Error()))
	}
	return 0, nil
}

// judge tells how a run ended.
func (s *Sandbox) judge(ctx context.Context, meter *meter, exit uint32, err error) error {
	cause := context.Cause(ctx)
	switch {
	case cause != nil:
		return cause // a limit, or the caller's
	case err == nil && exit == 0:
		return nil
	case meter.refused.Load(): // it did not get the memory that it wanted
		return errMemory(meter.limits)
	}
	return err
}

// firstLines shortens a stack trace to what may help its author.
func firstLines(s string) string {
	lines := strings.SplitN(s, "\n", 9)
	if len(lines) > 8 {
		lines = append(lines[:8], "…")
	}
	return strings.Join(lines, "\n")
}

// config is what a module sees.
func (s *Sandbox) config(ctx context.Context, r Run, meter *meter) (wazero.ModuleConfig, func(), error) {
	in, err := os.OpenRoot(r.Inputs)
	if err != nil {
		return nil, nil, moot.Errorf(moot.Internal, "the inputs: %w", err)
	}
	out, err := os.OpenRoot(r.Output)
	if err != nil {
		in.Close()
		return nil, nil, moot.Errorf(moot.Internal, "the output: %w", err)
	}
	mounts := wazero.NewFSConfig().(sysfs.FSConfig).
		WithSysFSMount(&folder{root: in, meter: meter}, "/in").(sysfs.FSConfig).
		WithSysFSMount(&folder{root: out, meter: meter, writable: true}, "/out")
	stdin := r.Stdin
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	cfg := wazero.NewModuleConfig().WithName("").WithArgs(append([]string{r.Name}, r.Args...)...).
		WithStdin(stdin).WithStdout(meter.writer(r.Stdout)).WithStderr(meter.writer(r.Stderr)).WithFSConfig(mounts).
		WithEnv("PWD", "/out")
	for _, e := range r.Env {
		name, value, _ := strings.Cut(e, "=")
		if name == "" || strings.ContainsRune(e, 0) {
			in.Close()
			out.Close()
			return nil, nil, moot.Errorf(moot.Invalid, "%.60q is no variable: want NAME=value", e)
		}
		cfg = cfg.WithEnv(name, value)
	}
	closing := func() { _ = errors.Join(in.Close(), out.Close()) } // what was read and written is known
	if r.Deterministic {
		return fixed(cfg, ctx, r.Seed), closing, nil
	}
	return live(cfg, ctx), closing, nil
}

// fixed gives a module a clock that only looking at it moves on, and random numbers from
// a seed.
func fixed(cfg wazero.ModuleConfig, ctx context.Context, seed uint64) wazero.ModuleConfig {
	const start = 946_684_800 * time.Second // 2000-01-01 UTC
	now := start
	read := func() time.Duration { now += time.Microsecond; return now }
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return cfg.WithRandSource(mathrand.NewChaCha8(key)).
		WithWalltime(func() (int64, int32) { t := read(); return int64(t / time.Second), int32(t % time.Second) }, 1000).
		WithNanotime(func() int64 { return int64(read() - start) }, 1000).
		WithNanosleep(func(ns int64) { now += time.Duration(max(ns, 0)) }).
		WithOsyield(func() {})
}

// grain is as fine as a real clock is shown.
const grain = time.Millisecond

// live gives a module the real time, to the millisecond, and real random numbers.
func live(cfg wazero.ModuleConfig, ctx context.Context) wazero.ModuleConfig {
	began := time.Now()
	return cfg.WithRandSource(rand.Reader).
		WithWalltime(func() (int64, int32) { t := time.Now().Truncate(grain); return t.Unix(), int32(t.Nanosecond()) }, sys.ClockResolution(grain)).
		WithNanotime(func() int64 { return int64(time.Since(began).Truncate(grain)) }, sys.ClockResolution(grain)).
		WithNanosleep(func(ns int64) {
			t := time.NewTimer(time.Duration(ns))
			defer t.Stop()
			select {
			case <-t.C:
			case <-ctx.Done():
			}
		}).
		WithOsyield(runtime.Gosched)
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
