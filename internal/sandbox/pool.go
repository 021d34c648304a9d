package sandbox

import (
	"context"
	"encoding/gob"
	"errors"
	"io"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/mootspace/moot"
)

// child is a process that runs modules, one after another.
type child struct {
	process *exec.Cmd
	to      *gob.Encoder
	from    *gob.Decoder
	pipe    io.Closer
	stderr  *head                                 // the beginning of its standard error
	loaded  *simplelru.LRU[moot.BlobID, struct{}] // modules in its memory
	broken  bool                                  // it cannot be reused
	wait    func() error
}

// request is a message to a child, reply one from it.
type request struct {
	Run     childRun
	Limits  Limits
	Compile bool // and do not run
}

// bounds are the limits that a parent enforces.
type bounds struct {
	Limits
	resident  int64 // bytes of memory of the process
	compiling bool
}

// childRun is a Run as it is sent.
type childRun struct {
	Module         moot.BlobID
	Path, Cache    string
	Name           string
	Args, Env      []string
	Stdin          string
	Inputs, Output string
	Seed           uint64
	Deterministic  bool
}

type reply struct {
	Started bool // the module had to be loaded, and runs now
	Stream  int  // 1: standard output, 2: standard error
	Text    []byte
	Ended   bool // the last one
	Exit    uint32
	Used    Usage
	Kind    moot.ErrorKind
	Why     string
}

// maxIdle bounds the idle processes.
var maxIdle = runtime.NumCPU

// child returns a process, preferably one that has loaded the module.
func (s *Sandbox) child(ctx context.Context, id moot.BlobID) (*child, error) {
	s.mu.Lock()
	for i := len(s.idle) - 1; i >= 0; i-- {
		if c := s.idle[i]; c.loaded.Contains(id) || i == 0 {
			s.idle = slices.Delete(s.idle, i, i+1)
			s.mu.Unlock()
			return c, nil
		}
	}
	s.mu.Unlock()
	return s.fresh(ctx, id)
}

// fresh returns a process that has run nothing.
func (s *Sandbox) fresh(ctx context.Context, _ moot.BlobID) (*child, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.start()
}

// release makes a process available to the next run.
func (s *Sandbox) release(c *child) {
	s.mu.Lock()
	var surplus *child
	s.idle = append(s.idle, c)
	if len(s.idle) > maxIdle() || s.ctx.Err() != nil {
		surplus, s.idle = s.idle[0], s.idle[1:]
	}
	s.mu.Unlock()
	if surplus != nil {
		surplus.kill()
	}
}

// start starts a process.
func (s *Sandbox) start() (*child, error) {
	c := exec.Command(s.cfg.Program[0], s.cfg.Program[1:]...)
	c.Env = []string{childVariable + "=1", "GOMAXPROCS=2"} // none of this process's variables
	harden(c)
	in, err := c.StdinPipe()
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "sandbox: %w", err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "sandbox: %w", err)
	}
	loaded, err := simplelru.NewLRU[moot.BlobID, struct{}](maxCompiled, nil)
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "sandbox: %w", err)
	}
	stderr := &head{}
	c.Stderr = stderr
	if err := s.spawner.start(c); err != nil {
		return nil, moot.Errorf(moot.Internal, "start a sandbox: %w", err)
	}
	return &child{process: c, to: gob.NewEncoder(in), from: gob.NewDecoder(out), pipe: in, stderr: stderr,
		loaded: loaded, wait: sync.OnceValue(c.Wait)}, nil
}

// kill kills a process and waits for its end.
func (c *child) kill() {
	c.broken = true
	_ = c.process.Process.Kill() // it may have ended by itself
	c.pipe.Close()
	_ = c.wait() // its exit status has no meaning
}

// run runs a module in the process, or compiles it.
func (c *child) run(ctx context.Context, r request, to [2]io.Writer, b bounds) (last reply, err error) {
	w := &watch{child: c, bounds: b}
	defer w.end()
	if _, loaded := c.loaded.Get(r.Run.Module); loaded || b.compiling {
		w.start()
	}
	w.begin(ctx)
	err = c.to.Encode(r)
	for err == nil {
		var a reply
		if err = c.from.Decode(&a); err != nil {
			break
		}
		switch {
		case a.Started:
			w.start()
		case a.Stream == 1 || a.Stream == 2:
			write(to[a.Stream-1], a.Text)
		case a.Ended:
			a.Used.Wall, a.Used.CPU = w.used()
			c.broken = c.broken || a.Kind != "" && a.Kind != moot.Invalid
			if a.Kind != moot.Invalid {
				c.loaded.Add(r.Run.Module, struct{}{})
			}
			return a, nil
		}
	}
	c.broken = true
	last.Used.Wall, last.Used.CPU = w.used()
	if cause := w.cause(); cause != nil {
		return last, cause
	}
	if ctx.Err() != nil {
		return last, ctx.Err()
	}
	_ = c.wait()
	if b.compiling {
		return last, moot.Errorf(moot.Failed, "its module cannot be compiled: %s", c.stderr)
	}
	return last, moot.Errorf(moot.Failed, "it broke off with its sandbox: %s", c.stderr)
}

