package backup

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/mootspace/moot"
)

// What lies in the place of a file of a backup is not followed, waited for, or read beyond
// what is expected.
func TestOpenFiles(t *testing.T) {
	dir := t.TempDir()
	b := moot.Blob{ID: moot.BlobID{1}, Size: 10}
	path := blobPath(dir, b.ID)
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.Symlink(os.DevNull, path))
	if _, err := LargeBlob(dir, b); moot.KindOf(err) != moot.Corrupt {
		t.Errorf("a link: %v", err)
	}
	must(t, os.Remove(path))
	must(t, os.WriteFile(path, bytes.Repeat([]byte("x"), 11), 0o600))
	if _, err := LargeBlob(dir, b); moot.KindOf(err) != moot.Corrupt {
		t.Errorf("another size: %v", err)
	}
	must(t, os.WriteFile(path, bytes.Repeat([]byte("x"), 10), 0o600))
	f, err := LargeBlob(dir, b)
	must(t, err)
	must(t, f.Close())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
