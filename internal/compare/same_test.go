package compare

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/mootspace/moot"
)

func TestSameTree(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 20<<10) // more than a block
	flipped := bytes.Clone(content)
	flipped[len(flipped)-1] ^= 1
	for _, c := range []struct {
		name   string
		copied []byte
		same   bool
	}{
		{"equal", content, true},
		{"last byte differs", flipped, false},
		{"shorter", content[:len(content)-1], false},
		{"shorter by a block", content[:256<<10], false},
		{"longer", append(bytes.Clone(content), 'x'), false},
		{"empty", nil, false},
	} {
		original, copied := filepath.Join(t.TempDir(), "original"), filepath.Join(t.TempDir(), "copy")
		write(t, original, content)
		write(t, copied, c.copied)
		if err := SameTree(original, copied); (err == nil) != c.same || err != nil && moot.KindOf(err) != moot.Corrupt {
			t.Errorf("a file, %s: %v", c.name, err)
		}
		original, copied = filepath.Dir(original), filepath.Dir(copied)
		write(t, filepath.Join(original, "sub", "file"), content)
		write(t, filepath.Join(copied, "sub", "file"), c.copied)
		write(t, filepath.Join(copied, "original"), content)
		if err := SameTree(original, copied); (err == nil) != c.same || err != nil && moot.KindOf(err) != moot.Corrupt {
			t.Errorf("a folder, %s: %v", c.name, err)
		}
	}
	empty := filepath.Join(t.TempDir(), "empty")
	write(t, empty, nil)
	if err := SameTree(empty, empty); err != nil {
		t.Errorf("an empty file: %v", err)
	}
	if err := SameTree(empty, empty+"-copy"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a copy: %v", err)
	}
	if err := SameTree(empty+"-original", empty); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without an original: %v", err)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
