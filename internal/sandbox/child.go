package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"io"
	mathrand "math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/experimental/sysfs"
	wasi "github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/mootspace/moot"
)

// childVariable tells a process that it is a sandbox's.
const childVariable = "MOOT_SANDBOX"

// IsChild reports whether this process was started by a Sandbox. It then has to call
// Serve, and nothing else.
func IsChild() bool { return os.Getenv(childVariable) != "" }

// Serve runs the modules that it is sent, until its standard input ends.
func Serve() {
	_ = os.Unsetenv(childVariable) // fails only on an invalid name
	niceDown()
	if err := serve(context.Background(), os.Stdin, os.Stdout); err != nil {
		_, _ = io.WriteString(os.Stderr, err.Error()) // the process ends in any case
		os.Exit(1)
	}
}

// server is the other side of a child.
type server struct {
	runtime wazero.Runtime
	system  map[string]bool // functions that modules may import
	modules *simplelru.LRU[moot.BlobID, wazero.CompiledModule]

	mu  sync.Mutex
	out *gob.Encoder
}

func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	requests := make(chan request)
	go func() { // notices the end of the parent while a module runs
		from := gob.NewDecoder(in)
		for {
			var r request
			if from.Decode(&r) != nil {
				os.Exit(0)
			}
			requests <- r
		}
	}()
	s := &server{out: gob.NewEncoder(out)}
	for r := range requests {
		if err := s.open(ctx, r.Run.Cache); err != nil {
			return err
		}
		s.handle(ctx, r)
	}
	return nil
}

// features are what modules may use beside the core of version 2 (docs/why/0020).
const features = api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall | experimental.CoreFeaturesExtendedConst | experimental.CoreFeaturesExceptionHandling

// open makes the runtime, once.
func (s *server) open(ctx context.Context, dir string) error {
	if s.runtime != nil {
		return nil
	}
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return err
	}
	s.runtime = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCoreFeatures(features).WithCompilationCache(cache).WithDebugInfoEnabled(false))
	if _, err := wasi.Instantiate(ctx, s.runtime); err != nil {
		return err
	}
	s.modules, err = simplelru.NewLRU(maxCompiled, func(_ moot.BlobID, m wazero.CompiledModule) {
		_ = m.Close(ctx) // only frees memory
	})
	if err != nil {
		return err
	}
	s.system = map[string]bool{}
	for name := range s.runtime.Module(wasi.ModuleName).ExportedFunctionDefinitions() {
		s.system[name] = true
	}
	return nil
}

func (s *server) send(a reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out.Encode(a) != nil { // the parent has ended
		os.Exit(0)
	}
}

// handle runs one module.
func (s *server) handle(ctx context.Context, r request) {
	if r.Compile { // nothing else runs in this process
		ctx = experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0))
	}
	loaded := s.modules.Contains(r.Run.Module)
	compiled, err := s.load(ctx, r.Run)
	if err != nil {
		s.send(reply{Ended: true, Kind: moot.KindOf(err), Why: err.Error()})
		return
	}
	if r.Compile {
		s.send(reply{Ended: true})
		return
	}
	memory := &memory{limit: r.Limits.Memory}
	meter := &meter{limits: r.Limits}
	meter.stop = func(err error) { // only the end of the process stops the module
		s.send(reply{Ended: true, Used: meter.used(memory), Kind: moot.KindOf(err), Why: err.Error()})
		os.Exit(0)
	}
	cfg, closing, err := s.config(r.Run, meter)
	if err != nil {
		s.send(reply{Ended: true, Kind: moot.KindOf(err), Why: err.Error()})
		return
	}
	if !loaded {
		s.send(reply{Started: true})
	}
	exit, err := s.run(experimental.WithMemoryAllocator(ctx, memory), compiled, cfg)
	if memory.refused && (err != nil || exit != 0) { // it failed for lack of memory
		err = errMemory(r.Limits)
	}
	a := reply{Ended: true, Exit: exit, Used: meter.used(memory)}
	if err != nil {
		a.Kind, a.Why = moot.KindOf(err), err.Error()
	}
	memory.free()
	closing()
	s.send(a)
}

func (m *meter) used(mem *memory) Usage {
	return Usage{Memory: mem.peak, Output: m.output.Load(), Files: int(m.files.Load())}
}

