package worker

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/sandbox"
	"github.com/mootspace/moot/internal/store"
)

func TestMain(m *testing.M) {
	if sandbox.IsChild() {
		sandbox.Serve()
		return
	}
	os.Exit(m.Run())
}

// echo is a module that writes "hi\n" to standard output.
var echo = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x0c\x02\x60\x04\x7f\x7f\x7f\x7f\x01\x7f\x60\x00\x00" + // types
	"\x02\x23\x01\x16wasi_snapshot_preview1\x08fd_write\x00\x00" + // import
	"\x03\x02\x01\x01" + "\x05\x03\x01\x00\x01" + // function, memory
	"\x07\x13\x02\x06memory\x02\x00\x06_start\x00\x01" + // exports
	"\x0a\x0f\x01\x0d\x00\x41\x01\x41\x00\x41\x01\x41\x08\x10\x00\x1a\x0b" + // fd_write(1, 0, 1, 8)
	"\x0b\x11\x01\x00\x41\x00\x0b\x0b\x08\x00\x00\x00\x03\x00\x00\x00hi\n") // {8, 3} "hi\n"

func newWorker(t *testing.T, admit error) (*Worker, *store.Store) {
	t.Helper()
	node, err := store.Open(t.Context(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Close() })
	box, err := sandbox.New(t.Context(), sandbox.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	w, err := New(Config{Node: node, Outputs: node, Sandbox: box, Dir: filepath.Join(t.TempDir(), "tasks"),
		Admit: func(moot.MemberID) error { return admit }, Slots: func() int { return 2 }, Most: func() moot.Limits { return moot.Limits{} }})
	if err != nil {
		t.Fatal(err)
	}
	return w, node
}

func TestRun(t *testing.T) {
	w, node := newWorker(t, nil)
	module, err := node.Put(t.Context(), bytes.NewReader(echo))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"a": "alpha", "b/c": strings.Repeat("x", 300_000)} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder, err := files.New(node, nil, files.Options{}).Store(t.Context(), dir, files.ShareOptions{As: "in"})
	if err != nil {
		t.Fatal(err)
	}
	var reported []string
	task := moot.Task{Module: module.ID, Name: "echo", Inputs: []moot.Input{{Path: "folder", Folder: true, ID: folder.Blob.ID}}}
	o, err := w.Run(t.Context(), task, func(p moot.Progress) {
		if len(p.Text) > 0 {
			reported = append(reported, string(p.Text))
		}
	})
	if err != nil || o.Failure != "" || o.Exit != 0 || string(o.Stdout.Data) != "hi\n" || !slices.Equal(reported, []string{"hi\n"}) {
		t.Fatalf("%+v, %v; reported %q", o, err, reported)
	}
	left, err := os.ReadDir(w.cfg.Dir)
	if err != nil || len(left) != 0 {
		t.Errorf("not removed: %v, %v", left, err)
	}
	for name, in := range map[string]moot.Input{
		"outside":    {Path: "../x", ID: module.ID},
		"absolute":   {Path: "/x", ID: module.ID},
		"not at all": {Path: "x", ID: moot.BlobID{9}},
		"not there":  {Path: "x", ID: moot.BlobID{9}, Pack: module.ID, Size: 5},
	} {
		task.Inputs = []moot.Input{in}
		if _, err := w.Run(t.Context(), task, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestStdin: a task reads its standard input, which is a verified blob like other inputs.
func TestStdin(t *testing.T) {
	w, node := newWorker(t, nil)
	code, err := os.ReadFile("../sandbox/testdata/languages/paths_c.wasm")
	if err != nil {
		t.Fatal(err)
	}
	stored, err := node.PutMany(t.Context(), [][]byte{code, []byte("one\ntwo\n")})
	if err != nil {
		t.Fatal(err)
	}
	var fetched []moot.BlobID
	var mu sync.Mutex
	w.cfg.Fetch = func(_ context.Context, id moot.BlobID) error {
		mu.Lock()
		defer mu.Unlock()
		fetched = append(fetched, id)
		return nil
	}
	task := moot.Task{Module: stored[0].ID, Stdin: moot.Input{ID: stored[1].ID, Size: stored[1].Size}}
	o, err := w.Run(t.Context(), task, nil)
	if err != nil || o.Failure != "" || string(o.Stdout.Data) != "one\ntwo\n" || len(o.Files) != 4 || len(fetched) != 2 {
		t.Errorf("%+v, %v; fetched %d", o, err, len(fetched))
	}
	for what, in := range map[string]moot.Input{"missing": {ID: moot.BlobID{9}}, "a folder": {ID: stored[1].ID, Folder: true}} {
		task.Stdin = in
		if _, err := w.Run(t.Context(), task, nil); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if left, err := os.ReadDir(w.cfg.Dir); err != nil || len(left) != 0 {
		t.Errorf("not removed: %v, %v", left, err)
	}
}

func TestRefused(t *testing.T) {
	w, _ := newWorker(t, moot.Errorf(moot.Denied, "not now"))
	if _, err := w.Run(t.Context(), moot.Task{}, nil); moot.KindOf(err) != moot.Denied {
		t.Error(err)
	}
}

// TestTurns: a member with one task does not wait behind a member with many.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(func() int { return 1 })
		ann, bob := moot.MemberID{1}, moot.MemberID{2}
		first, err := s.acquire(t.Context(), ann)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []moot.MemberID
		var group sync.WaitGroup
		for _, who := range []moot.MemberID{ann, ann, ann, bob} {
			group.Go(func() {
				release, err := s.acquire(t.Context(), who)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, who)
				mu.Unlock()
				release()
			})
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.acquire(ctx, bob); err == nil {
			t.Error("a cancelled task got a slot")
		}
		first()
		group.Wait()
		if len(order) != 4 || order[0] != bob || s.total != 0 || len(s.running) != 0 {
			t.Errorf("%v; %+v", order, s)
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	s := newSlots(func() int { return 1 })
	var leave []func()
	for range maxQueued {
		l, err := s.queue(moot.MemberID{1})
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	if _, err := s.queue(moot.MemberID{1}); moot.KindOf(err) != moot.Unavailable {
		t.Error(err)
	}
	if _, err := s.queue(moot.MemberID{2}); err != nil {
		t.Error(err)
	}
	leave[0]()
	if _, err := s.queue(moot.MemberID{1}); err != nil {
		t.Error(err)
	}
}
