package compare

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

func newTestbed(t *testing.T) *Testbed {
	t.Helper()
	b, err := NewTestbed(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// awaitLine waits until a fake program has begun a command.
func awaitLine(ctx context.Context, log commands, prefix string) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if text, err := os.ReadFile(log.path); err == nil && strings.Contains(string(text), "/"+prefix) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// TestTestbed: a node runs until it is killed, and closing kills the rest.
func TestTestbed(t *testing.T) {
	b := newTestbed(t)
	for _, member := range []string{"h0", "h1"} {
		if _, err := b.Do(t.Context(), member, "init"); err != nil {
			t.Fatal(err)
		}
		if err := b.Start(t.Context(), member, "up"); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(b.Home("h0")); err != nil || !info.IsDir() || filepath.Dir(b.Home("h0")) != b.Dir {
		t.Errorf("the home of h0 is %s: %v", b.Home("h0"), err)
	}
	pids := []int{b.PID("h0"), b.PID("h1")}
	if pids[0] == pids[1] || !alive(pids[0]) || !alive(pids[1]) {
		t.Fatalf("processes %v", pids)
	}
	b.Kill("h0")
	if alive(pids[0]) || !alive(pids[1]) {
		t.Error("killed the wrong process, or none")
	}
	b.Kill("h0") // again: nothing to do
	b.Kill("nobody")
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if alive(pids[1]) {
		t.Error("a node outlives its testbed")
	}
	if _, err := os.Stat(b.Dir); err == nil {
		t.Errorf("%s is left", b.Dir)
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestNewTestbedFails(t *testing.T) {
	if _, err := NewTestbed(filepath.Join(t.TempDir(), "missing")); moot.KindOf(err) != moot.Internal {
		t.Errorf("within a missing directory: %v", err)
	}
}

// TestDoFails: the error has the command's message, or how it ended.
func TestDoFails(t *testing.T) {
	b := newTestbed(t)
	if out, err := b.Do(t.Context(), "h0", "invite"); err != nil || out != "moot://invitation\n" {
		t.Errorf("%q, %v", out, err)
	}
	_, err := b.Do(t.Context(), "h0", "dance")
	if moot.KindOf(err) != moot.Unavailable || err.Error() != `h0: dance: unknown command "dance"` {
		t.Errorf("an unknown command: %v", err)
	}
	b.program = filepath.Join(b.Dir, "missing")
	if _, err := b.Do(t.Context(), "h0", "invite"); moot.KindOf(err) != moot.Unavailable || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing program: %v", err)
	}
	if err := b.Start(t.Context(), "h0", "up"); moot.KindOf(err) != moot.Internal || !strings.Contains(err.Error(), "h0: start a node") {
		t.Errorf("a node of a missing program: %v", err)
	}
}

// TestDoCancelled: a command gets SIGTERM, and its error is the context's.
func TestDoCancelled(t *testing.T) {
	log := logCommands(t)
	t.Setenv(envFault, "hang get")
	b := newTestbed(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		awaitLine(t.Context(), log, "h1 get")
		cancel()
	}()
	if _, err := b.Do(ctx, "h1", "get"); err == nil || err.Error() != "h1: get: context canceled" {
		t.Errorf("%v", err)
	}
}

// TestStartCancelled: ends the wait for "ready".
func TestStartCancelled(t *testing.T) {
	log := logCommands(t)
	t.Setenv(envFault, "hang up")
	b := newTestbed(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		awaitLine(t.Context(), log, "h1 up")
		cancel()
	}()
	if err := b.Start(ctx, "h1", "up"); err == nil || err.Error() != "h1: up: context canceled" {
		t.Errorf("%v", err)
	}
	if left := b.members(); len(left) != 0 {
		t.Errorf("%q still run", left)
	}
}

// TestRetry: until there is output, or the time is over.
func TestRetry(t *testing.T) {
	log := logCommands(t)
	b := newTestbed(t)
	go func() { // the file is shared after the first attempt
		awaitLine(t.Context(), log, "h1 ls")
		os.WriteFile(filepath.Join(b.Dir, "shared"), []byte("x"), 0o600)
	}()
	if out, err := b.Retry(t.Context(), "h1", "ls", "data"); err != nil || out != "{\"name\":\"data\"}\n" {
		t.Errorf("%q, %v", out, err)
	}
	if log.count("h1 ls") < 2 {
		t.Error("the first attempt had output")
	}
	never := func(string) bool { return false }
	_, err := b.retryUntil(t.Context(), 200*time.Millisecond, never, "h1", "ls", "data")
	if moot.KindOf(err) != moot.Unavailable || !strings.HasPrefix(err.Error(), "h1: ls") {
		t.Errorf("never the awaited output: %v", err)
	}
	t.Setenv(envFault, "fail ls")
	if _, err := b.retryUntil(t.Context(), 200*time.Millisecond, never, "h1", "ls", "data"); err == nil {
		t.Error("a command that always fails succeeds")
	}
}

func TestMembersAndHosts(t *testing.T) {
	for _, host := range []int{0, 1, 42, maxPeers} {
		if got := hostOf(memberOf(host)); got != host {
			t.Errorf("the host of %s is %d", memberOf(host), got)
		}
	}
}
