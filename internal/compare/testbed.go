package compare

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/mootspace/moot"
)

// Testbed is a temporary directory with the homes of nodes that run as processes of
// this very program. Its methods are safe for concurrent use, one goroutine a member.
type Testbed struct {
	Dir          string
	program      string
	startProcess func(member string, cmd *exec.Cmd) error // on the member's host

	mu      sync.Mutex
	running map[string]*exec.Cmd
}

// NewTestbed creates the directory within parent; "" for the system's own. Nodes run
// on this machine without a topology of its own. The error is of kind Internal.
func NewTestbed(parent string) (*Testbed, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "find this program: %w", err)
	}
	dir, err := os.MkdirTemp(parent, "moot-testbed-")
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "make a temporary home: %w", err)
	}
	local := func(_ string, cmd *exec.Cmd) error { return cmd.Start() }
	return &Testbed{Dir: dir, program: program, startProcess: local, running: map[string]*exec.Cmd{}}, nil
}

// Close kills all nodes and removes the directory.
func (t *Testbed) Close() error {
	for _, member := range t.members() {
		t.Kill(member)
	}
	return os.RemoveAll(t.Dir)
}

// members are those with a running node.
func (t *Testbed) members() (names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for member := range t.running {
		names = append(names, member)
	}
	return names
}

// Home is the home of a member.
func (t *Testbed) Home(member string) string { return filepath.Join(t.Dir, member) }

func (t *Testbed) command(ctx context.Context, member string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, t.program, append([]string{"--home", t.Home(member)}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// Do runs one command of a member and returns its standard output. The error, of kind
// Unavailable, has the command's own message.
func (t *Testbed) Do(ctx context.Context, member string, args ...string) (string, error) {
	cmd := t.command(ctx, member, args)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := t.startProcess(member, cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return "", commandError(ctx, err, member, args, stderr.String())
	}
	return stdout.String(), nil
}

// commandError prefers a command's message to its exit status.
func commandError(ctx context.Context, err error, member string, args []string, stderr string) error {
	message := strings.TrimPrefix(strings.TrimSpace(stderr), "moot: ")
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if message == "" || ctx.Err() != nil {
		message = err.Error()
	}
	return moot.Errorf(moot.Unavailable, "%s: %s: %s", member, args[0], message)
}

// Retry repeats a command for up to 20 s until it succeeds with some output: what one
// member does reaches the others soon, not at once.
func (t *Testbed) Retry(ctx context.Context, member string, args ...string) (string, error) {
	return t.retryUntil(ctx, 20*time.Second, func(out string) bool { return strings.TrimSpace(out) != "" }, member, args...)
}

// retryInterval is between attempts of a command.
const retryInterval = 300 * time.Millisecond

// retryUntil repeats a command until it succeeds with output that done accepts.
func (t *Testbed) retryUntil(ctx context.Context, timeout time.Duration, done func(out string) bool, member string, args ...string) (out string, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tick := time.NewTicker(retryInterval)
	defer tick.Stop()
	for {
		if out, err = t.Do(ctx, member, args...); err == nil && done(out) {
			return out, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if err == nil {
				err = moot.Errorf(moot.Unavailable, "%s: %s: not the awaited output within %v", member, strings.Join(args, " "), timeout)
			}
			return out, err
		}
	}
}

// Start runs a member's node and waits until it is ready.
func (t *Testbed) Start(ctx context.Context, member string, args ...string) error {
	cmd := t.command(context.WithoutCancel(ctx), member, args)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return moot.Errorf(moot.Internal, "%s: %w", member, err)
	}
	if err := t.startProcess(member, cmd); err != nil {
		return moot.Errorf(moot.Internal, "%s: start a node: %w", member, err)
	}
	t.mu.Lock()
	t.running[member] = cmd
	t.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() }) // ends the wait for "ready"
	defer stop()
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Kill(member)
		return commandError(ctx, io.ErrUnexpectedEOF, member, args, stderr.String())
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }() // until the process ends
	return nil
}

// PID is the process of a member's node, which must run.
func (t *Testbed) PID(member string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.running[member].Process.Pid
}

// Kill ends a member's node at once (SIGKILL).
func (t *Testbed) Kill(member string) {
	t.mu.Lock()
	cmd := t.running[member]
	delete(t.running, member)
	t.mu.Unlock()
	if cmd != nil {
		cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
}
