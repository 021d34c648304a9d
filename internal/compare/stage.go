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

// Stage is a temporary directory with the homes of nodes that run as processes of
// this very program. Its methods may be called by several goroutines, one a member.
type Stage struct {
	Dir     string
	program string
	begin   func(who string, cmd *exec.Cmd) error // starts a process where the member's host is

	mu      sync.Mutex
	running map[string]*exec.Cmd
}

// NewStage makes the directory within parent; "" for the system's own. Nodes run on
// this machine as it is. The error is of kind Internal.
func NewStage(parent string) (*Stage, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "find this program: %w", err)
	}
	dir, err := os.MkdirTemp(parent, "moot-stage-")
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "make a temporary home: %w", err)
	}
	here := func(_ string, cmd *exec.Cmd) error { return cmd.Start() }
	return &Stage{Dir: dir, program: program, begin: here, running: map[string]*exec.Cmd{}}, nil
}

// Close ends all processes and removes the directory.
func (s *Stage) Close() error {
	for _, who := range s.names() {
		s.Kill(who)
	}
	return os.RemoveAll(s.Dir)
}

func (s *Stage) names() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for who := range s.running {
		names = append(names, who)
	}
	return names
}

// Home is the home of a member.
func (s *Stage) Home(who string) string { return filepath.Join(s.Dir, who) }

func (s *Stage) command(ctx context.Context, who string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.program, append([]string{"--home", s.Home(who)}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// Do is one command of one member; its error, of kind Unavailable, is what the command said.
func (s *Stage) Do(ctx context.Context, who string, args ...string) (string, error) {
	cmd := s.command(ctx, who, args)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := s.begin(who, cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return "", said(ctx, err, who, args, errs.String())
	}
	return out.String(), nil
}

// said makes an error of what a command wrote; of how it ended, if it wrote nothing.
func said(ctx context.Context, err error, who string, args []string, words string) error {
	words = strings.TrimPrefix(strings.TrimSpace(words), "moot: ")
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if words == "" || ctx.Err() != nil {
		words = err.Error()
	}
	return moot.Errorf(moot.Unavailable, "%s: moot %s: %s", who, args[0], words)
}

// Retry repeats a command for a while, until it succeeds and prints something: what
// one member does reaches the others soon, not at once.
func (s *Stage) Retry(ctx context.Context, who string, args ...string) (string, error) {
	return s.until(ctx, 20*time.Second, func(out string) bool { return strings.TrimSpace(out) != "" }, who, args...)
}

// until repeats a command until it succeeds and its output will do.
func (s *Stage) until(ctx context.Context, within time.Duration, will func(out string) bool, who string, args ...string) (out string, err error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		if out, err = s.Do(ctx, who, args...); err == nil && will(out) {
			return out, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if err == nil {
				err = moot.Errorf(moot.Unavailable, "%s: moot %s: not what was waited for within %v", who, strings.Join(args, " "), within)
			}
			return out, err
		}
	}
}

// Start runs a node and waits until it is ready.
func (s *Stage) Start(ctx context.Context, who string, args ...string) error {
	cmd := s.command(context.WithoutCancel(ctx), who, args)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return moot.Errorf(moot.Internal, "%s: %w", who, err)
	}
	if err := s.begin(who, cmd); err != nil {
		return moot.Errorf(moot.Internal, "%s: start moot %s: %w", who, args[0], err)
	}
	s.mu.Lock()
	s.running[who] = cmd
	s.mu.Unlock()
	end := context.AfterFunc(ctx, func() { cmd.Process.Kill() }) // who waits for "ready" waits no longer
	defer end()
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		s.Kill(who)
		return said(ctx, io.ErrUnexpectedEOF, who, args, errs.String())
	}
	go io.Copy(io.Discard, out)
	return nil
}

// PID is the process of a member's node, which must run.
func (s *Stage) PID(who string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[who].Process.Pid
}

// Kill ends a process at once.
func (s *Stage) Kill(who string) {
	s.mu.Lock()
	cmd := s.running[who]
	delete(s.running, who)
	s.mu.Unlock()
	if cmd != nil {
		cmd.Process.Kill()
		cmd.Wait()
	}
}
