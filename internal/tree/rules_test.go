package tree

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// world is a tree that several people write to, each in an edit from the state before.
type world struct {
	*Tree
	t  *testing.T
	at moot.Time
	n  byte
}

func newWorld(t *testing.T) *world {
	return &world{Tree: New(Config{Author: func(k moot.Key) string { return fmt.Sprintf("p%d", k[0]) }}), t: t, at: moot.TimeAt(time.Unix(1_700_000_000, 0))}
}

// begin begins an edit.
func (w *world) begin() *Edit {
	w.n++
	return w.Edit(Nonce{w.n})
}

// finish signs an edit, each a second later.
func (w *world) finish(author byte, e *Edit) (entries []moot.Entry) {
	w.t.Helper()
	bodies, err := e.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, b := range bodies {
		w.at += 1000 << 16
		entries = append(entries, signed(author, w.at, b))
	}
	return entries
}

// take applies entries.
func (w *world) take(entries ...moot.Entry) {
	w.t.Helper()
	for _, e := range entries {
		if err := w.Apply(e); err != nil {
			w.t.Fatal(err)
		}
	}
}

// do lets somebody change the tree, after a server's check.
func (w *world) do(author byte, change func(e *Edit)) []moot.Entry {
	w.t.Helper()
	e := w.begin()
	change(e)
	entries := w.finish(author, e)
	for _, entry := range entries {
		if err := w.Check(entry); err != nil {
			w.t.Errorf("a server refuses it: %v", err)
		}
		w.take(entry)
	}
	return entries
}

// together lets several people change the same state, without knowing of one another.
func (w *world) together(changes ...func(e *Edit)) (entries []moot.Entry) {
	w.t.Helper()
	for i, change := range changes {
		e := w.begin()
		change(e)
		entries = append(entries, w.finish(byte(i+1), e)...)
	}
	w.take(entries...)
	return entries
}

