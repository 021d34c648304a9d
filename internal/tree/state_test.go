package tree

import (
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
)

// TestCheck has a server look at changes that were made on an old state.
func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, then, late func(w *world, e *Edit)
		ok                bool
	}{
		"a new name":           {nil, do("write b"), do("write c"), true},
		"a name just taken":    {nil, do("write c"), do("write c"), false},
		"the same, equal":      {nil, do("write c as 1"), do("write c as 1"), true},
		"an old version":       {do("write a"), do("write a"), do("write a"), false},
		"another file":         {do("write a"), do("write b"), do("write a"), true},
		"what was moved":       {do("write a"), do("move a b"), do("write a"), true},
		"onto a name":          {do("write a"), do("write b"), do("move a b"), false},
		"onto an equal file":   {do("write a as 1"), do("write b as 1"), do("move a b"), false},
		"away and anew":        {do("write a"), nil, do("move a b", "write a"), true},
		"a removed version":    {do("write a"), do("remove a"), do("write a"), false},
		"removed twice":        {do("write a"), do("remove a"), do("remove a"), false},
		"an edited file":       {do("write a"), do("write a"), do("remove a"), false},
		"mkdir twice":          {nil, do("mkdir d"), do("mkdir d"), true},
		"mkdir on a file":      {nil, do("write d"), do("mkdir d"), false},
		"a file on a folder":   {nil, do("mkdir d"), do("write d"), false},
		"in a new folder":      {nil, do("mkdir d"), do("write d/x"), true},
		"the same in new ones": {nil, do("write d/x"), do("write d/x"), false},
		"others in new ones":   {nil, do("write d/x"), do("write d/y"), true},
		"where it was before":  {do("write d/x"), nil, do("move d e", "write d/x"), true},
		"the same in one":      {do("mkdir d"), do("write d/x"), do("write d/x"), false},
		"a folder onto one":    {do("mkdir d"), do("mkdir e"), do("move d e"), false},
		"into what was moved":  {do("mkdir d", "mkdir e"), do("move d e/d"), do("move e d/e"), false},
		"rm -r of a full one":  {do("write d/x"), do("write d/y"), do("remove d"), true},
		"chmod":                {do("write a"), do("write a"), do("chmod a"), true},
	} {
		w := newWorld(t)
		apply := func(change func(w *world, e *Edit)) {
			if change != nil {
				w.do(1, func(e *Edit) { change(w, e) })
			}
		}
		apply(c.first)
		late := w.begin()
		c.late(w, late)
		apply(c.then)
		for _, entry := range w.finish(2, late) {
			if err := w.Check(entry); (err == nil) != c.ok || err != nil && moot.KindOf(err) != moot.Conflict {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// do returns a change out of words.
func do(lines ...string) func(w *world, e *Edit) {
	return func(w *world, e *Edit) {
		for i, line := range lines {
			var a, b string
			blob := int(w.n)*10 + i
			switch {
			case scan(line, "write %s as %d", &a, &blob), scan(line, "write %s", &a):
				w.write(a, blob)(e)
			case scan(line, "mkdir %s", &a):
				w.mkdir(a)(e)
			case scan(line, "move %s %s", &a, &b):
				w.move(a, b)(e)
			case scan(line, "remove %s", &a):
				w.remove(a)(e)
			case scan(line, "chmod %s", &a):
				e.Chmod(w.get(a).Item, 0o700)
			default:
				w.t.Fatalf("what is %q?", line)
			}
		}
	}
}

func scan(line, format string, args ...any) bool {
	n, err := fmt.Sscanf(line, format, args...)
	return err == nil && n == len(args)
}

func TestCheckOfTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.do(1, w.write("a", 1))[0]
	e := w.begin()
	w.write("a", 2)(e)
	entry := w.finish(2, e)[0]
	entry.Time = first.Time
	if err := w.Check(entry); moot.KindOf(err) != moot.Invalid {
		t.Errorf("dated before what it replaces: %v", err)
	}
	entry.Kind = moot.KindJob
	if err := w.Check(entry); moot.KindOf(err) != moot.Invalid {
		t.Errorf("a job: %v", err)
	}
	entry.Kind, entry.Body = moot.KindChange, []byte{1}
	if err := w.Check(entry); moot.KindOf(err) != moot.Invalid {
		t.Errorf("garbage: %v", err)
	}
}

// legacyEntry is an entry of version 0.1.0; blob 0 removes the key.
func (w *world) legacyEntry(key string, blob int, replaces ...moot.EntryID) moot.Entry {
	w.t.Helper()
	w.at += 1000 << 16
	var data []byte
	if blob != 0 {
		id := testBlob(blob).ID
		var err error
		if data, err = cbor.Marshal(legacyBody{Blob: id[:], Size: 5, Content: 7, Mode: 0o100644, ModTime: 3, Folder: blob >= 1000}); err != nil {
			w.t.Fatal(err)
		}
	}
	e := signed(1, w.at, Body{Key: key, Data: data})
	e.Kind, e.Replaces = moot.KindFile, replaces
	return e
}

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

func TestBirthID(t *testing.T) {
	t.Parallel()
	b := Birth{Parent: ID{1}, Type: Link, Name: "ä", Nonce: Nonce{2}}
	if got := hex.EncodeToString(func() []byte { id := b.ID(); return id[:] }()); got != "bfff77286ddf036c80c5e4aa772f766a" {
		t.Errorf("the ID is %s", got)
	}
	seen := map[ID]bool{b.ID(): true}
	for _, o := range []Birth{{ID{2}, Link, "ä", Nonce{2}}, {ID{1}, File, "ä", Nonce{2}}, {ID{1}, Link, "a", Nonce{2}}, {ID{1}, Link, "ä", Nonce{}}} {
		if seen[o.ID()] {
			t.Errorf("%+v has the ID of another", o)
		}
		seen[o.ID()] = true
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good := func() *wireBody {
		return &wireBody{
			Nonces: make([]byte, 8), Cites: make([]byte, 32), Folders: []wireFolder{{Name: "f"}},
			Ops: []wireOp{
				{Kind: SetContent, Folder: 1, Name: "a", Blob: make([]byte, 32), Size: 5, Time: []int64{1, 2}, Mode: 0o644, Replaces: []uint32{0, 7}},
				{Kind: Move, Folder: 1, Name: "a", Parent: 0, To: "b"},
				{Kind: Remove, Name: "a", Replaces: []uint32{0, 1}},
				{Kind: SetMode, Name: "a"},
				{Kind: SetContent, Name: "d", Type: 1},
				{Kind: SetContent, Name: "l", Type: 2, Target: "../x"},
			},
		}
	}
	if data, err := cbor.Marshal(good()); err != nil {
		t.Fatal(err)
	} else if _, err := decode(data); err != nil {
		t.Fatalf("a sound body: %v", err)
	} else if _, err := decode(append(data, 0)); err == nil {
		t.Error("something follows the body")
	}
	many := func(n int) []uint32 { return make([]uint32, 2*n) }
	for name, change := range map[string]func(b *wireBody){
		"no operations":    func(b *wireBody) { b.Ops = nil },
		"half a nonce":     func(b *wireBody) { b.Nonces = b.Nonces[:7] },
		"half a cite":      func(b *wireBody) { b.Cites = b.Cites[:31] },
		"no such nonce":    func(b *wireBody) { b.Folders[0].Nonce = 1 },
		"a later folder":   func(b *wireBody) { b.Folders[0].Parent = 1 },
		"a folder's name":  func(b *wireBody) { b.Folders[0].Name = ".." },
		"no such folder":   func(b *wireBody) { b.Ops[0].Folder = 2 },
		"no such parent":   func(b *wireBody) { b.Ops[1].Parent = 2 },
		"no such cite":     func(b *wireBody) { b.Ops[0].Replaces = []uint32{1, 0} },
		"half a version":   func(b *wireBody) { b.Ops[0].Replaces = []uint32{0} },
		"too many":         func(b *wireBody) { b.Ops[2].Replaces = many(moot.MaxReplaces + 1) },
		"an item's name":   func(b *wireBody) { b.Ops[0].Name = "a/b" },
		"an item's nonce":  func(b *wireBody) { b.Ops[0].Nonce = 9 },
		"an unknown type":  func(b *wireBody) { b.Ops[4].Type = 3 },
		"an unknown kind":  func(b *wireBody) { b.Ops[3].Kind = 5 },
		"no kind":          func(b *wireBody) { b.Ops[3].Kind = 0 },
		"a short blob":     func(b *wireBody) { b.Ops[0].Blob = b.Ops[0].Blob[:31] },
		"no blob":          func(b *wireBody) { b.Ops[0].Blob = nil },
		"a negative size":  func(b *wireBody) { b.Ops[0].Size = -1 },
		"a total":          func(b *wireBody) { b.Ops[0].Total = 1 },
		"setuid":           func(b *wireBody) { b.Ops[3].Mode = 0o4755 },
		"half a time":      func(b *wireBody) { b.Ops[0].Time = []int64{1} },
		"a huge time":      func(b *wireBody) { b.Ops[0].Time = []int64{1 << 60, 0} },
		"nanoseconds":      func(b *wireBody) { b.Ops[0].Time = []int64{1, 1e9} },
		"no target":        func(b *wireBody) { b.Ops[5].Target = "" },
		"a file's target":  func(b *wireBody) { b.Ops[0].Target = "x" },
		"a folder's bytes": func(b *wireBody) { b.Ops[4].Blob = make([]byte, 32) },
		"a new name":       func(b *wireBody) { b.Ops[1].To = "" },
		"a moved content":  func(b *wireBody) { b.Ops[1].Size = 5 },
		"nothing removed":  func(b *wireBody) { b.Ops[2].Replaces = nil },
		"a mode's parent":  func(b *wireBody) { b.Ops[3].Parent = 1 },
		"too deep": func(b *wireBody) {
			for i := range uint32(MaxLevels) {
				b.Folders = append(b.Folders, wireFolder{Parent: i + 1, Name: "x"})
			}
		},
		"too large": func(b *wireBody) {
			for range 2000 {
				b.Ops = append(b.Ops, b.Ops[0])
			}
		},
	} {
		b := good()
		change(b)
		data, err := cbor.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(data); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
