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

	"github.com/mootspace/moot"
)

// child is a process that runs modules, one after another.
type child struct {
	process *exec.Cmd
	to      *gob.Encoder
	from    *gob.Decoder
	pipe    io.Closer
	noise   *tail                // what it had to say for itself
	knows   map[moot.BlobID]bool // modules that it has loaded
	broken  bool                 // it cannot be used again
	waited  func() error
}

// order is what a child is told; answer what it says.
type order struct {
	Run    childRun
	Limits Limits
}

// childRun is a Run as it travels.
type childRun struct {
	Module         moot.BlobID
	Path, Cache    string
	Name           string
	Args, Env      []string
	Stdin          []byte
	Inputs, Output string
	Seed           uint64
	Deterministic  bool
}

type answer struct {
	Started bool // the module is loaded, and begins to run
	Stream  int  // 1: standard output, 2: standard error
	Text    []byte
	Ended   bool // the last one
	Exit    uint32
	Used    Usage
	Kind    moot.ErrorKind
	Why     string
}

// keptChildren is how many idle processes are kept.
var keptChildren = runtime.NumCPU

// child returns a process, if it can one that knows the module.
func (s *Sandbox) child(ctx context.Context, id moot.BlobID) (*child, error) {
	s.mu.Lock()
	for i := len(s.idle) - 1; i >= 0; i-- {
		if c := s.idle[i]; c.knows[id] || i == 0 {
			s.idle = slices.Delete(s.idle, i, i+1)
			s.mu.Unlock()
			return c, nil
		}
	}
	s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.start()
}

// release keeps a process for the next run.
func (s *Sandbox) release(c *child, id moot.BlobID) {
	c.knows[id] = true
	s.mu.Lock()
	var surplus *child
	s.idle = append(s.idle, c)
	if len(s.idle) > keptChildren() || s.life.Err() != nil {
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
	c.Env = []string{childVariable + "=1", "GOMAXPROCS=2"} // nothing of this process's
	harden(c)
	in, err := c.StdinPipe()
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "sandbox: %w", err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "sandbox: %w", err)
	}
	noise := &tail{}
	c.Stderr = noise
	if err := s.spawner.start(c); err != nil {
		return nil, moot.Errorf(moot.Internal, "start a sandbox: %w", err)
	}
	return &child{process: c, to: gob.NewEncoder(in), from: gob.NewDecoder(out), pipe: in, noise: noise,
		knows: map[moot.BlobID]bool{}, waited: sync.OnceValue(c.Wait)}, nil
}

// kill ends a process, whatever it does.
func (c *child) kill() {
	c.broken = true
	_ = c.process.Process.Kill() // it may have ended by itself
	c.pipe.Close()
	_ = c.waited() // its exit status says nothing
}

// compileTime is how long a module may take to be compiled.
const compileTime = 3 * time.Minute

// run has the process run a module. ready is called when it is loaded.
func (c *child) run(ctx context.Context, r childRun, to [2]io.Writer, l Limits, ready func()) (last answer, err error) {
	w := &watch{child: c, limits: l, over: make(chan struct{})}
	defer w.end()
	w.begin(ctx)
	err = c.to.Encode(order{r, l})
	for err == nil {
		var a answer
		if err = c.from.Decode(&a); err != nil {
			break
		}
		switch {
		case a.Started:
			ready()
			w.start()
		case a.Stream == 1 || a.Stream == 2:
			write(to[a.Stream-1], a.Text)
		case a.Ended:
			a.Used.Wall, a.Used.CPU = w.used()
			c.broken = c.broken || a.Kind != "" && a.Kind != moot.Invalid
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
	_ = c.waited()
	if w.loading() {
		return last, moot.Errorf(moot.Failed, "its module cannot be compiled: %s", c.noise)
	}
	return last, moot.Errorf(moot.Failed, "it broke off with its sandbox: %s", c.noise)
}

func write(w io.Writer, p []byte) {
	if w != nil {
		_, _ = w.Write(p) // whose writer it is knows what went wrong
	}
}

// watch kills a process whose time is up.
type watch struct {
	child  *child
	limits Limits
	over   chan struct{}
	crew   sync.WaitGroup

	mu     sync.Mutex
	began  time.Time     // zero: the module is not loaded yet
	cpu    time.Duration // of the process when it began
	failed error
}

// lookEvery is how often processor time is looked at.
const lookEvery = 5 * time.Millisecond

// begin watches until end.
func (w *watch) begin(ctx context.Context) {
	w.crew.Go(func() {
		look, compile := time.NewTicker(lookEvery), time.NewTimer(compileTime)
		defer look.Stop()
		defer compile.Stop()
		for {
			select {
			case <-look.C:
				w.look()
			case <-compile.C:
				w.stop(moot.Errorf(moot.Failed, "its module takes longer than %v to compile", compileTime), true)
			case <-ctx.Done():
				w.stop(nil, false)
				return
			case <-w.over:
				return
			}
		}
	})
}

func (w *watch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began, w.cpu = time.Now(), processTime(w.child.process.Process.Pid)
}

func (w *watch) loading() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.began.IsZero()
}

func (w *watch) used() (wall, cpu time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.began.IsZero() {
		return 0, 0
	}
	return time.Since(w.began), max(0, processTime(w.child.process.Process.Pid)-w.cpu)
}

func (w *watch) look() {
	switch wall, cpu := w.used(); {
	case wall > w.limits.Wall:
		w.stop(moot.Errorf(moot.Failed, "it ran longer than its %v", w.limits.Wall), false)
	case cpu > w.limits.CPU:
		w.stop(moot.Errorf(moot.Failed, "it used more than its %v of processor time", w.limits.CPU), false)
	case residentSize(w.child.process.Process.Pid) > w.limits.Memory+overhead: // also while it is compiled
		w.stop(moot.Errorf(moot.Failed, "its sandbox needs much more memory than its %s", amount(w.limits.Memory)), false)
	}
}

// overhead is what a sandbox may take beside the module's memory, in bytes: compiled
// code, and a stack of its own.
const overhead = 512 << 20

// stop kills the process; unloaded: only if the module is not loaded yet.
func (w *watch) stop(why error, unloaded bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if unloaded && !w.began.IsZero() || w.failed != nil {
		return
	}
	w.failed = why
	_ = w.child.process.Process.Kill() // it may have ended by itself
}

func (w *watch) cause() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

func (w *watch) end() {
	close(w.over)
	w.crew.Wait()
}

// tail keeps the beginning of what a process says of its end.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[:min(len(p), max(0, 2000-len(t.text)))]...)
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.text) == 0 {
		return "it was killed"
	}
	first, _, _ := strings.Cut(string(t.text), "\n") // what follows is a stack
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
