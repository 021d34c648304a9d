package store

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// TestMove: a blob given away is a file like any other, still served, and never once
// it was changed.
func TestMove(t *testing.T) {
	r := diskRig(t)
	data := content(6*blob.GroupSize+1, 4)
	b, err := r.Put(t.Context(), bytes.NewReader(data))
	must(t, err)
	path, when := filepath.Join(t.TempDir(), "movie"), time.Unix(1e9, 0)
	must(t, os.WriteFile(path, []byte("what was there"), 0o600))

	moved, err := r.Move(t.Context(), b.ID, filepath.Join(t.TempDir(), "no", "folder"), 0o640, when)
	if err != nil || moved {
		t.Fatalf("to nowhere: %v, %v", moved, err)
	}
	moved, err = r.Move(t.Context(), b.ID, path, 0o640, when)
	if err != nil || !moved {
		t.Fatalf("moved %v, %v", moved, err)
	}
	got, err := os.ReadFile(path)
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	if !bytes.Equal(got, data) || info.Mode() != 0o640 || !info.ModTime().Equal(when) {
		t.Errorf("%d bytes, %v, %v", len(got), info.Mode(), info.ModTime())
	}
	if moved, err = r.Move(t.Context(), b.ID, path+"2", 0o640, when); err != nil || moved {
		t.Errorf("what is given away was given away again: %v, %v", moved, err)
	}
	r.reopen()
	if got, err = r.get(b.ID, moot.Whole); err != nil || !bytes.Equal(got, data) {
		t.Errorf("not served from its new place: %v", err)
	}
	data[0] ^= 1
	must(t, os.WriteFile(path, data, 0o600))
	_, err = r.get(b.ID, moot.Whole)
	wantKind(t, err, moot.Corrupt)
	_, err = r.get(b.ID, moot.Whole)
	wantKind(t, err, moot.NotFound)
}

// TestMoveFromMemory: there is nothing to rename, and nothing is lost.
func TestMoveFromMemory(t *testing.T) {
	r := newRig(t, Config{})
	data := content(2*blob.GroupSize, 4)
	b, err := r.Put(t.Context(), bytes.NewReader(data))
	must(t, err)
	moved, err := r.Move(t.Context(), b.ID, filepath.Join(t.TempDir(), "movie"), 0o600, time.Now())
	if err != nil || moved {
		t.Fatalf("moved %v, %v", moved, err)
	}
	if got, err := r.get(b.ID, moot.Whole); err != nil || !bytes.Equal(got, data) {
		t.Error("lost", err)
	}
}
