package api_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/folders"
)

// synced are folders that record what is asked of them.
type synced struct {
	list   []folders.Status
	calls  []string
	events int // of Once and Follow
	failed error
}

func (s *synced) call(format string, args ...any) error {
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
	return s.failed
}

func (s *synced) Add(_ context.Context, dir string, o folders.Options) (folders.Status, error) {
	st := folders.Status{Dir: dir, Name: o.Name, State: folders.Busy, ReadOnly: o.ReadOnly, Except: o.Except,
		Problems: []folders.Problem{{Path: "a", Why: "no room", Kind: "full", Since: time.Unix(1e9, 0).UTC()}}, Failing: 1}
	s.list = append(s.list, st)
	return st, s.call("add %s %+v", dir, o)
}

func (s *synced) List(context.Context) ([]folders.Status, error) { return s.list, s.failed }

func (s *synced) Remove(_ context.Context, dir string) error { return s.call("remove %s", dir) }

func (s *synced) Pause(_ context.Context, dir string) error { return s.call("pause %s", dir) }

func (s *synced) Resume(_ context.Context, dir string) error { return s.call("resume %s", dir) }

func (s *synced) Select(_ context.Context, dir string, except []string) error {
	return s.call("select %s %q", dir, except)
}

func (s *synced) Revert(_ context.Context, dir string) error { return s.call("revert %s", dir) }

func (s *synced) Once(_ context.Context, dir string, report func(folders.Event)) (folders.Status, error) {
	for n := range s.events {
		report(folders.Event{What: "sent", Path: fmt.Sprint(n)})
	}
	return folders.Status{Dir: dir, State: folders.Idle, Files: s.events}, s.call("once %s", dir)
}

func (s *synced) Follow(ctx context.Context, dir string, report func(folders.Event)) error {
	for n := range s.events {
		report(folders.Event{What: "moved", Path: fmt.Sprint(n), To: "x"})
	}
	<-ctx.Done()
	return s.call("follow %s", dir)
}

func TestFolders(t *testing.T) {
	w := newWorld(t)
	ctx, f := t.Context(), w.session.Folders
	dir := t.TempDir()
	t.Chdir(dir)
	if list, err := f.List(ctx); err != nil || list == nil || len(list) > 0 {
		t.Errorf("%#v, %v; want an empty list", list, err)
	}
	_, err := f.Add(ctx, "nosuch", folders.Options{})
	wantKind(t, "add nothing", err, moot.NotFound)
	must(t, os.Mkdir("mine", 0o700))
	o := folders.Options{Name: "docs", ReadOnly: true, Keep: true, Ignore: []string{"*.o"}, Except: []string{"a/b"}}
	st, err := f.Add(ctx, "mine", o)
	if err != nil || !reflect.DeepEqual(st, w.folders.list[0]) || st.Dir != filepath.Join(dir, "mine") || !strings.HasSuffix(w.folders.calls[0], fmt.Sprintf("%+v", o)) {
		t.Errorf("%+v, %v; called %q", st, err, w.folders.calls)
	}
	for _, named := range []string{"mine", "./mine/", filepath.Join(dir, "mine"), "docs", "docs/"} {
		w.folders.calls = nil
		must(t, f.Pause(ctx, named))
		must(t, f.Resume(ctx, named))
		must(t, f.Revert(ctx, named))
		must(t, f.Select(ctx, named, []string{"x", "y z"}))
		must(t, f.Select(ctx, named, nil))
		must(t, f.Remove(ctx, named))
		d := st.Dir
		want := []string{"pause " + d, "resume " + d, "revert " + d, "select " + d + ` ["x" "y z"]`, "select " + d + " []", "remove " + d}
		if !reflect.DeepEqual(w.folders.calls, want) {
			t.Errorf("%s: called %q, want %q", named, w.folders.calls, want)
		}
	}
	for what, err := range map[string]error{"pause": f.Pause(ctx, "other"), "select": f.Select(ctx, "other", nil), "follow": f.Follow(ctx, "other", nil)} {
		if wantKind(t, what, err, moot.NotFound); moot.HintOf(err) != moot.HintListFolders {
			t.Errorf("%s: the hint is lost: %v", what, err)
		}
	}
	w.folders.failed = moot.Errorf(moot.Conflict, "it overlaps")
	_, err = f.Add(ctx, "mine", folders.Options{})
	wantKind(t, "add what overlaps", err, moot.Conflict)
}

// TestFolderEvents fails unless all events arrive, also more than fit the connection.
func TestFolderEvents(t *testing.T) {
	w := newWorld(t)
	w.folders.list = []folders.Status{{Dir: "/d", Name: "docs"}}
	w.folders.events = 1000
	n := 0
	st, err := w.session.Folders.Once(t.Context(), "docs", func(e folders.Event) {
		if e.Path != fmt.Sprint(n) || e.What != "sent" {
			t.Errorf("event %d is %+v", n, e)
		}
		n++
	})
	if err != nil || n != 1000 || st.Files != 1000 || st.State != folders.Idle {
		t.Errorf("%d events, %+v, %v", n, st, err)
	}
	w.folders.failed = moot.Errorf(moot.Full, "no room")
	_, err = w.session.Folders.Once(t.Context(), "docs", nil)
	wantKind(t, "once without room", err, moot.Full)
	w.folders.failed = nil
	ctx, cancel := context.WithCancel(t.Context())
	n = 0
	err = w.session.Folders.Follow(ctx, "docs", func(e folders.Event) {
		if n++; e.To != "x" {
			t.Errorf("%+v", e)
		}
		if n == 1000 {
			cancel()
		}
	})
	if err != nil || n != 1000 {
		t.Errorf("%d events, %v", n, err)
	}
}

