package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mootspace/moot/internal/sandbox"
)

func TestMain(m *testing.M) {
	if sandbox.IsChild() {
		sandbox.Serve()
		return
	}
	testscript.Main(m, map[string]func(){"moot": main})
}

// TestScripts runs the command line as a user does: real processes, real homes.
func TestScripts(t *testing.T) {
	fixtures, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: func(e *testscript.Env) error { e.Setenv("FIXTURES", fixtures); return nil },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":  await,
			"setenv": setenv,
			"id":     id,
			"wasm":   wasm,

			"capture": capture,
			"replace": replace,
			"imap":    imapLogin,
			"http":    request,

			"port":     freePort,
			"impostor": impostor,
		},
	})
}

// await repeats a command until its output matches: await REGEXP COMMAND ARG…
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await regexp command [arg…]")
	}
	want := regexp.MustCompile("(?m)" + args[0])
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		path, err := exec.LookPath(args[1])
		ts.Check(err)
		cmd := exec.Command(path, args[2:]...)
		cmd.Dir = ts.MkAbs(".")
		cmd.Env = append(cmd.Environ(), "HOME="+ts.Getenv("HOME"))
		out, err := cmd.CombinedOutput()
		if err == nil && want.Match(out) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%q does not come to match %q: %v\n%s", args[1:], args[0], err, out)
		}
	}
}

// setenv keeps the last output in a variable: setenv NAME
func setenv(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: setenv name")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// id keeps the ID of the message with a subject, as the last output shows it, in $ID.
func id(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: id subject")
	}
	m := regexp.MustCompile(`(?m)^([0-9a-f]{12}) .*` + regexp.QuoteMeta(args[0])).FindStringSubmatch(ts.ReadFile("stdout"))
	if m == nil {
		ts.Fatalf("no message %q in the output", args[0])
	}
	ts.Setenv("ID", m[1])
}

// wasm builds an example for the sandbox: wasm NAME, which becomes NAME.wasm.
func wasm(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: wasm example")
	}
	c := exec.Command("go", "build", "-o", ts.MkAbs(args[0]+".wasm"), "github.com/mootspace/moot/examples/"+args[0])
	c.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := c.CombinedOutput(); err != nil {
		ts.Fatalf("%s: %v", text, err)
	}
}
