package files

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/store"
)

func memory(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// manifestOf stores a manifest with these records, unchecked.
func manifestOf(t *testing.T, s *store.Store, records ...record) moot.Blob {
	t.Helper()
	var all []byte
	for _, r := range records {
		b, err := cbor.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	b, err := s.Put(t.Context(), bytes.NewReader(all))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestHostileFolders: whatever a manifest contains, nothing is written outside of the
// folder, nothing inside leads outside, and a refused folder leaves nothing.
func TestHostileFolders(t *testing.T) {
	s := memory(t)
	content := []byte("content")
	pack, err := s.Put(t.Context(), bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	link := func(path, target string) record { return record{Kind: kindSymlink, Path: path, Target: target} }
	file := func(path string, offset, size int64) record {
		return record{Kind: kindFile, Path: path, Mode: 0o600, Size: size, ID: pack.ID[:], Pack: pack.ID[:], Offset: offset}
	}
	for name, c := range map[string]struct {
		records []record
		kind    moot.ErrorKind // "" if it is fine
	}{
		"a good one":              {[]record{file("a/b", 0, 7), link("a/l", "../a/b")}, ""},
		"a path that leads out":   {[]record{file("../x", 0, 7)}, moot.Invalid},
		"an absolute path":        {[]record{file("/x", 0, 7)}, moot.Invalid},
		"an absolute link":        {[]record{link("l", "/etc/passwd")}, moot.Invalid},
		"a link that leads out":   {[]record{link("a/l", "../../x")}, moot.Invalid},
		"out behind a link":       {[]record{link("s", "."), link("t", "s/..")}, moot.Invalid},
		"a link below a link":     {[]record{link("p", "."), link("p/p/y", "../..")}, ""},
		"a file below a link":     {[]record{{Kind: kindFolder, Path: "e"}, link("d", "e"), file("d/x", 0, 7)}, ""},
		"a folder over a link":    {[]record{link("d", "e"), {Kind: kindFolder, Path: "d"}}, ""},
		"other bytes than named":  {[]record{file("a", 1, 6)}, moot.Corrupt},
		"more than the pack has":  {[]record{file("a", 0, 8)}, moot.Corrupt},
		"too large for a pack":    {[]record{file("a", 0, packBelow+1)}, moot.Invalid},
		"a blob without holder":   {[]record{{Kind: kindFile, Path: "a", Size: 1, ID: make([]byte, 32)}}, moot.NotFound},
		"a kind that is not":      {[]record{{Kind: 77, Path: "a"}}, moot.Invalid},
		"a record without end":    {[]record{{Kind: kindFolder, Path: strings.Repeat("a/", 60_000) + "a"}}, moot.Invalid},
		"the same name two times": {[]record{file("a", 0, 7), file("a", 0, 7)}, ""},
		"a path of many levels":   {[]record{file(strings.Repeat("a/", 100)+"a", 0, 7)}, moot.Invalid},
		"a long path":             {[]record{file(strings.Repeat(strings.Repeat("a", 250)+"/", 17)+"a", 0, 7)}, moot.Invalid},
	} {
		base := t.TempDir()
		f := File{Name: "f", Path: filepath.Join(base, "f"), Blob: manifestOf(t, s, c.records...), Folder: true, Frozen: true}
		for _, r := range c.records {
			f.Content += r.Size
		}
		_, err := New(s, nil, Options{}).extract(t.Context(), inside{File: f, list: f.Blob}, func(int) {})
		if moot.KindOf(err) != c.kind {
			t.Errorf("%s: %v (%q), want %q", name, err, moot.KindOf(err), c.kind)
		}
		left, err := os.ReadDir(base)
		if err != nil || c.kind != "" && len(left) != 0 || c.kind == "" && len(left) != 1 {
			t.Errorf("%s: left %v, %v", name, left, err)
		}
	}
}

// TestManifestsAreInOrder: small, large, folders and links, in the order of the walk.
func TestManifestsAreInOrder(t *testing.T) {
	s, dir := memory(t), t.TempDir()
	for name, size := range map[string]int{"a": 1, "b": packBelow, "c/x": 2, "d": 0, "e": packBelow + 1, "f": 3} {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o700)
		if err := os.WriteFile(path, bytes.Repeat([]byte{1}, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a", filepath.Join(dir, "bb")); err != nil {
		t.Fatal(err)
	}
	fs, f := New(s, nil, Options{}), File{}
	if _, err := fs.storeFolder(t.Context(), dir, &f, ShareOptions{}); err != nil {
		t.Fatal(err)
	}
	in, err := fs.manifest(t.Context(), f.Blob)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var paths []string
	for r, err := range records(in) {
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, r.Path)
	}
	if want := []string{"a", "b", "bb", "c", "c/x", "d", "e", "f"}; !slices.Equal(paths, want) {
		t.Errorf("recorded %q, want %q", paths, want)
	}
}

// TestMoreThanStated: a folder that has other sums than was stated is refused before more is
// written than there is space for.
func TestMoreThanStated(t *testing.T) {
	s := memory(t)
	pack, err := s.Put(t.Context(), strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	list := manifestOf(t, s, record{Kind: kindFile, Path: "a", Size: 7, ID: pack.ID[:], Pack: pack.ID[:]}, record{Kind: kindFile, Path: "b", Size: 7, ID: pack.ID[:]})
	for stated, kind := range map[int64]moot.ErrorKind{14: "", 13: moot.Invalid, 15: moot.Invalid, 0: moot.Invalid, 1 << 62: moot.Full} {
		f := File{Name: "f", Path: filepath.Join(t.TempDir(), "f"), Blob: list, Folder: true, Frozen: true, Content: stated}
		if _, err := New(s, nil, Options{}).extract(t.Context(), inside{File: f, list: f.Blob}, func(int) {}); moot.KindOf(err) != kind {
			t.Errorf("%d bytes stated: %v", stated, err)
		}
	}
}

// TestOpenVerifies reads a verified range.
func TestOpenVerifies(t *testing.T) {
	s := memory(t)
	want := bytes.Repeat([]byte("0123456789"), 10_000)
	b, err := s.Put(t.Context(), bytes.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	in, got, err := New(s, nil, Options{}).Open(t.Context(), b.ID.String(), moot.Range{Offset: 40_001, Length: 12})
	if err != nil || got != b {
		t.Fatalf("opened %v, %v", got, err)
	}
	defer in.Close()
	var part bytes.Buffer
	if _, err := part.ReadFrom(in); err != nil || part.String() != "123456789012" {
		t.Errorf("read %q, %v", part.String(), err)
	}
	if h, err := blob.Hash(bytes.NewReader(want)); err != nil || h != b {
		t.Errorf("named %v, %v", h, err)
	}
}
