package tree

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
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
