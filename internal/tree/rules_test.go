package tree

import (
	"testing"

	"github.com/mootspace/moot"
)

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
	w.do(1, w.remove(w.paths()[0]))
	if w.want("a.txt"); w.get("a.txt").Blob != testBlob(6) {
		t.Error("not the copy was removed")
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

// TestForeignVersion has somebody end a version in the name of another item.
func TestForeignVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.do(1, w.write("a", 1))[0]
	w.do(1, w.write("b", 1))
	e := w.begin()
	e.Remove(w.get("b").Item, Version{a.ID, 0}, Version{a.ID, 99})
	foreign := w.finish(2, e)[0]
	if err := w.Check(foreign); moot.KindOf(err) != moot.Conflict {
		t.Errorf("a server: %v", err)
	}
	w.take(foreign)
	w.want("a", "b")
	w.do(1, w.write("a", 2))
	if r := w.get("a"); r.Conflict || len(r.Same) != 0 {
		t.Errorf("its next version is %+v", r)
	}
}
