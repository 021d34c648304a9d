package tree

import (
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

func TestLegacy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.legacyEntry("doc/a.txt", 1)
	second := w.legacyEntry("doc/a.txt", 2, first.ID)
	pack := w.legacyEntry("pack", 1000)
	gone := w.legacyEntry("doc/a.txt", 0, second.ID)
	w.take(second, first, pack)
	w.want("doc/", "doc/a.txt", "pack")
	if r := w.get("doc/a.txt"); r.Entry != second.ID || r.Conflict || r.Mode != 0o644 || r.Manifest || r.Total != 0 || r.ModTime.UnixNano() != 3 {
		t.Errorf("it is %+v", r)
	}
	if r := w.get("pack"); r.Type != File || !r.Manifest || r.Total != 7 || r.Blob.Size != 5 {
		t.Errorf("a folder of 0.1.0 is %+v", r)
	}
	other := New(Config{})
	for _, e := range []moot.Entry{pack, first, second} {
		if err := other.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	if r, _ := other.Lookup("doc/a.txt"); r.Item != w.get("doc/a.txt").Item {
		t.Error("an old name is two items")
	}
	w.do(2, w.move("doc", "docs"))
	w.take(gone)
	w.want("pack")
	if h := w.History("doc/a.txt"); len(h) != 3 || !h[0].Removed || h[1].Entry != second.ID || h[2].Entry != first.ID {
		t.Errorf("its history is %+v", h)
	}
	for name, e := range map[string]moot.Entry{
		"no name": w.legacyEntry("", 1), "no path": w.legacyEntry("a//b", 1), "another kind": {Kind: moot.KindMessage},
		"garbage": {Kind: moot.KindFile, Key: "x", Body: []byte{1}, BodySize: 1}, "no change": {Kind: moot.KindChange},
	} {
		if err := w.Apply(e); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused := 0
	w.ApplyAll(slices.Values([]moot.Entry{first, {Kind: moot.KindJob}, w.legacyEntry("late", 3)}), func(moot.Entry, error) { refused++ })
	if w.want("late", "pack"); refused != 1 {
		t.Errorf("%d of 1 were refused", refused)
	}
	if err := w.Check(w.legacyEntry("late", 4)); moot.KindOf(err) != moot.Conflict {
		t.Errorf("an old client that does not know the last version: %v", err)
	}
	if err := w.Check(w.legacyEntry("late", 0, w.get("late").Entry)); err != nil {
		t.Error(err)
	}
	w.take(moot.Entry{ID: moot.EntryID{1}, Kind: moot.KindChange, BodySize: 9}) // its body was dropped
}

func TestHistoryAndFind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do(1, w.write("d/a", 1))
	w.do(2, w.write("d/a", 2))
	w.do(1, w.move("d", "e"))
	w.do(1, w.move("e/a", "b"))
	w.do(1, w.remove("b"))
	w.do(1, w.write("b", 3))
	blobs := func(rows []Stated) (all []moot.Blob) {
		for _, r := range rows {
			all = append(all, r.Blob)
		}
		return all
	}
	old := []moot.Blob{{}, testBlob(2), testBlob(1)}
	for path, want := range map[string][]moot.Blob{"d/a": old, "e/a": old, "b": append([]moot.Blob{testBlob(3)}, old...), "a": nil, "": nil} {
		if got := blobs(w.History(path)); !slices.Equal(got, want) {
			t.Errorf("the history of %q is %v, want %v", path, got, want)
		}
	}
	for _, digits := range []int{6, 7, 64} {
		found := w.Find(testBlob(2).ID.String()[:digits])
		if len(found) != 1 || found[0].Blob != testBlob(2) || found[0].Author != (moot.Key{2}) {
			t.Errorf("%d digits find %+v", digits, found)
		}
	}
	w.do(1, w.write("c", 2))
	if found := w.Find(testBlob(2).ID.String()); len(found) != 1 || found[0].Item != w.get("c").Item {
		t.Errorf("the last item is not found, but %+v", found)
	}
	for _, prefix := range []string{"", testBlob(2).ID.String()[:5], "not hexadecimal", testBlob(2).ID.String() + "00", "ffffff0"} {
		if found := w.Find(prefix); found != nil {
			t.Errorf("%q finds %+v", prefix, found)
		}
	}
}

func TestNeeded(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	start := time.Unix(1_700_000_000, 0) // 22:13 UTC
	r := Retention{All: 24 * hour, Daily: 240 * hour, Least: 2, Removed: 100 * hour, Brief: hour}
	none := Retention{Least: 1}
	for name, c := range map[string]struct {
		writes  []time.Duration // after start
		author  []byte
		removed time.Duration
		now     time.Duration
		rule    Retention
		want    []int // of replaced blobs
	}{
		"one version":               {writes: []time.Duration{0}, now: 9000 * hour, rule: r},
		"all at first":              {writes: []time.Duration{0, 2 * hour, 4 * hour}, now: 20 * hour, rule: r, want: []int{0, 1}},
		"then one a day":            {writes: []time.Duration{0, hour / 2, hour, 3 * hour, 5 * hour}, now: 100 * hour, rule: r, want: []int{2, 3}},
		"then the least":            {writes: []time.Duration{0, 2 * hour, 4 * hour}, now: 9000 * hour, rule: r, want: []int{1}},
		"brief for an hour":         {writes: []time.Duration{0, hour / 100, 4 * hour}, now: hour / 2, rule: r, want: []int{0, 1}},
		"brief no more":             {writes: []time.Duration{0, hour / 100, 4 * hour}, now: 5 * hour, rule: r, want: []int{1}},
		"by another: not brief":     {writes: []time.Duration{0, hour / 100}, author: []byte{1, 2}, now: 5 * hour, rule: r, want: []int{0}},
		"removed":                   {writes: []time.Duration{0, 50 * hour}, removed: 100 * hour, now: 150 * hour, rule: r, want: []int{0, 1}},
		"removed and gone":          {writes: []time.Duration{0, 50 * hour}, removed: 100 * hour, now: 9000 * hour, rule: r},
		"nothing but what is there": {writes: []time.Duration{0, 50 * hour}, now: 51 * hour, rule: none},
	} {
		w := newWorld(t)
		at := func(author byte, after time.Duration, change func(*Edit)) {
			w.at = moot.TimeAt(start.Add(after)) - 1000<<16
			w.do(author, change)
		}
		for i, after := range c.writes {
			author := byte(1)
			if c.author != nil {
				author = c.author[i]
			}
			at(author, after, w.write("d/a", i))
		}
		if c.removed != 0 {
			at(1, c.removed, w.remove("d/a"))
		}
		var got []int
		inForce := 0
		for b, is := range w.Needed(start.Add(c.now), func(path string) Retention {
			if path != "d/a" {
				t.Errorf("asked for %q", path)
			}
			return c.rule
		}) {
			if is {
				inForce++
				continue
			}
			for i := range c.writes {
				if b == testBlob(i) {
					got = append(got, i)
				}
			}
		}
		if slices.Sort(got); !slices.Equal(got, c.want) || inForce != 1 && c.removed == 0 {
			t.Errorf("%s: %v, want %v (%d in force)", name, got, c.want, inForce)
		}
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do(1, w.write("a/b/x", 1))
	w.do(1, w.mkdir("c"))
	since := w.Revision()
	if ids, known := w.Changed(since); len(ids) != 0 || !known {
		t.Errorf("nothing changed: %v, %v", ids, known)
	}
	entries := w.do(1, w.write("a/b/y", 2))
	if ids, known := w.Changed(since); !known || !slices.Equal(ids, []ID{w.get("a/b").Item}) {
		t.Errorf("a folder has changed: %v, %v", ids, known)
	}
	since = w.Revision()
	w.take(entries...)
	if w.Revision() != since {
		t.Error("an entry that was taken in before changes something")
	}
	w.do(1, w.move("a/b", "c/b"))
	if ids, _ := w.Changed(since); len(ids) != 3 && len(ids) != 2 {
		t.Errorf("two folders have changed: %v", ids)
	}
	if _, known := w.Changed(w.Revision() + 1); known {
		t.Error("a revision to come is known")
	}
	folders := []*node{w.root, newNode(ID{1}, nil, Folder, "", Nonce{})}
	for i := range 5 * maxLog {
		w.touch(folders[i%2])
	}
	if ids, known := w.Changed(since); len(ids) < 2 || !known || len(w.log.lines) > 2*maxLog {
		t.Errorf("%d folders changed all the time: %v", len(ids), known)
	}
	for i := range 3 * maxLog {
		w.touch(newNode(ID{2, byte(i), byte(i >> 8), byte(i >> 16)}, nil, Folder, "", Nonce{}))
	}
	if _, known := w.Changed(since); known || len(w.log.latest) > 2*maxLog+1 {
		t.Errorf("everything is remembered: %d", len(w.log.latest))
	}
}
