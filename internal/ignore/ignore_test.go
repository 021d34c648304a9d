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

// TestSyntax compares hard patterns with what git makes of them, each in a folder of its own.
func TestSyntax(t *testing.T) {
	cases := []string{
		"a.o", "/a.o", "d", "d/", "/d/", "d/a.o", "/d/e", "d/**", "**/a.o", "**/e/a.o", "d/**/a.o", "**", "*", "/*", "**/", "/**/", "d/*", "*/a.o", "*/*/a.o",
		"***", "d/***/a.o", "**/**/a.o", "d/**/**", "!a.o", "*\n!a.o", "*\n!d\n!d/\n", "d\n!d/a.o", "d/*\n!d/a.o", "/*\n!/d\n/d/*\n!/d/e",
		"*.o\n!a.o\na.o", "*.[oc]", "*.[!o]", "*.[^o]", "[a-c].o", "[]]x", "[!]]x", "[a-]x", "[-a]x", "[[]x", "[[:alpha:]]x", "[[:digit:][:upper:]]x",
		"[[:nonsense:]]x", "[[:alpha:]", "[a", "[", "[\\]]x", "[\\a-b]x", "[a-\\c]x", "a\\", "\\a.o", "\\#hash", "#hash", "\\!bang", "!bang", "a.o ", "a.o\\ ",
		"a.o  \\  ", "space ", "space\\ ", " blank", "tab\t", "?", "??", "???", "?x", "[\u00e9]x", "*x", "*x*", "x*", "*?x", "a*.*o", "*\u00e9*",
		"a.o\r\n", "a.o\r\r\n", "/", "//", "!", "!/", "d//a.o", "//d", "d//", "\ufeffa.o", "", " ", "\n\n#\n", "*.O", "D", "**a.o", "**.o", "d/**.o",
	}
	paths := []string{
		"a.o", "b.o", "c.c", "\u00e9x", "]x", "-x", "[x", "Ax", "bx", "1x", "\\x", "#hash", "!bang", "a.o ", "space", "space ", " blank", "tab\t", "x", "aé", "a",
		"[", "[a", "d/a.o", "d/b.o", "d/d", "d/e/a.o", "d/e/f/a.o", "d/e/f/bx", "e/a.o", "e/d/a.o", "e/e/e/e",
	}
	dir := t.TempDir()
	git(t, dir, "", "init", "-q")
	set := ignore.New()
	var all []string
	for i, content := range cases {
		folder := fmt.Sprint(i)
		for _, p := range paths {
			p = folder + "/" + p
			must(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(p)), 0o755))
			must(t, os.WriteFile(filepath.Join(dir, p), nil, 0o644))
			all = append(all, p)
		}
		all = append(all, folder+"/d", folder+"/e", folder+"/d/e", folder+"/d/e/f")
		must(t, os.WriteFile(filepath.Join(dir, folder, ".gitignore"), []byte(content), 0o644))
		set.Add(folder, []byte(content))
	}
	out := map[string]bool{}
	for p := range strings.SplitSeq(git(t, dir, strings.Join(all, "\x00"), "check-ignore", "--no-index", "-z", "--stdin"), "\x00") {
		out[p] = true
	}
	for _, p := range all {
		info, err := os.Lstat(filepath.Join(dir, p))
		must(t, err)
		if got := set.Ignored(p, info.IsDir()); got != out[p] {
			var i int
			fmt.Sscanf(p, "%d/", &i)
			t.Errorf("%q of %q: %v, git says %v", p, cases[i], got, out[p])
		}
	}
}

func TestUsual(t *testing.T) {
	s := ignore.New()
	if !s.Ignored(".git", true) || !s.Ignored("a/.git/hooks/x", false) || !s.Ignored(".GIT/hooks/x", false) || s.Ignored("a", true) || s.Ignored(".gitignore", false) {
		t.Error("a repository's own folder is to be left out, and nothing else")
	}
	s.Add("", []byte("!.git/\n!.moot/\n"))
	if s.Ignored(".git/hooks/x", false) {
		t.Error("it was asked for")
	}
	for _, p := range []string{".moot", ".moot/mark", ".Moot", "a/.moot/x"} {
		if !s.Ignored(p, p == ".moot") {
			t.Errorf("%s is this program's own", p)
		}
	}
	s.Remove("")
	if s.Has("") || !s.Ignored(".git/x", false) {
		t.Error("a pattern holds after its file is gone")
	}
}

// TestBase has patterns beside those of files, which may overrule them.
func TestBase(t *testing.T) {
	s := ignore.New("*.o", "/tmp/")
	s.Add("", []byte("!a.o\n"))
	for p, want := range map[string]bool{"a.o": false, "b.o": true, "d/b.o": true, "tmp/x": true, "d/tmp/x": false} {
		if got := s.Ignored(p, false); got != want {
			t.Errorf("%s: %v", p, got)
		}
	}
	s.Remove("")
	if !s.Ignored("a.o", false) {
		t.Error("the file is gone, and still holds")
	}
}

// TestHostile has patterns that a matcher which tries all would not end with.
func TestHostile(t *testing.T) {
	for _, line := range []string{strings.Repeat("**/a/", 31) + "b", strings.Repeat("a*", 500) + "b", strings.Repeat("*[a", 300), strings.Repeat("**/*a*a*a/", 30) + "b"} {
		s := ignore.New()
		s.Add("", []byte(line+"\n"))
		if s.Ignored(strings.Repeat("a/", 99)+strings.Repeat("a", 255), false) {
			t.Errorf("%.20q matches", line)
		}
	}
	s := ignore.New()
	s.Add("", []byte(strings.Repeat("x\n", 1<<16)+"late\n"))
	if s.Ignored("late", false) || !s.Ignored("x", false) {
		t.Error("patterns are not bounded")
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
	for _, seed := range []string{"*.o\n!/a/**/b/\n[a-", "[[:alpha:]-z]\\", "**/[]-a]*?/**\n\\ "} {
		f.Add([]byte(seed), "a/b/c.o")
	}
	f.Fuzz(func(t *testing.T, content []byte, path string) {
		s := ignore.New()
		s.Add("", content)
		first := s.Ignored(path, false)
		if s.Ignored(path, false) != first {
			t.Error("asked twice, the answer differs")
		}
		if s.Ignored(path, true) && !s.Ignored(path+"/x", false) {
			t.Error("a path comes back inside a folder that is left out")
		}
	})
}

// BenchmarkIgnored asks for 100,000 paths with 20 patterns.
func BenchmarkIgnored(b *testing.B) {
	s := ignore.New()
	s.Add("", []byte(strings.Repeat("*.o\n/build/**/x\n!retained\ntmp/\n*~\n", 4)))
	var paths []string
	for i := range 100_000 {
		paths = append(paths, fmt.Sprintf("src/%d/package/%d.c", i/100, i))
	}
	for b.Loop() {
		for _, p := range paths {
			s.Ignored(p, false)
		}
	}
}
