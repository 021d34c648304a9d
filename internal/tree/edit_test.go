package tree

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

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
			if s, ok := w.Stated(Version{entry.ID, uint32(op)}); !ok || s.Item != ops[i].Item {
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