func (w *world) write(path string, blob int) func(e *Edit) {
	return func(e *Edit) {
		w.t.Helper()
		if _, err := e.Write(path, File, Content{Blob: testBlob(blob)}, 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) mkdir(path string) func(e *Edit) {
	return func(e *Edit) {
		w.t.Helper()
		if _, err := e.Folder(path, Content{}, 0o755); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) move(from, to string) func(e *Edit) {
	return func(e *Edit) {
		w.t.Helper()
		r := w.get(from)
		folder, name := cutLast(to)
		items := r.Folders
		if items == nil {
			items = []ID{r.Item}
		}
		if err := e.Move(items, w.get(folder).Item, name); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) remove(path string) func(e *Edit) {
	return func(e *Edit) {
		w.t.Helper()
		if err := e.RemoveAll(path); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) get(path string) Shown {
	w.t.Helper()
	r, ok := w.Lookup(path)
	if !ok {
		w.t.Fatalf("there is no %q in %v", path, w.paths())
	}
	return r
}

func (w *world) paths() (all []string) {
	for path, r := range w.Walk("") {
		if r.Type == Folder {
			path += "/"
		}
		all = append(all, path)
	}
	return all
}

// want compares all paths; those of folders end in a slash.
func (w *world) want(paths ...string) {
	w.t.Helper()
	if got := w.paths(); !slices.Equal(got, paths) {
		w.t.Errorf("shown are\n%q, want\n%q", got, paths)
	}
}

func TestUnion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.together(w.write("new/x", 1), w.write("new/y", 2))
	w.want("new/", "new/x", "new/y")
	r := w.get("new")
	if len(r.Folders) != 2 || r.Folders[0] != r.Item || r.Conflict {
		t.Errorf("two folders are shown as %+v", r)
	}
	w.do(1, w.write("new/z", 3))
	if item, _ := w.Item(w.get("new/z").Item); item.Parent != r.Item {
		t.Error("a new file is not in the folder that leads")
	}
	w.do(1, func(e *Edit) {
		if err := e.Move([]ID{r.Folders[1]}, ID{}, "mine"); err != nil {
			t.Fatal(err)
		}
	})
	w.want("mine/", "mine/y", "new/", "new/x", "new/z")
	w.do(2, w.write("mine/sub/f", 4))
	w.together(w.move("mine", "old"), w.move("new", "old"))
	w.want("old/", "old/sub/", "old/sub/f", "old/x", "old/y", "old/z")
	w.do(1, w.remove("old"))
	w.want()
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do(1, w.write("a.txt", 1))
	both := w.together(w.write("a.txt", 2), w.write("a.txt", 3))
	loser := "a (conflict p1 2023-11-14 221322 " + both[0].ID.String()[:8] + ").txt"
	w.want(loser, "a.txt")
	if r := w.get("a.txt"); r.Entry != both[1].ID || !r.Conflict || r.Copy {
		t.Errorf("the newer has not won: %+v", r)
	}
	if r := w.get(loser); r.Entry != both[0].ID || !r.Copy || r.Item != w.get("a.txt").Item {
		t.Errorf("the older is no copy: %+v", r)
	}
	for path, all := range w.Conflicts() {
		if path != "a.txt" || len(all) != 2 || all[0].Entry != both[1].ID {
			t.Errorf("the conflict is %s: %+v", path, all)
		}
	}
	// Writing the name ends what had it, and what is said to have been seen.
	w.do(1, func(e *Edit) {
		if _, err := e.Write("a.txt", File, Content{Blob: testBlob(4)}, 0, Version{both[0].ID, 0}); err != nil {
			t.Fatal(err)
		}
	})
	w.want("a.txt")
	// Removing a copy ends that version.
	w.together(w.write("a.txt", 5), w.write("a.txt", 6))
	for path, r := range w.Walk("") {
		if r.Copy {
			e := w.begin()
			w.remove(path)(e)
			defer w.take(w.finish(1, e)...)
		}
	}
}

func TestEqualBytesAreNoConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.together(w.write("tw", 1), w.write("tw", 1), w.write("tw", 1))
	w.want("tw")
	r := w.get("tw")
	if r.Conflict || len(r.Same) != 2 {
		t.Errorf("equal files are shown as %+v", r)
	}
	if r.Author != (moot.Key{1}) {
		t.Error("not the elder is shown")
	}
	for range w.Conflicts() {
		t.Error("equal files are a conflict")
	}
	w.do(3, w.write("tw", 2))
	if r := w.get("tw"); r.Conflict || r.Same != nil {
		t.Errorf("after one more edit it is %+v", r)
	}
}

func TestFolderBeforeFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.together(w.write("a", 1), w.write("a/b", 2))
	if got := w.paths(); len(got) != 3 || got[0] != "a/" || got[1] != "a/b" && got[2] != "a/b" {
		t.Errorf("shown are %q", got)
	}
	if r := w.get("a"); r.Type != Folder || !r.Conflict {
		t.Errorf("the name stands for %+v", r)
	}
	if _, err := w.begin().Write("a", File, Content{}, 0); moot.KindOf(err) != moot.Conflict {
		t.Errorf("a folder is in the way: %v", err)
	}
	if _, err := w.begin().Folder("a/b/c", Content{}, 0); moot.KindOf(err) != moot.Conflict {
		t.Errorf("a file is in the way: %v", err)
	}
}

func TestMoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do(1, w.write("a/x", 1))
	w.do(1, w.mkdir("b"))
	// An edit, and a new file, follow the folder.
	w.together(w.move("a", "c"), w.write("a/x", 2), w.write("a/y", 3))
	w.want("b/", "c/", "c/x", "c/y")
	if w.get("c/x").Blob != testBlob(2) {
		t.Error("the edit has not followed")
	}
	// Into one another: the later is refused, everywhere.
	w.together(w.move("b", "c/b"), w.move("c", "b/c"))
	w.want("c/", "c/b/", "c/x", "c/y")
	// To two places: the later wins.
	w.together(w.move("c/x", "x1"), w.move("c/x", "x2"))
	w.want("c/", "c/b/", "c/y", "x2")
	if err := w.begin().Move([]ID{w.get("c").Item}, w.get("c/b").Item, "c"); moot.KindOf(err) != moot.Conflict {
		t.Errorf("moved into itself: %v", err)
	}
	// A late move undoes what came before it, for one who has all and one who had less.
	e := w.begin()
	w.move("c/b", "b")(e)
	late := w.finish(1, e)
	w.do(2, w.move("c", "d"))
	w.take(late...)
	w.want("b/", "d/", "d/y", "x2")
}

func TestEditWinsOverRemoval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do(1, w.write("a/x", 1))
	w.do(1, w.write("a/y", 1))
	w.together(w.remove("a"), w.write("a/x", 2))
	w.want("a/", "a/x")
	w.do(1, w.remove("a"))
	w.want()
	w.together(w.mkdir("e/f"), w.mkdir("e"))
	w.do(1, w.remove("e/f"))
	w.want("e/")
}

func TestEditSeesItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do(1, func(e *Edit) {
		w.write("a/x", 1)(e)
		w.write("a/x", 2)(e)
		w.write("a/y", 3)(e)
		a, err := e.Folder("a", Content{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		b, err := e.Folder("b", Content{ModTime: time.Unix(7, 8)}, 0o700)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Move([]ID{a}, b, "a"); err != nil {
			t.Fatal(err)
		}
		w.write("b/a/z", 4)(e)
		w.write("a/new", 5)(e)
	})
	w.want("a/", "a/new", "b/", "b/a/", "b/a/x", "b/a/y", "b/a/z")
	if r := w.get("b/a/x"); r.Blob != testBlob(2) || r.Same != nil || r.Conflict {
		t.Errorf("written twice: %+v", r)
	}
	if r := w.get("b"); r.Mode != 0o700 || !r.ModTime.Equal(time.Unix(7, 8)) {
		t.Errorf("the folder is %+v", r)
	}
	w.do(1, func(e *Edit) { // a file gives way to another
		w.move("b/a/x", "old")(e)
		w.write("b/a/x", 6)(e)
		w.remove("a")(e)
		w.mkdir("a")(e)
	})
	w.want("a/", "b/", "b/a/", "b/a/x", "b/a/y", "b/a/z", "old")
	w.do(1, func(e *Edit) {
		w.write("a/gone", 7)(e)
		w.remove("a")(e)
		if _, err := e.Write("old", Link, Content{Target: "b"}, 0); err != nil {
			t.Fatal(err)
		}
	})
	w.want("b/", "b/a/", "b/a/x", "b/a/y", "b/a/z", "old")
	if r := w.get("old"); r.Type != Link || r.Conflict {
		t.Errorf("a file became %+v", r)
	}
	if err := w.begin().RemoveAll("none/of/these"); moot.KindOf(err) != moot.NotFound {
		t.Errorf("removed what is not there: %v", err)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do(1, w.write("run.sh", 1))
	w.together(
		func(e *Edit) { e.Chmod(w.get("run.sh").Item, 0o755|fs.ModeSetuid) },
		func(e *Edit) { _, _ = e.Write("run.sh", File, Content{Blob: testBlob(2)}, 0) },
	)
	if r := w.get("run.sh"); r.Mode != 0o755 || r.Blob != testBlob(2) {
		t.Errorf("mode and content have not merged: %+v", r)
	}
}

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

// TestDeepBirths makes folders in folders that are moved up, so that births would nest for ever.
func TestDeepBirths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 150 {
		w.do(1, w.write("top/in/f", i))
		w.do(1, w.move("top/in", "next"))
		w.do(1, w.remove("top"))
		w.do(1, w.move("next", "top"))
		w.want("top/", "top/f")
	}
}

// TestTooDeep moves a folder below the limit of levels: what is there is not shown.
func TestTooDeep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	deep := strings.Repeat("a/", 60) + "a"
	w.do(1, w.write(deep, 1))
	w.do(1, w.write("b/"+deep, 2))
	item := w.get(deep).Item
	w.do(1, w.move("a", "b/"+strings.TrimSuffix(deep, "/a")+"/x"))
	for path := range w.Walk("") {
		if CheckPath(path) != nil {
			t.Errorf("%d levels are shown", strings.Count(path, "/"))
		}
	}
	if path, ok := w.Path(item); ok {
		t.Errorf("it has the path %q", path)
	}
}

func TestEncodeMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const files = 20_000
	e := w.begin()
	for i := range files {
		w.write(fmt.Sprintf("d%d/f%d", i%50, i), i)(e)
	}
	ops := e.Ops()
	bodies, err := e.Encode()
	if err != nil || len(ops) != files+50 {
		t.Fatal(len(ops), err)
	}
	i := 0
	for n, b := range bodies {
		if len(b.Data) > moot.MaxBody || b.Ops == 0 || n+1 < len(bodies) && len(b.Data) < moot.MaxBody*9/10 {
			t.Errorf("body %d has %d bytes for %d operations", n, len(b.Data), b.Ops)
		}
		entry := signed(1, w.at+moot.Time(n), b)
		w.take(entry)
		for op := range b.Ops {
			if id, ok := w.ItemOf(Version{entry.ID, uint32(op)}); !ok || id != ops[i].Item {
				t.Fatalf("operation %d is not %d of body %d", i, op, n)
			}
			i++
		}
	}
	if i != len(ops) {
		t.Errorf("%d of %d operations were written", i, len(ops))
	}
	// A change of all files of one folder has that as its key, and cites each entry once.
	e = w.begin()
	for i := range 400 {
		w.write(fmt.Sprintf("d7/f%d", 7+50*i), 1)(e)
	}
	if bodies, err = e.Encode(); err != nil || len(bodies) != 1 || bodies[0].Key != "d7" {
		t.Errorf("%d bodies about %q, %v", len(bodies), bodies[0].Key, err)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, at := range map[string]time.Time{
		"far": time.Date(2500, 1, 1, 0, 0, 0, 5, time.UTC), "epoch": time.Unix(0, 0).UTC(), "before": time.Unix(-5, 999_999_999).UTC(), "none": {},
	} {
		w.do(1, func(e *Edit) { _, _ = e.Write(name, File, Content{Blob: testBlob(1), ModTime: at}, 0) })
		if r := w.get(name); !r.ModTime.Equal(at) || r.ModTime.IsZero() != at.IsZero() {
			t.Errorf("%s: %v became %v", name, at, r.ModTime)
		}
	}
	w.do(1, func(e *Edit) {
		_, _ = e.Write("beyond", File, Content{ModTime: time.Date(1<<20, 1, 1, 0, 0, 0, 0, time.UTC)}, 0)
	})
	if r := w.get("beyond"); r.ModTime.Year() != 9999 {
		t.Errorf("it is clamped to %v", r.ModTime)
	}
}