func write(w io.Writer, p []byte) {
	if w != nil {
		_, _ = w.Write(p) // the writer's owner records the error
	}
}

// watch kills a process that exceeds a limit.
type watch struct {
	child  *child
	bounds bounds
	leave  func() bool // its context

	mu     sync.Mutex
	timer  *time.Timer   // of the next check
	began  time.Time     // zero: the module is not loaded yet
	cpu    time.Duration // of the process when it began
	failed error
	killed bool
	over   bool
}

// checkEvery is how often time and memory are compared with the limits.
const checkEvery = 5 * time.Millisecond

// begin watches until end.
func (w *watch) begin(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(checkEvery, w.next)
	w.leave = context.AfterFunc(ctx, func() { w.stop(nil) })
}

// next checks, and schedules the check after.
func (w *watch) next() {
	w.check()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over && !w.killed {
		w.timer.Reset(checkEvery)
	}
}

func (w *watch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began, w.cpu = time.Now(), processTime(w.child.process.Process.Pid)
}

func (w *watch) used() (wall, cpu time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.began.IsZero() {
		return 0, 0
	}
	return time.Since(w.began), max(0, processTime(w.child.process.Process.Pid)-w.cpu)
}

func (w *watch) check() {
	b := w.bounds
	wall, cpu := w.used()
	size := residentSize(w.child.process.Process.Pid)
	switch compiling := b.compiling; {
	case wall > b.Wall && !compiling:
		w.stop(moot.Errorf(moot.Failed, "it ran longer than its %v", b.Wall))
	case cpu > b.CPU && !compiling:
		w.stop(moot.Errorf(moot.Failed, "it used more than its %v of processor time", b.CPU))
	case size > b.resident && !compiling:
		w.stop(moot.Errorf(moot.Failed, "its sandbox needs much more memory than its %s", amount(b.Memory)))
	case wall > b.Wall || cpu > b.CPU:
		w.stop(moot.Errorf(moot.Failed, "its module takes longer than %v to compile", b.CPU))
	case size > b.resident:
		w.stop(moot.Errorf(moot.Failed, "its module takes more than %s of memory to compile", amount(b.resident)))
	}
}

// overhead bounds the bytes of a process beside the module's memory: compiled code, with
// overheadFactor bytes for each of the module, and stack.
const (
	overhead       = 512 << 20
	overheadFactor = 16
)

// stop kills the process.
func (w *watch) stop(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over || w.killed {
		return
	}
	w.failed, w.killed = why, true
	_ = w.child.process.Process.Kill() // it may have ended by itself
}

func (w *watch) cause() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// end stops watching. A process that was killed in the moment in which its run ended
// must not be given to another one.
func (w *watch) end() {
	w.leave()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.over = true
	w.child.broken = w.child.broken || w.killed
}

// head stores the beginning of what is written to it.
type head struct {
	mu   sync.Mutex
	text []byte
}

func (t *head) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[:min(len(p), max(0, 2000-len(t.text)))]...)
	return len(p), nil
}

func (t *head) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.text) == 0 {
		return "it was killed"
	}
	first, _, _ := strings.Cut(string(t.text), "\n") // a stack trace follows
	return first
}

// spawner starts processes, all on one thread that lives as long as the sandbox: the
// kernel kills a process whose parent thread has ended (prctl(2), PR_SET_PDEATHSIG).
type spawner chan spawn

type spawn struct {
	cmd  *exec.Cmd
	done chan error
}

func newSpawner(ctx context.Context) spawner {
	s := make(spawner)
	go func() {
		runtime.LockOSThread()
		for {
			select {
			case one := <-s:
				one.done <- one.cmd.Start()
			case <-ctx.Done():
				return
			}
		}
	}()
	return s
}

func (s spawner) start(c *exec.Cmd) error {
	one := spawn{c, make(chan error, 1)}
	select {
	case s <- one:
		return <-one.done
	case <-time.After(10 * time.Second):
		return errors.New("the sandbox is closed")
	}
}
