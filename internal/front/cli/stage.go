package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/mootspace/moot"
)

// stage is a temporary directory with the homes of nodes that run as processes of
// this program's own.
type stage struct {
	dir     string
	program string
	running map[string]*exec.Cmd
}

func newStage() (*stage, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "find this program: %w", err)
	}
	dir, err := os.MkdirTemp("", "moot-tour-")
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "make a temporary home: %w", err)
	}
	return &stage{dir, program, map[string]*exec.Cmd{}}, nil
}

// close ends all processes and removes the directory.
func (s *stage) close() error {
	for who := range s.running {
		s.kill(who)
	}
	return os.RemoveAll(s.dir)
}

func (s *stage) command(ctx context.Context, who string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.program, append([]string{"--home", filepath.Join(s.dir, who)}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// do is one command of one member; its error is what the command said.
func (s *stage) do(ctx context.Context, who string, args ...string) (string, error) {
	cmd := s.command(ctx, who, args)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", moot.Errorf(moot.Unavailable, "%s: moot %s: %s", who, args[0], strings.TrimPrefix(strings.TrimSpace(errs.String()), "moot: "))
	}
	return out.String(), nil
}

// retry repeats a command for a while: what one member does reaches the others soon,
// not at once.
func (s *stage) retry(ctx context.Context, who string, args ...string) (out string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		if out, err = s.do(ctx, who, args...); err == nil && strings.TrimSpace(out) != "" {
			return out, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return out, err
		}
	}
}

// start runs a node and waits until it is ready.
func (s *stage) start(ctx context.Context, who string, args ...string) error {
	cmd := s.command(context.WithoutCancel(ctx), who, args)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.running[who] = cmd
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		cmd.Wait()
		delete(s.running, who)
		return moot.Errorf(moot.Unavailable, "%s: moot %s: %s", who, args[0], strings.TrimSpace(errs.String()))
	}
	go io.Copy(io.Discard, out)
	return nil
}

func (s *stage) pid(who string) int { return s.running[who].Process.Pid }

// kill ends a process at once.
func (s *stage) kill(who string) {
	cmd := s.running[who]
	delete(s.running, who)
	cmd.Process.Kill()
	cmd.Wait()
}

// sameTree compares a file, or all regular files of a folder, with a copy.
func sameTree(original, copied string) error {
	return filepath.WalkDir(original, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(original, path)
		if err != nil {
			return err
		}
		same, err := sameFile(path, filepath.Join(copied, rel))
		if err == nil && !same {
			err = moot.Errorf(moot.Corrupt, "%s differs from the original", rel)
		}
		return err
	})
}

func sameFile(a, b string) (bool, error) {
	f, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer f.Close()
	g, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer g.Close()
	const size = 256 << 10
	x, y := make([]byte, size), make([]byte, size)
	for {
		n, errF := io.ReadFull(f, x)
		m, errG := io.ReadFull(g, y)
		if !bytes.Equal(x[:n], y[:m]) {
			return false, nil
		}
		if ended(errF) || ended(errG) {
			return ended(errF) == ended(errG), nil
		}
		if err := errors.Join(errF, errG); err != nil {
			return false, err
		}
	}
}

func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
