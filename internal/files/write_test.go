package files_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

// upload writes text under a name.
func upload(t *testing.T, f *files.Files, name, text string) files.File {
	t.Helper()
	got, err := f.Write(t.Context(), name, strings.NewReader(text), files.WriteOptions{})
	must(t, err)
	return got
}

// names lists the names below a prefix.
func names(t *testing.T, f *files.Files, prefix string) (all []string) {
	t.Helper()
	list, err := f.List(t.Context(), prefix)
	must(t, err)
	for _, file := range list {
		all = append(all, file.Name)
	}
	return all
}

func content(t *testing.T, f *files.Files, name string) string {
	t.Helper()
	in, _, err := f.Open(t.Context(), name, moot.Whole)
	must(t, err)
	defer in.Close()
	b, err := io.ReadAll(in)
	must(t, err)
	return string(b)
}

func TestWrite(t *testing.T) {
	f := newFiles(newStore(t), 1)
	old := time.Unix(1_500_000_000, 0).UTC()
	var done int64
	got, err := f.Write(t.Context(), "d/a", iotest.OneByteReader(strings.NewReader("hello")), files.WriteOptions{
		Mode: 0o755, ModTime: old, Progress: func(n, _ int64) { done = n },
	})
	must(t, err)
	if got.Name != "d/a" || got.Size() != 5 || got.Mode != 0o755 || !got.ModTime.Equal(old) || done != 5 {
		t.Errorf("wrote %+v, progress %d", got, done)
	}
	if text := content(t, f, "d/a"); text != "hello" {
		t.Errorf("holds %q", text)
	}
	again, err := f.Write(t.Context(), "d/a", strings.NewReader("hello"), files.WriteOptions{Mode: 0o755})
	if err != nil || again.Version != got.Version {
		t.Errorf("the same content became another version: %v", err)
	}
	changed := upload(t, f, "d/a", "changed")
	if text := content(t, f, "d/a"); text != "changed" || changed.Mode != 0o644 || changed.ModTime.IsZero() {
		t.Errorf("holds %q, mode %v", text, changed.Mode)
	}
	if history, err := f.History(t.Context(), "d/a"); err != nil || len(history) != 2 || history[0].Conflict {
		t.Errorf("history: %v, %v", history, err)
	}
}

func TestFailedWriteNamesNothing(t *testing.T) {
	f := newFiles(newStore(t), 1)
	broken := errors.New("the connection broke")
	_, err := f.Write(t.Context(), "a", io.MultiReader(strings.NewReader("part"), iotest.ErrReader(broken)), files.WriteOptions{})
	if !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
	_, err = f.Write(t.Context(), "../a", strings.NewReader("x"), files.WriteOptions{})
	wantKind(t, "a bad name", err, moot.Invalid)
	if left := names(t, f, ""); len(left) != 0 {
		t.Errorf("named %v", left)
	}
}

// TestWriteMeanwhile: another member writes the name while the bytes are accepted.
func TestWriteMeanwhile(t *testing.T) {
	s := newStore(t)
	p := newSigner(s, 1)
	w := &intruder{Writer: p, before: func() { upload(t, newFiles(s, 2), "a", "theirs") }}
	f := files.New(s, w, files.Options{})
	_, err := f.Write(t.Context(), "a", strings.NewReader("mine"), files.WriteOptions{})
	wantKind(t, "a name that was changed", err, moot.Conflict)
	w.before = func() { upload(t, newFiles(s, 3), "b", "theirs") }
	_, err = f.Write(t.Context(), "b", strings.NewReader("mine"), files.WriteOptions{Force: true})
	must(t, err)
	if versions, err := f.Conflicts(t.Context()); err != nil || len(versions) != 2 {
		t.Errorf("forced: %v, %v", versions, err)
	}
}

// intruder calls before once, right before statements are signed; it records them.
type intruder struct {
	sign.Writer
	before func()
	calls  [][]sign.Statement
}

func (w *intruder) Append(ctx context.Context, mode moot.Mode, statements ...sign.Statement) ([]moot.Entry, error) {
	if before := w.before; before != nil {
		w.before = nil
		before()
	}
	w.calls = append(w.calls, statements)
	return w.Writer.Append(ctx, mode, statements...)
}

// moving returns the files of one member and the writer that records statements.
func moving(t *testing.T) (*files.Files, *intruder, *store.Store) {
	s := newStore(t)
	w := &intruder{Writer: newSigner(s, 1)}
	return files.New(s, w, files.Options{Linker: s}), w, s
}