// TestForeignFolder fails if the node adds a directory that the program does not mean.
func TestForeignFolder(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	for _, body := range []string{
		`{"path":"relative"}`,
		`{"path":"` + dir + `","seen":{"device":1,"inode":1,"size":1,"modified":"2024-01-01T00:00:00Z"}}`,
	} {
		if resp, text := w.ask(w.local, "", "POST", "/api/local/folders", body); resp.StatusCode != 400 || len(w.folders.calls) > 0 {
			t.Errorf("%s: %d %s, called %q", body, resp.StatusCode, text, w.folders.calls)
		}
	}
}

func TestCollect(t *testing.T) {
	w := newWorld(t)
	g, err := w.session.Control.Collect(t.Context(), app.GarbageOptions{DryRun: true})
	if err != nil || g != (app.Garbage{Blobs: 1, Bytes: 2, Needed: 3, Leased: 4}) {
		t.Errorf("%+v, %v", g, err)
	}
	_, err = w.session.Control.Collect(t.Context(), app.GarbageOptions{})
	wantKind(t, "collect twice", err, moot.Unavailable)
}

// many are files that answer as the test wants.
type many struct {
	app.Files
	got     []files.Result
	err     error
	removed files.RemoveOptions
}

func (m *many) GetAll(_ context.Context, names []string, dir string, p files.Progress) ([]files.Result, error) {
	p(1, 2)
	list := m.got
	for i := range list {
		list[i].Name, list[i].Path = names[0], filepath.Join(dir, fmt.Sprint(i))
	}
	return list, m.err
}

func (m *many) Share(context.Context, string, files.ShareOptions) (files.Result, error) {
	return m.got[0], m.err
}

func (m *many) ReadDir(_ context.Context, name string) ([]files.File, error) {
	return []files.File{{Name: name + "/a", Folder: true, Files: 2}}, m.err
}

func (m *many) Freeze(_ context.Context, name string) (files.File, error) {
	return files.File{Name: name, Frozen: true}, m.err
}

func (m *many) Restore(_ context.Context, name, version string) (files.File, error) {
	return files.File{Name: name + version}, m.err
}

func (m *many) Remove(_ context.Context, _ string, o files.RemoveOptions) error {
	m.removed = o
	return m.err
}

// TestGetAll fetches more than one line of a stream holds, and an error after some of it.
func TestGetAll(t *testing.T) {
	w := newWorld(t)
	t.Chdir(t.TempDir())
	m := &many{Files: w.files, got: make([]files.Result, 201)}
	m.got[200].Skipped = []files.Skipped{{Path: "fifo", Why: "it is a pipe"}}
	w.files = m
	var done, total int64
	for _, failed := range []error{nil, moot.WithHint(moot.Errorf(moot.NotFound, "there is no %q", "b"), moot.HintListFiles)} {
		m.err = failed
		got, err := w.session.Files.GetAll(t.Context(), []string{"a*", "b"}, "new/dir", func(d, n int64) { done, total = d, n })
		if moot.KindOf(err) != moot.KindOf(failed) || moot.HintOf(err) != moot.HintOf(failed) || len(got) != 201 || done != 1 || total != 2 {
			t.Fatalf("%d results, %v, progress %d of %d", len(got), err, done, total)
		}
		if last := got[200]; last.Path != filepath.Join("new", "dir", "200") || last.Name != "a*" || !reflect.DeepEqual(last.Skipped, m.got[200].Skipped) {
			t.Errorf("%+v", last)
		}
	}
	if left, err := filepath.Glob("new/dir/.moot-*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
	proof := filepath.Join(t.TempDir(), "proof")
	must(t, os.WriteFile(proof, []byte("theirs"), 0o600))
	resp, text := w.ask(w.local, "", "POST", "/api/local/getall", `{"names":["a"],"path":"/x","proof":"`+proof+`","token":"mine"}`)
	if resp.StatusCode != 400 || !strings.Contains(text, "other-tree") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}

// TestInFolders fails unless options and results of what works in folders arrive.
func TestInFolders(t *testing.T) {
	w := newWorld(t)
	t.Chdir(t.TempDir())
	m := &many{Files: w.files, got: []files.Result{{File: files.File{Name: "d", Folder: true}, Skipped: []files.Skipped{{Path: "p", Why: "it is a pipe"}}}}}
	w.files = m
	ctx, fs := t.Context(), w.session.Files
	must(t, os.Mkdir("d", 0o700))
	if f, err := fs.Share(ctx, "d", files.ShareOptions{}); err != nil || !reflect.DeepEqual(f, m.got[0]) {
		t.Errorf("%+v, %v", f, err)
	}
	for _, name := range []string{"", "a b/c?d"} {
		if list, err := fs.ReadDir(ctx, name); err != nil || len(list) != 1 || list[0] != (files.File{Name: name + "/a", Folder: true, Files: 2}) {
			t.Errorf("%+v, %v", list, err)
		}
	}
	if f, err := fs.Freeze(ctx, "a/b"); err != nil || f.Name != "a/b" || !f.Frozen {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err := fs.Restore(ctx, "a/b", "1234"); err != nil || f.Name != "a/b1234" {
		t.Errorf("%+v, %v", f, err)
	}
	for _, o := range []files.RemoveOptions{{}, {Recursive: true}, {Now: true}, {Recursive: true, Now: true}} {
		if err := fs.Remove(ctx, "a/b", o); err != nil || m.removed != o {
			t.Errorf("%+v, %v; want %+v", m.removed, err, o)
		}
	}
}
