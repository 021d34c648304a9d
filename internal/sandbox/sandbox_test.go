package sandbox

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// compiled is the folder of compiled code that the tests share.
var compiled string

func TestMain(m *testing.M) {
	if IsChild() {
		Serve()
		return
	}
	var err error
	if compiled, err = os.MkdirTemp("", "moot-compiled-"); err != nil {
		panic(err)
	}
	status := m.Run()
	os.RemoveAll(compiled)
	os.Exit(status)
}

// build compiles a Go program for WASI, once for each test process.
var build = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "moot-hostile-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "hostile.wasm")
	c := exec.Command("go", "build", "-o", out, "./testdata/hostile")
	c.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := c.CombinedOutput(); err != nil {
		return nil, moot.Errorf(moot.Internal, "%s: %w", text, err)
	}
	return os.ReadFile(out)
})

// box is a sandbox with folders.
type box struct {
	*Sandbox
	t       *testing.T
	in, out string
}

func newBox(t *testing.T) *box {
	t.Helper()
	s, err := New(t.Context(), Config{Dir: compiled})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &box{s, t, t.TempDir(), t.TempDir()}
	if err := os.WriteFile(filepath.Join(b.in, "input"), []byte("input "), 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

// result is what came of a run.
type result struct {
	exit           uint32
	used           Usage
	err            error
	stdout, stderr string
	took           time.Duration
}

// of is a run of code in the box's folders.
func (b *box) of(code []byte) Run {
	return Run{Module: idOf(code), Inputs: b.in, Output: b.out,
		Code: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(code)), nil }}
}

func (b *box) run(code []byte, r Run) (got result) {
	b.t.Helper()
	var stdout, stderr bytes.Buffer
	all := b.of(code)
	r.Module, r.Inputs, r.Output, r.Code = all.Module, all.Inputs, all.Output, all.Code
	r.Stdout, r.Stderr = &stdout, &stderr
	began := time.Now()
	got.exit, got.used, got.err = b.Run(b.t.Context(), r)
	got.took = time.Since(began)
	got.stdout, got.stderr = stdout.String(), stderr.String()
	if len(got.stdout) > 300 {
		got.stdout = got.stdout[:300]
	}
	return got
}

// idOf names code, for these tests, by its beginning and its length.
func idOf(code []byte) (id moot.BlobID) {
	copy(id[:], code[max(0, len(code)-28):])
	id[31], id[30], id[29] = byte(len(code)), byte(len(code)>>8), byte(len(code)>>16)
	return id
}

func (b *box) hostile(mode string, r Run) result {
	b.t.Helper()
	code, err := build()
	if err != nil {
		b.t.Fatal(err)
	}
	r.Name, r.Args = "hostile", append([]string{mode}, r.Args...)
	return b.run(code, r)
}

