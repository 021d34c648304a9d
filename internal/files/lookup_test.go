package files_test

import (
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
)

// TestLookupByPrefix tries the beginnings of IDs, as lists show them, of old versions too.
func TestLookupByPrefix(t *testing.T) {
	f, dir := newFiles(newStore(t), 1), t.TempDir()
	path := write(t, dir+"/a.txt", "first")
	first, err := f.Share(t.Context(), path, files.ShareOptions{})
	must(t, err)
	write(t, path, "second")
	second, err := f.Share(t.Context(), path, files.ShareOptions{})
	must(t, err)
	for _, want := range []files.File{first.File, second.File} {
		id := want.Blob.ID.String()
		for _, prefix := range []string{id, id[:16], id[:6]} {
			got, err := f.Lookup(t.Context(), prefix)
			if err != nil || got.Version != want.Version {
				t.Errorf("%s stands for %v, %v; want version %v", prefix, got.Version, err, want.Version)
			}
		}
	}
	id := first.Blob.ID.String()
	for what, name := range map[string]string{"too short": id[:5], "another": "0000000000", "no ID": "zzzzzzzz", "upper case": "ABCDEF01"} {
		_, err := f.Lookup(t.Context(), name)
		wantKind(t, what, err, moot.NotFound)
	}

	named := write(t, dir+"/"+id[:8], "a name goes before the beginning of an ID")
	other, err := f.Share(t.Context(), named, files.ShareOptions{})
	must(t, err)
	if got, err := f.Lookup(t.Context(), id[:8]); err != nil || got.Blob.ID != other.Blob.ID {
		t.Errorf("the name %s stands for %v, %v", id[:8], got.Blob.ID, err)
	}
	must(t, f.Remove(t.Context(), "a.txt", files.RemoveOptions{}))
	if got, err := f.Lookup(t.Context(), id[:16]); err != nil || got.Blob.ID != first.Blob.ID {
		t.Errorf("of a removed name: %v, %v", got.Blob.ID, err)
	}
}
