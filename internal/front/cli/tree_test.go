package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestSubcommands walks the tree of commands: a command that has subcommands fails, with a
// hint, without one and with one that there is not.
func TestSubcommands(t *testing.T) {
	visited := 0
	fails := func(line string) {
		f := newFake()
		status, out, errs := f.runLine(t, line, "")
		if status == Done || out != "" || !strings.Contains(errs, "--help'") || len(f.calls) > 0 {
			t.Errorf("%q: status %d, output %q, errors %q, calls %v", line, status, out, errs, f.calls)
		}
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		if !c.HasSubCommands() {
			return
		}
		visited++
		path := strings.TrimPrefix(c.CommandPath(), "moot")
		if !takes(c, "bogus") {
			fails(path + " bogus")
		}
		fails("help" + path + " bogus")
		if c.HasParent() && !takes(c) {
			fails(path)
		}
	}
	root := (&commandLine{}).root()
	walk(root)
	if visited < 5 {
		t.Errorf("visited %d commands with subcommands", visited)
	}
}

// takes reports whether a command does something with these words itself.
func takes(c *cobra.Command, words ...string) bool {
	return c.Runnable() && (c.Args == nil || c.Args(c, words) == nil)
}