// run runs a module to its end.
func (s *server) run(ctx context.Context, m wazero.CompiledModule, cfg wazero.ModuleConfig) (exit uint32, err error) {
	instance, err := s.runtime.InstantiateModule(ctx, m, cfg)
	if instance != nil {
		defer instance.Close(ctx)
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

// firstLines truncates a stack trace.
func firstLines(s string) string {
	lines := strings.SplitN(s, "\n", 9)
	if len(lines) > 8 {
		lines = append(lines[:8], "…")
	}
	return strings.Join(lines, "\n")
}

// maxCompiled bounds the compiled modules in a process.
const maxCompiled = 8

// load returns a module, compiled. Kind Invalid.
func (s *server) load(ctx context.Context, r childRun) (wazero.CompiledModule, error) {
	if m, ok := s.modules.Get(r.Module); ok {
		return m, nil
	}
	code, err := os.ReadFile(r.Path)
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "the module: %w", err)
	}
	c, err := s.runtime.CompileModule(ctx, code)
	if err != nil {
		return nil, moot.Errorf(moot.Invalid, "not a module that can be run: %w", err)
	}
	if err := s.linkable(c); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	s.modules.Add(r.Module, c)
	return c, nil
}

// linkable fails if a module imports what the sandbox does not provide. Kind Invalid.
func (s *server) linkable(c wazero.CompiledModule) error {
	var missing []string
	for _, f := range c.ImportedFunctions() {
		if from, name, _ := f.Import(); !s.system[name] || from != wasi.ModuleName {
			missing = append(missing, from+"."+name)
		}
	}
	if len(missing) > 0 {
		more := ""
		if len(missing) > 5 {
			missing, more = missing[:5], " …"
		}
		return moot.Errorf(moot.Invalid, "the module imports functions that WASI preview 1 does not have: %.400s%s", strings.Join(missing, ", "), more)
	}
	if len(c.ImportedMemories()) > 0 {
		return moot.Errorf(moot.Invalid, "the module imports its memory from outside")
	}
	if c.ExportedFunctions()["_start"] == nil {
		return moot.Errorf(moot.Invalid, "the module is a library, not a program: it has no function _start")
	}
	return nil
}

// config is the environment of a module.
func (s *server) config(r childRun, meter *meter) (wazero.ModuleConfig, func(), error) {
	in, out := &hostDir{path: r.Inputs}, &hostDir{path: r.Output}
	stdin, err := openStdin(r.Stdin)
	if err != nil {
		return nil, nil, err
	}
	closing := func() { in.close(); out.close(); stdin.Close() }
	results := &folder{host: out, meter: meter, writable: true}
	mounts := wazero.NewFSConfig().(sysfs.FSConfig).
		WithSysFSMount(results, "/").(sysfs.FSConfig). // where wasi-libc's relative paths lead
		WithSysFSMount(&folder{host: in, meter: meter}, "/in").(sysfs.FSConfig).
		WithSysFSMount(results, "/out")
	cfg := wazero.NewModuleConfig().WithName("").WithArgs(append([]string{r.Name}, r.Args...)...).
		WithStdin(stdin).WithStdout(stream{s, meter, 1}).WithStderr(stream{s, meter, 2}).
		WithFSConfig(mounts).WithEnv("PWD", "/out")
	for _, e := range r.Env {
		name, value, _ := strings.Cut(e, "=")
		if name == "" || strings.ContainsRune(e, 0) {
			closing()
			return nil, nil, moot.Errorf(moot.Invalid, "%.60q is not a variable (want NAME=value)", e)
		}
		cfg = cfg.WithEnv(name, value)
	}
	if r.Deterministic {
		return fixed(cfg, r.Seed), closing, nil
	}
	return live(cfg), closing, nil
}

// openStdin opens standard input. It is no *os.File for the module, which would see its times.
func openStdin(path string) (io.ReadCloser, error) {
	if path == "" {
		return io.NopCloser(strings.NewReader("")), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "standard input: %w", err)
	}
	return struct{ io.ReadCloser }{f}, nil
}

// stream is standard output or standard error of a module.
type stream struct {
	server *server
	meter  *meter
	n      int
}

// maxText bounds the bytes of a stream in one message: a module may write all of its memory
// in one call, which the node must not buffer.
const maxText = 64 << 10

func (w stream) Write(p []byte) (int, error) {
	w.meter.write(int64(len(p)))
	for text := range slices.Chunk(p, maxText) {
		w.server.send(reply{Stream: w.n, Text: text})
	}
	return len(p), nil
}

// fixed gives a module a logical clock, which advances when it is read, and random numbers
// from a seed.
func fixed(cfg wazero.ModuleConfig, seed uint64) wazero.ModuleConfig {
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

// grain is the resolution of the real clock in a module.
const grain = time.Millisecond

// live gives a module the real time and real random numbers.
func live(cfg wazero.ModuleConfig) wazero.ModuleConfig {
	began := time.Now()
	return cfg.WithRandSource(rand.Reader).
		WithWalltime(func() (int64, int32) { t := time.Now().Truncate(grain); return t.Unix(), int32(t.Nanosecond()) }, sys.ClockResolution(grain)).
		WithNanotime(func() int64 { return int64(time.Since(began).Truncate(grain)) }, sys.ClockResolution(grain)).
		WithSysNanosleep().WithOsyield(runtime.Gosched)
}