func TestOrdinary(t *testing.T) {
	b := newBox(t)
	stdin := filepath.Join(t.TempDir(), "stdin")
	if err := os.WriteFile(stdin, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := b.hostile("work", Run{Args: []string{"x y", "z"}, Env: []string{"GREETING=hello"}, Stdin: stdin})
	if got.err != nil || got.exit != 7 || got.stdout != "[work x y z] hello\n!mo\n" {
		t.Fatalf("%+v", got)
	}
	result, err := os.ReadFile(filepath.Join(b.out, "result"))
	if err != nil || string(result) != "input text!mo" {
		t.Errorf("%q, %v", result, err)
	}
	left, err := os.ReadDir(b.out)
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	if got.used.Files != 3 || got.used.Wall <= 0 || got.used.Memory <= 0 {
		t.Errorf("%+v", got.used)
	}
}

func TestExit(t *testing.T) {
	if got := newBox(t).hostile("exit", Run{}); got.err != nil || got.exit != 0xffffff {
		t.Errorf("%+v", got)
	}
}

// TestLimits runs programs that exceed a limit.
func TestLimits(t *testing.T) {
	b := newBox(t)
	b.hostile("exit", Run{}) // compiles
	const wall, cpu, memory, output = 300 * time.Millisecond, 200 * time.Millisecond, 32 << 20, 1 << 20
	limits := Limits{Wall: wall, CPU: 10 * time.Second, Memory: memory, Output: output, Files: 50, Open: 20}
	busy := limits
	busy.Wall, busy.CPU = 10*time.Second, cpu
	generous := limits
	generous.Wall = 20 * time.Second
	for mode, c := range map[string]struct {
		Limits
		want string
		soon time.Duration // when it must have been stopped; 0: unknown
	}{
		"loop":      {limits, "longer than its 300ms", wall},
		"sleep":     {limits, "longer than its 300ms", wall},
		"recursion": {generous, "stack", 0},
		"memory":    {generous, "more than its 32 MiB of memory", 0},
		"stdout":    {generous, "more than its 1 MiB of output", 0},
		"stderr":    {generous, "more than its 1 MiB of output", 0},
		"file":      {generous, "more than its 1 MiB of output", 0},
		"pwrite":    {generous, "more than its 1 MiB of output", 0},
		"truncate":  {generous, "more than its 1 MiB of output", 0},
		"files":     {generous, "more than its 50 files", 0},
		"folders":   {generous, "more than its 50 files", 0},
		"open":      {generous, "more than its 20 files open", 0},
	} {
		got := b.hostile(mode, Run{Limits: c.Limits})
		if mode == "recursion" && strings.Contains(got.stderr, "stack") && got.exit == 2 { // Go's own stack limit comes first
			continue
		}
		if moot.KindOf(got.err) != moot.Failed || !strings.Contains(got.err.Error(), c.want) {
			t.Errorf("%s: exit %d, %v, want %q; it wrote %.200q %.200q", mode, got.exit, got.err, c.want, got.stdout, got.stderr)
		}
		if c.soon > 0 {
			t.Logf("%s: stopped %v after its limit", mode, got.took-c.soon)
		}
		if got.used.Output > output || got.used.Files > 50 || got.used.Memory > memory {
			t.Errorf("%s: used %+v", mode, got.used)
		}
		clean(t, b.out)
	}
	got := b.hostile("loop", Run{Limits: busy})
	if !strings.Contains(got.err.Error(), "200ms of processor time") {
		t.Errorf("processor time: %v", got.err)
	}
	t.Logf("processor time: %v of %v", got.used.CPU, cpu)
	if got := b.hostile("work", Run{}); got.exit != 7 {
		t.Errorf("afterwards: %+v", got)
	}
}

// TestCapacity: a folder over its capacity is emptied.
func TestCapacity(t *testing.T) {
	for capacity, want := range map[int64][]int{1: {1, 1, 1}, 1 << 30: {1, 2, 3}} {
		b := newBox(t)
		b.cfg.Dir, b.capacity = t.TempDir(), capacity
		for i, want := range want {
			code := append(wasm(types, function, export, nothing), section(0, 1, 'n', byte(i))...) // with a custom section
			if got := b.run(code, Run{}); got.err != nil {
				t.Fatal(got.err)
			}
			for _, dir := range []string{"modules", "compiled/wazero-*/"} {
				list, err := filepath.Glob(filepath.Join(b.cfg.Dir, dir, "*"))
				if err != nil || len(list) != want {
					t.Errorf("%d bytes: %d in %s after %d, %v", capacity, len(list), dir, i+1, err)
				}
			}
		}
	}
}

// TestRenumber grows the table of files to 2³¹ entries: the process is killed if that takes
// real memory, and the next run is not affected.
func TestRenumber(t *testing.T) {
	b := newBox(t)
	if got := b.hostile("renumber", Run{}); got.err != nil && moot.KindOf(got.err) != moot.Failed {
		t.Errorf("%+v", got)
	}
	if got := b.hostile("work", Run{}); got.err != nil || got.exit != 7 {
		t.Errorf("afterwards: %+v", got)
	}
}

func TestSleepLive(t *testing.T) {
	got := newBox(t).hostile("sleep", Run{Limits: Limits{Wall: 500 * time.Millisecond}, Deterministic: false})
	if got.err == nil || !strings.Contains(got.err.Error(), "longer than its 500ms") {
		t.Errorf("%+v", got)
	}
}

// TestSleepFixed: in a deterministic run, sleeping advances the clock at once.
func TestSleepFixed(t *testing.T) {
	if got := newBox(t).hostile("sleep", Run{Limits: Limits{Wall: time.Minute}, Deterministic: true}); got.err != nil || got.exit != 0 {
		t.Errorf("%+v", got)
	}
}

func clean(t *testing.T, dir string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCancel(t *testing.T) {
	b := newBox(t)
	code, err := build()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := b.of(code)
	r.Name, r.Args = "hostile", []string{"chatter"}
	r.Stdout = writer(func([]byte) { cancel() }) // when it has begun
	if _, _, err = b.Run(ctx, r); moot.KindOf(err) != moot.Unavailable {
		t.Errorf("%v", err)
	}
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

func TestEscape(t *testing.T) {
	b := newBox(t)
	outside := t.TempDir()
	for name, to := range map[string]string{"link": "/etc/passwd", "linked": outside} {
		if err := os.Symlink(to, filepath.Join(b.in, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{filepath.Join(outside, "secret"), filepath.Join(filepath.Dir(b.in), "secret")} {
		if err := os.WriteFile(p, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(b.out, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := b.hostile("escape", Run{})
	if got.err != nil || got.exit != 0 || got.stdout != "wrote /new\nwrote ../new\nwrote /out/../new\ndid rename out\n1 variables\n" {
		t.Errorf("%+v", got)
	}
	if text, err := os.ReadFile(filepath.Join(b.out, "new")); err != nil || string(text) != "x" { // all paths but those of /in
		t.Errorf("%q, %v", text, err)
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	if in, err := os.ReadFile(filepath.Join(b.in, "input")); err != nil || string(in) != "input " {
		t.Errorf("%q, %v", in, err)
	}
}

func TestDeterminism(t *testing.T) {
	b := newBox(t)
	look := func(seed uint64, fixed bool) string {
		b.t.Helper()
		got := b.hostile("look", Run{Seed: seed, Deterministic: fixed})
		if got.err != nil || got.exit != 0 {
			t.Fatalf("%+v", got)
		}
		return got.stdout
	}
	first := look(1, true)
	for range 3 {
		if again := look(1, true); again != first {
			t.Errorf("%s\n%s", first, again)
		}
	}
	if look(2, true) == first {
		t.Error("another seed makes no difference")
	}
	var now int64
	if live := look(1, false); !scan(live, &now) || now%int64(time.Millisecond) != 0 || time.Since(time.Unix(0, now)).Abs() > time.Minute {
		t.Errorf("the real clock: %s", live)
	}
}

// TestKilledProcessIsNotReused: a run that is cancelled in the moment in which it ends
// leaves a dead process behind.
func TestKilledProcessIsNotReused(t *testing.T) {
	c, err := newBox(t).start()
	if err != nil {
		t.Fatal(err)
	}
	defer c.kill()
	w := &watch{child: c}
	w.begin(t.Context())
	w.stop(nil) // as when the run's context ends
	w.end()
	if !c.broken {
		t.Error("a process that was killed is given to the next run")
	}
}
