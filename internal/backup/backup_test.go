package backup

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/store"
)

func testSource(t *testing.T) (Source, *store.Store) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, size := range []int{0, 10, 1000, moot.MaxSmall, moot.MaxSmall + 1, 300_000} {
		put(t, s, bytes.Repeat([]byte{byte(size), 7}, size)[:size])
	}
	return Source{
		Key: ed25519.NewKeyFromSeed(make([]byte, 32)), Held: s.Blobs, Blobs: s,
		Files: []HomeFile{{"moot.db", func(_ context.Context, w io.Writer) error { _, err := io.WriteString(w, "entries"); return err }}},
	}, s
}

func put(t *testing.T, s *store.Store, data []byte) {
	t.Helper()
	if _, err := s.Put(t.Context(), bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
}

var start = time.Unix(1_800_000_000, 0)

func newest(t *testing.T, dir string) List {
	t.Helper()
	names, err := Lists(dir)
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	l, err := Open(dir, names[len(names)-1])
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestSecondBackupWritesOnlyWhatIsNew(t *testing.T) {
	src, s := testSource(t)
	dir := t.TempDir()
	first, err := Write(t.Context(), dir, src, Options{Now: start})
	if err != nil || first.New != 6 || first.Known != 0 || len(first.Unread) != 0 {
		t.Fatal(first, err)
	}
	put(t, s, []byte("new"))
	second, err := Write(t.Context(), dir, src, Options{Now: start.Add(time.Hour)})
	if err != nil || second.New != 1 || second.Known != 6 {
		t.Fatal(second, err)
	}
	if second.Bytes > 100 {
		t.Errorf("the second backup wrote %d bytes", second.Bytes)
	}
	if err := Verify(t.Context(), dir, newest(t, dir)); err != nil {
		t.Error(err)
	}
}

func TestDamageIsFoundInEveryPart(t *testing.T) {
	src, _ := testSource(t)
	dir := t.TempDir()
	if _, err := Write(t.Context(), dir, src, Options{Now: start}); err != nil {
		t.Fatal(err)
	}
	parts := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		parts++
		old, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, at := range []int{0, len(old) / 2, len(old) - 1} {
			bad := bytes.Clone(old)
			bad[at] ^= 1
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				return err
			}
			names, _ := Lists(dir)
			l, err := Open(dir, names[0])
			if err == nil {
				err = Verify(t.Context(), dir, l)
			}
			if moot.KindOf(err) != moot.Corrupt {
				t.Errorf("%s, byte %d: %v", path, at, err)
			}
		}
		return os.WriteFile(path, old, 0o600)
	})
	if err != nil || parts != 5 { // a list, a file, a pack, two blobs
		t.Fatal(parts, err)
	}
}

func TestInterruptedBackupIsContinued(t *testing.T) {
	for step := 1; ; step++ {
		src, _ := testSource(t)
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		_, err := Write(ctx, dir, src, Options{Now: start, Progress: func(Report) {
			if n++; n == step {
				cancel()
			}
		}})
		cancel()
		if err == nil {
			if step < 4 {
				t.Errorf("only %d steps", step)
			}
			return
		}
		if names, _ := Lists(dir); len(names) != 0 {
			t.Fatalf("step %d: a list of an interrupted backup", step)
		}
		if _, err := Write(t.Context(), dir, src, Options{Now: start}); err != nil {
			t.Fatal(err)
		}
		if err := Verify(t.Context(), dir, newest(t, dir)); err != nil {
			t.Errorf("step %d: %v", step, err)
		}
	}
}

func FuzzPack(f *testing.F) {
	f.Add(encodePack([]moot.Small{{Data: []byte("x")}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		for b, err := range Small(bytes.NewReader(data)) {
			if err == nil && len(b.Data) > moot.MaxSmall {
				t.Error("too large")
			}
		}
	})
}

func FuzzList(f *testing.F) {
	f.Add([]byte(`{"list":{},"signature":""}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if l, err := decodeList(text); err == nil && l.Version != version {
			t.Error("a list of another version")
		}
	})
}

// lossy is a store that cannot read any blob.
type lossy struct{ moot.Blobs }

func (lossy) Get(context.Context, moot.BlobID, moot.Range) (io.ReadCloser, error) {
	return nil, moot.Corrupt
}

func (lossy) GetMany(context.Context, []moot.BlobID) iter.Seq2[moot.Small, error] {
	return func(func(moot.Small, error) bool) {}
}

func TestUnreadBlobsAreNamedAndTheRestIsWritten(t *testing.T) {
	src, _ := testSource(t)
	src.Blobs = lossy{src.Blobs}
	dir := t.TempDir()
	report, err := Write(t.Context(), dir, src, Options{Now: start})
	if err != nil || report.New != 0 || len(report.Unread) != 6 {
		t.Fatal(report, err)
	}
	l := newest(t, dir)
	if len(l.Unread) != 6 || len(l.Files) != 1 {
		t.Error(l)
	}
	if err := Verify(t.Context(), dir, l); err != nil {
		t.Error(err)
	}
}
