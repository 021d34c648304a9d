package cli

import (
	"os"
	"runtime/debug"
	"strings"
	"testing"
)

func TestReadBuild(t *testing.T) {
	settings := func(kv ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{}
		for i := 0; i < len(kv); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: kv[i], Value: kv[i+1]})
		}
		return info
	}
	for _, c := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, "unknown"},
		{settings("GOOS", "linux"), "unknown"},
		{settings("vcs.revision", "abc", "vcs.modified", "false"), "abc"},
		{settings("vcs.revision", "abc", "vcs.modified", "true"), "abc, modified"},
	} {
		b := readBuild(c.info)
		if got := b.revision(); got != c.want {
			t.Errorf("revision of %+v is %q, want %q", c.info, got, c.want)
		}
		if b.Version != Version || b.Go == "" {
			t.Errorf("build is %+v, want version %s and a Go version", b, Version)
		}
	}
}

// TestReadmeListsCommands compares the README's table of commands with the program's.
func TestReadmeListsCommands(t *testing.T) {
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `") {
			table.WriteString(line)
		}
	}
	for _, c := range (&commandLine{}).root().Commands() {
		if c.Name() != "help" && !strings.Contains(table.String(), "`"+c.Name()+"`") {
			t.Errorf("the README's table of commands lacks %q", c.Name())
		}
	}
}