func TestMove(t *testing.T) {
	f, w, _ := moving(t)
	old := upload(t, f, "a", "text")
	w.calls = nil
	got, err := f.Move(t.Context(), "a", "d/b", files.MoveOptions{})
	must(t, err)
	if got.Name != "d/b" || got.Blob != old.Blob || got.Mode != old.Mode || !got.ModTime.Equal(old.ModTime) {
		t.Errorf("moved %+v", got)
	}
	if len(w.calls) != 1 || len(w.calls[0]) != 1 {
		t.Errorf("stated %+v, want one change set", w.calls)
	}
	if all := names(t, f, ""); !slices.Equal(all, []string{"d/b"}) || content(t, f, "d/b") != "text" {
		t.Errorf("names %v", all)
	}
	if found, err := f.Lookup(t.Context(), "d/b"); err != nil || found.Version != got.Version {
		t.Errorf("found %v, %v", found.Version, err)
	}
	_, err = f.Move(t.Context(), "a", "c", files.MoveOptions{})
	wantKind(t, "a name that is gone", err, moot.NotFound)
	_, err = f.Move(t.Context(), "d/b", "d/b", files.MoveOptions{})
	wantKind(t, "onto itself", err, moot.Invalid)
	_, err = f.Move(t.Context(), "d/b", "/c", files.MoveOptions{})
	wantKind(t, "to a bad name", err, moot.Invalid)
}

func TestMoveOntoANameThatExists(t *testing.T) {
	f, _, _ := moving(t)
	upload(t, f, "a", "new")
	upload(t, f, "b", "old")
	_, err := f.Move(t.Context(), "a", "b", files.MoveOptions{})
	wantKind(t, "onto a name that exists", err, moot.Conflict)
	if content(t, f, "a") != "new" || content(t, f, "b") != "old" {
		t.Error("a refused move changed something")
	}
	_, err = f.Move(t.Context(), "a", "b", files.MoveOptions{Force: true})
	must(t, err)
	if all := names(t, f, ""); !slices.Equal(all, []string{"b"}) || content(t, f, "b") != "new" {
		t.Errorf("names %v", all)
	}
	if versions, err := f.Conflicts(t.Context()); err != nil || len(versions) != 0 {
		t.Errorf("conflicts %v, %v", versions, err)
	}
}

// TestMoveMeanwhile: another member takes the new name, or changes the old one, first.
func TestMoveMeanwhile(t *testing.T) {
	f, w, s := moving(t)
	upload(t, f, "a", "text")
	other := newFiles(s, 2)
	w.before = func() { upload(t, other, "b", "theirs") }
	_, err := f.Move(t.Context(), "a", "b", files.MoveOptions{})
	wantKind(t, "the new name was taken", err, moot.Conflict)
	if content(t, f, "a") != "text" || content(t, f, "b") != "theirs" {
		t.Error("a refused move changed something")
	}
	w.before = func() { upload(t, other, "a", "edited") }
	_, err = f.Move(t.Context(), "a", "c", files.MoveOptions{})
	must(t, err)
	if content(t, f, "c") != "edited" {
		t.Error("the other member's edit does not follow")
	}
}

func TestMoveWithAConflict(t *testing.T) {
	f, w, s := moving(t)
	w.before = func() { upload(t, newFiles(s, 2), "a", "theirs") }
	_, err := f.Write(t.Context(), "a", strings.NewReader("mine"), files.WriteOptions{Force: true})
	must(t, err)
	_, err = f.Move(t.Context(), "a", "b", files.MoveOptions{})
	wantKind(t, "several versions", err, moot.Conflict)
	if versions, err := f.Conflicts(t.Context()); err != nil || len(versions) != 2 {
		t.Errorf("versions %v, %v", versions, err)
	}
}

func TestMoveAFolder(t *testing.T) {
	f, w, _ := moving(t)
	dir := t.TempDir()
	write(t, dir+"/in/x", "x")
	shared, err := f.Share(t.Context(), dir+"/in", files.ShareOptions{})
	must(t, err)
	moved, err := f.Move(t.Context(), "in", "out", files.MoveOptions{})
	if err != nil || !moved.Folder || moved.Blob != shared.Blob {
		t.Errorf("a shared folder: %+v, %v", moved, err)
	}
	for i := range 3 {
		upload(t, f, fmt.Sprint("pics/2026/", i), "text")
	}
	upload(t, f, "pics-other", "text")
	w.calls = nil
	moved, err = f.Move(t.Context(), "pics", "old/pics", files.MoveOptions{})
	if err != nil || !moved.Folder || moved.Name != "old/pics" || moved.Size() != 12 {
		t.Errorf("names below a prefix: %+v, %v", moved, err)
	}
	if len(w.calls) != 1 || len(w.calls[0]) != 1 || len(w.calls[0][0].Body) > 400 {
		t.Errorf("stated %+v, want one small change set", w.calls)
	}
	if all := names(t, f, ""); !slices.Equal(all, []string{"old/pics/2026/0", "old/pics/2026/1", "old/pics/2026/2", "out/x", "pics-other"}) {
		t.Errorf("names %v", all)
	}
	_, err = f.Move(t.Context(), "old", "old/within", files.MoveOptions{})
	wantKind(t, "into itself", err, moot.Invalid)
	upload(t, f, "new/pics/9", "text")
	_, err = f.Move(t.Context(), "old", "new", files.MoveOptions{})
	wantKind(t, "onto a folder that exists", err, moot.Conflict)
	_, err = f.Move(t.Context(), "old", "new", files.MoveOptions{Force: true})
	must(t, err)
	if all := names(t, f, "new/"); len(all) != 4 {
		t.Errorf("merged into %v", all)
	}
}
