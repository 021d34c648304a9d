package ignore_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mootspace/moot/internal/ignore"
)

// TestLikeGit compares random patterns and paths with what git makes of them.
func TestLikeGit(t *testing.T) {
	words := []string{"a", "b", "c.o", "d"}
	globs := append([]string{"*", "*.o", "?", "[ab]", "[!a]", "**", `\a`, "a*"}, words...)
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		pick := func(list []string) string { return list[r.IntN(len(list))] }
		patterns := func() string {
			var lines []string
			for range 1 + r.IntN(4) {
				line := pick(globs)
				for r.IntN(2) == 0 {
					line += "/" + pick(globs)
				}
				if r.IntN(4) == 0 {
					line = "/" + line
				}
				if r.IntN(4) == 0 {
					line += "/"
				}
				if r.IntN(3) == 0 {
					line = "!" + line
				}
				if r.IntN(6) == 0 {
					line += "  "
				}
				lines = append(lines, line)
			}
			return strings.Join(append(lines, "# no pattern", ""), "\n")
		}
		dir := t.TempDir()
		git(t, dir, "", "init", "-q")
		set := ignore.New()
		files := map[string]string{"": patterns(), "a": patterns()}
		for folder, content := range files {
			must(t, os.MkdirAll(filepath.Join(dir, folder), 0o755))
			must(t, os.WriteFile(filepath.Join(dir, folder, ".gitignore"), []byte(content), 0o644))
			set.Add(folder, []byte(content))
		}
		var paths []string
		for range 60 {
			p := pick(words)
			for r.IntN(2) == 0 {
				p += "/" + pick(words)
			}
			if os.MkdirAll(filepath.Join(dir, filepath.Dir(p)), 0o755) == nil {
				if _, err := os.Lstat(filepath.Join(dir, p)); err != nil {
					must(t, os.WriteFile(filepath.Join(dir, p), nil, 0o644))
				}
				paths = append(paths, p)
			}
		}
		out := strings.Split(git(t, dir, strings.Join(paths, "\n"), "check-ignore", "--no-index", "--stdin"), "\n")
		for _, p := range paths {
			info, err := os.Lstat(filepath.Join(dir, p))
			must(t, err)
			if got, want := set.Ignored(p, info.IsDir()), slices.Contains(out, p); got != want {
				t.Errorf("seed %d: %q: %v, git says %v; patterns %q", seed, p, got, want, files)
			}
		}
	}
}

func TestUsual(t *testing.T) {
	s := ignore.New()
	if !s.Ignored(".git", true) || !s.Ignored("a/.git/hooks/x", false) || s.Ignored("a", true) {
		t.Error("a repository's own folder is to be left out, and nothing else")
	}
	s.Add("", []byte("!.git/\n"))
	if s.Ignored(".git/hooks/x", false) {
		t.Error("it was asked for")
	}
}

func git(t *testing.T, dir, in string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "git", args...)
	c.Dir, c.Stdin = dir, strings.NewReader(in)
	out, err := c.Output()
	if e, is := err.(*exec.ExitError); err != nil && (!is || e.ExitCode() != 1) { // 1: nothing is ignored
		t.Fatal(err)
	}
	return string(out)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func FuzzPatterns(f *testing.F) {
	f.Add([]byte("*.o\n!/a/**/b/\n[a-"), "a/b/c.o")
	f.Fuzz(func(_ *testing.T, content []byte, path string) {
		s := ignore.New()
		s.Add("", content)
		s.Ignored(path, false)
	})
}

func BenchmarkIgnored(b *testing.B) {
	s := ignore.New()
	s.Add("", []byte(strings.Repeat("*.o\n/build/**/x\n!keep\ntmp/\n", 5)))
	for b.Loop() {
		for i := range 1000 {
			s.Ignored(fmt.Sprintf("a/b/%d.c", i), false)
		}
	}
}
