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
	"slices"
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
	if second.Bytes > 2000 { // a pack of one blob, and the list
		t.Errorf("the second backup wrote %d bytes", second.Bytes)
	}
	if err := Verify(t.Context(), dir, nil, newest(t, dir)); err != nil {
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
		if err != nil || d.IsDir() || d.Name() == lockFile {
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
				err = Verify(t.Context(), dir, nil, l)
			}
			if moot.KindOf(err) != moot.Corrupt {
				t.Errorf("%s, byte %d: %v", path, at, err)
			}
		}
		return os.WriteFile(path, old, 0o600)
	})
	if err != nil || parts != 5 { // a list, a pack of files, a pack of blobs, two blobs
		t.Fatal(parts, err)
	}
}

// growing is a source whose only file is text.
func growing(t *testing.T, text *[]byte) Source {
	t.Helper()
	src, _ := testSource(t)
	src.Files = []HomeFile{{"moot.db", func(_ context.Context, w io.Writer) error {
		for part := range slices.Chunk(*text, 1000) {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
		return nil
	}}}
	return src
}

func TestOfAFileOnlyPartsThatChangedAreWritten(t *testing.T) {
	text := make([]byte, 20*moot.MaxSmall+17)
	for i := range text {
		text[i] = byte(i >> 16)
	}
	src, dir := growing(t, &text), t.TempDir()
	if _, err := Write(t.Context(), dir, src, Options{Now: start}); err != nil {
		t.Fatal(err)
	}
	first := bytes.Clone(text)
	text[3*moot.MaxSmall] = 99
	text = append(text, 5)
	second, err := Write(t.Context(), dir, src, Options{Now: start.Add(time.Hour)})
	if err != nil || second.Bytes > 3*moot.MaxSmall {
		t.Fatal(second, err)
	}
	names, err := Lists(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]byte{first, text} {
		l, err := Open(dir, names[i])
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := ReadFile(t.Context(), dir, l, l.Files[0], &got); err != nil || !bytes.Equal(got.Bytes(), want) || l.Files[0].Size != int64(len(want)) {
			t.Errorf("backup %d: %d bytes, %v", i, got.Len(), err)
		}
	}
}

func TestOldBackupsAreDroppedAndWhatOthersNameStays(t *testing.T) {
	text := []byte("one")
	src, dir := growing(t, &text), t.TempDir()
	for i := range 5 {
		text = bytes.Repeat([]byte{byte(i)}, 1<<18)
		if i == 2 {
			put(t, src.Blobs.(*store.Store), []byte("of the third"))
		}
		report, err := Write(t.Context(), dir, src, Options{Now: start.Add(time.Duration(i) * time.Hour), Keep: 2})
		if err != nil || report.Dropped > 0 != (i >= 2) || report.Freed > 0 != (i >= 2) {
			t.Fatal(i, report, err)
		}
		names, _ := Lists(dir)
		for _, name := range names {
			l, err := Open(dir, name)
			if err == nil {
				err = Verify(t.Context(), dir, nil, l)
			}
			if err != nil {
				t.Error(i, err)
			}
		}
		if len(names) != min(i+1, 2) {
			t.Errorf("%d backups after %d", len(names), i+1)
		}
	}
	names, _ := Lists(dir)
	if err := os.WriteFile(listPath(dir, names[1]), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := countFiles(t, dir)
	if report, err := Write(t.Context(), dir, src, Options{Now: start.Add(9 * time.Hour), Keep: 2}); moot.KindOf(err) != moot.Corrupt || report.ID == "" {
		t.Error("a damaged list, whose data nobody knows:", report, err)
	}
	if after := countFiles(t, dir); after < before {
		t.Errorf("%d of %d files are left", after, before)
	}
}

func countFiles(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTwoBackupsAtOnceAndOtherHomesAreRefused(t *testing.T) {
	src, _ := testSource(t)
	dir := t.TempDir()
	other := Options{Now: start.Add(time.Hour), Own: func(moot.Key) bool { return false }}
	_, err := Write(t.Context(), dir, src, Options{Now: start, Progress: func(Report) {
		if _, err := Write(t.Context(), dir, src, other); moot.KindOf(err) != moot.Unavailable {
			t.Error("two at once:", err)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), dir, src, other); moot.KindOf(err) != moot.Conflict {
		t.Error("another home:", err)
	}
	if names, _ := Lists(dir); len(names) != 1 {
		t.Error(names)
	}
}

func TestInterruptedBackupLeavesTheFormerOneAndIsContinued(t *testing.T) {
	for step := 1; ; step++ {
		src, s := testSource(t)
		dir := t.TempDir()
		if _, err := Write(t.Context(), dir, src, Options{Now: start}); err != nil {
			t.Fatal(err)
		}
		put(t, s, []byte("new"))
		put(t, s, bytes.Repeat([]byte("new"), moot.MaxSmall))
		src.Files[0].Write = func(_ context.Context, w io.Writer) error { _, err := io.WriteString(w, "more entries"); return err }
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		_, err := Write(ctx, dir, src, Options{Now: start.Add(time.Hour), Keep: 1, Progress: func(Report) {
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
		if l := newest(t, dir); !l.Time.Equal(start) {
			t.Fatalf("step %d: a list of an interrupted backup, of %v", step, l.Time)
		} else if err := Verify(t.Context(), dir, nil, l); err != nil {
			t.Fatalf("step %d: the former backup: %v", step, err)
		}
		if err := os.WriteFile(filepath.Join(dir, partialFolder, "left"), []byte("by a crash"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Write(t.Context(), dir, src, Options{Now: start.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if l := newest(t, dir); l.Count != 8 {
			t.Errorf("step %d: %d blobs", step, l.Count)
		} else if err := Verify(t.Context(), dir, nil, l); err != nil {
			t.Errorf("step %d: %v", step, err)
		}
		if left, _ := os.ReadDir(filepath.Join(dir, partialFolder)); len(left) != 0 {
			t.Errorf("step %d: %v is left", step, left)
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
	if err := Verify(t.Context(), dir, nil, l); err != nil {
		t.Error(err)
	}
}
