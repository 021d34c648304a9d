package tree

import (
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

func TestNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 127)
	for name, ok := range map[string]bool{
		"a": true, ".profile": true, "CON": true, "a\nb": true, " ": true, "...": true, long + "x": true, "a\\b": true,
		"": false, ".": false, "..": false, "a/b": false, "a\x00": false, "\xff": false, long + "xy": false,
	} {
		if err := CheckName(name); (err == nil) != ok || err != nil && moot.KindOf(err) != moot.Invalid {
			t.Errorf("%q: %v", name, err)
		}
	}
	deep := strings.Repeat("a/", MaxLevels-1) + "a"
	for path, ok := range map[string]bool{
		"": true, "a/b": true, deep: true, "a//b": false, "/a": false, "a/": false, "a/../b": false, deep + "/a": false,
		strings.Repeat(long+"/", 16) + "a": true, strings.Repeat(long+"/", 16) + strings.Repeat("a", 40): false,
	} {
		if err := CheckPath(path); (err == nil) != ok {
			t.Errorf("%.40q of %d bytes: %v", path, len(path), err)
		}
	}
}

func TestLookupFolds(t *testing.T) {
	t.Parallel()
	const nfc, nfd = "M\u00fcller.TXT", "Mu\u0308ller.TXT"
	w := newWorld(t)
	w.do(1, w.write("Docs/"+nfd, 1))
	for _, path := range []string{"Docs/" + nfd, "Docs/" + nfc, "docs/m\u00fcller.txt", "DOCS/MU\u0308LLER.TXT"} {
		if r, ok := w.Lookup(path); !ok || r.Name != nfd {
			t.Errorf("%q is %+v", path, r)
		}
	}
	w.do(1, w.write("Docs/"+nfc, 2))
	for path, name := range map[string]string{"Docs/" + nfd: nfd, "Docs/" + nfc: nfc, "docs/m\u00fcller.txt": ""} {
		if r, ok := w.Lookup(path); ok != (name != "") || r.Name != name {
			t.Errorf("%q is %+v", path, r)
		}
	}
	w.do(1, w.remove("Docs/"+nfc))
	if r := w.get("docs/m\u00fcller.txt"); r.Name != nfd {
		t.Errorf("the only one is %+v", r)
	}
	for range w.Walk("docs") {
		return
	}
	t.Error("a folder of another case is not walked")
}

func TestCopyNames(t *testing.T) {
	t.Parallel()
	s := &statement{stamp: stamp{&source{id: moot.EntryID{0xab, 0xcd, 0xef, 1}, time: moot.TimeAt(time.Unix(0, 0))}, 3}}
	const tail = " (conflict ann 1970-01-01 000000 abcdef01)"
	long := strings.Repeat("ü", 125) // 250 bytes
	for name, want := range map[string]string{
		"a.txt":          "a" + tail + ".txt",
		".profile":       ".profile" + tail,
		"a.tar.gz":       "a.tar" + tail + ".gz",
		long:             long[:212] + tail,
		long + ".txt":    long[:208] + tail + ".txt",
		"a." + long[:18]: "a." + long[:18] + tail,
	} {
		got := copyName(name, "ann", s, 0)
		if got != want || CheckName(got) != nil {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := copyName("a", "x/\x00\n"+strings.Repeat("y", 300), s, 1); CheckName(got) != nil || !strings.Contains(got, "abcdef0100000000-3-1") {
		t.Errorf("a hostile name makes %q", got)
	}
	if got := copyName(long, strings.Repeat("y", 300), s, 9); CheckName(got) != nil {
		t.Errorf("a long ID makes %q", got)
	}
}

// TestTakenCopyName gives the name of a copy to a file.
func TestTakenCopyName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.together(w.write("a", 1), w.write("a", 2))
	w.do(1, w.write(w.paths()[1], 3)) // an edit of the copy makes a file of its own
	names := w.paths()
	if len(names) != 3 || w.get(names[1]).Copy == w.get(names[2]).Copy {
		t.Errorf("shown are %q", names)
	}
}
