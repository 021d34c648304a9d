package files_test

import (
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
)

// TestAssemble: parts make the same folder as the files of a directory.
func TestAssemble(t *testing.T) {
	s := newStore(t)
	fs := newFiles(s, 1)
	dir := t.TempDir()
	large := strings.Repeat("x", 300<<10)
	contents := map[string]string{"a/x": "1", "a.txt": "2", "a/b/c": large, "a/b/d": "", "z": "3", "a-b": large + "y", "b/c/d/e": "4"}
	parts := map[string]files.Part{}
	for name, text := range contents {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := s.Put(t.Context(), strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		parts[name] = files.Part{Path: name, Blob: b}
		if len(text) < 10 || name == "a-b" {
			parts[name] = files.Part{Path: name, Blob: b, Data: []byte(text)}
		}
	}
	want, err := fs.Store(t.Context(), dir, files.ShareOptions{Bare: true})
	if err != nil {
		t.Fatal(err)
	}
	sorted := slices.SortedFunc(maps.Keys(parts), files.ComparePaths)
	got, err := fs.Assemble(t.Context(), "", of(parts, sorted))
	if err != nil || got.Blob != want.Blob || got.Content != want.Content {
		t.Errorf("%+v, want %+v, %v", got, want, err)
	}
	named, err := fs.Assemble(t.Context(), "results", of(parts, sorted))
	if found, failed := fs.Lookup(t.Context(), "results"); err != nil || failed != nil || found.Blob != want.Blob || found.Version != named.Version || !found.Folder {
		t.Errorf("%+v, %v, %v", found, err, failed)
	}
	again, err := fs.Assemble(t.Context(), "results", of(parts, sorted))
	if err != nil || again.Version != named.Version {
		t.Errorf("the same folder was published again: %v, %v", again.Version, err)
	}
	for _, names := range [][]string{{"z", "z"}, {"a", "a/x"}, {"a/x", "a/x/y"}, {"z", "a/x"}} {
		var list []files.Part
		for _, name := range names {
			list = append(list, files.Part{Path: name, Blob: parts["z"].Blob, Data: parts["z"].Data})
		}
		if _, err := fs.Assemble(t.Context(), "", each(list)); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%v: %v", names, err)
		}
	}
}

func of(parts map[string]files.Part, names []string) iter.Seq2[files.Part, error] {
	var list []files.Part
	for _, name := range names {
		list = append(list, parts[name])
	}
	return each(list)
}

func each(list []files.Part) iter.Seq2[files.Part, error] {
	return func(yield func(files.Part, error) bool) {
		for _, p := range list {
			if !yield(p, nil) {
				return
			}
		}
	}
}
