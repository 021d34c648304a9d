package compare

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain runs the fake program where a testbed has started the test binary as the
// program under measurement.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == "--home" {
		syscall.Exit(fakeProgram(os.Args[2], os.Args[3:])) // os.Exit has coverage warn on standard error
	}
	os.Exit(m.Run())
}

// The environment of the fake program.
const (
	envLog   = "MOOT_FAKE_LOG"   // a file that gets a line for each command
	envFault = "MOOT_FAKE_FAULT" // a fault and the command that it strikes, as "fail get data --via peers"
)

// Faults of the fake program.
const (
	faultFail    = "fail"    // ends with status 1 and a message
	faultSilent  = "silent"  // ends with status 1 and no message
	faultCorrupt = "corrupt" // writes a wrong copy
	faultGarbage = "garbage" // prints what nothing can parse
	faultHang    = "hang"    // ends by SIGTERM only
)

// fakeProgram understands the commands of a run. Members share a file by way of the
// testbed's directory; the source sends every copy.
func fakeProgram(home string, args []string) (status int) {
	time.AfterFunc(time.Minute, func() { os.Exit(3) }) // outlives no test
	args = slices.DeleteFunc(args, func(arg string) bool { return arg == "--json" })
	record(home, args)
	fault, struck, _ := strings.Cut(os.Getenv(envFault), " ")
	if struck == "" || !strings.HasPrefix(withoutPaths(args), struck) {
		fault = ""
	}
	switch fault {
	case faultFail:
		fmt.Fprintf(os.Stderr, "moot: %s: no member\n  can be reached\n", args[0])
		return 1
	case faultSilent:
		return 1
	case faultGarbage:
		fmt.Println("{")
		return 0
	case faultHang:
		awaitTermination()
		return 1
	}
	if err := fakeCommand(home, args, fault == faultCorrupt); err != nil {
		fmt.Fprintf(os.Stderr, "moot: %v\n", err)
		return 1
	}
	return 0
}

func awaitTermination() {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	<-terminated
}

// withoutPaths drops the arguments that differ from run to run.
func withoutPaths(args []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		return arg == "-o" || filepath.IsAbs(arg)
	}), " ")
}

func record(home string, args []string) {
	log := os.Getenv(envLog)
	if log == "" {
		return
	}
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(f, "%s %s\n", home, withoutPaths(args)) // one write, so that lines do not mix
	f.Close()
}

func fakeCommand(home string, args []string, corrupt bool) error {
	dir, member := filepath.Split(home)
	shared := filepath.Join(dir, "shared")
	switch args[0] {
	case "init", "join":
		return os.Mkdir(home, 0o700)
	case "policy":
		return nil
	case "invite":
		fmt.Println("moot://invitation")
	case "up", "serve":
		if err := os.WriteFile(filepath.Join(dir, "node-"+member), nil, 0o600); err != nil {
			return err
		}
		fmt.Println("ready")
		awaitTermination()
	case "share":
		return os.WriteFile(shared, []byte(args[1]), 0o600)
	case "ls":
		if _, err := os.Stat(shared); err == nil {
			fmt.Printf("{\"name\":%q}\n", args[1])
		}
	case "status":
		return fakeStatus(dir, member)
	case "get":
		return fakeGet(dir, member, shared, args[3], corrupt)
	default:
		return fmt.Errorf("unknown command %q", args[0])
	}
	return nil
}

// fakeStatus counts the other nodes as peers, and the copies that the source sent.
func fakeStatus(dir, member string) error {
	nodes, err := filepath.Glob(filepath.Join(dir, "node-*"))
	if err != nil {
		return err
	}
	var sent int64
	if member == memberOf(0) {
		copies, err := filepath.Glob(filepath.Join(dir, "*-copy"))
		if err != nil {
			return err
		}
		for _, path := range copies {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			sent += info.Size()
		}
	}
	fmt.Printf("{\"peers\":%d,\"sent_bytes\":%d}\n", len(nodes)-1, sent)
	return nil
}

func fakeGet(dir, member, shared, to string, corrupt bool) error {
	original, err := os.ReadFile(shared)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(string(original))
	if err != nil {
		return err
	}
	if corrupt {
		content[len(content)/2] ^= 1
	}
	if want := filepath.Join(dir, member+"-copy"); to != want {
		return fmt.Errorf("the copy goes to %s, want %s", to, want)
	}
	return os.WriteFile(to, content, 0o600)
}

// commands is the log of a fake program.
type commands struct {
	t    *testing.T
	path string
}

// logCommands has the fake programs of a test write a log.
func logCommands(t *testing.T) commands {
	c := commands{t, filepath.Join(t.TempDir(), "log")}
	t.Setenv(envLog, c.path)
	return c
}

// lines are "h0 init --name …", and the directories of the testbeds that they were run in.
func (c commands) lines() (lines, dirs []string) {
	c.t.Helper()
	text, err := os.ReadFile(c.path)
	if err != nil {
		c.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		home, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		dir, member := filepath.Split(home)
		lines = append(lines, member+" "+command)
		if dir = filepath.Clean(dir); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return lines, dirs
}

// count is the number of commands with this prefix.
func (c commands) count(prefix string) (n int) {
	c.t.Helper()
	lines, _ := c.lines()
	for _, line := range lines {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// nothingLeft fails if a testbed or its parent directory still exists.
func (c commands) nothingLeft() {
	c.t.Helper()
	_, dirs := c.lines()
	if len(dirs) == 0 {
		c.t.Error("no testbed was used")
	}
	for _, dir := range dirs {
		for _, path := range []string{dir, filepath.Dir(dir)} {
			if _, err := os.Stat(path); err == nil && strings.Contains(path, "moot-") {
				c.t.Errorf("%s is left", path)
			}
		}
	}
}
