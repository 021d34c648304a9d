//go:build unix

package files_test

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/mootspace/moot/internal/files"
)

// TestGetLeavesHoles: a sparse file is one again, fetched alone or in a folder, small or large.
func TestGetLeavesHoles(t *testing.T) {
	f := newFiles(newStore(t), 1)
	dir := t.TempDir()
	sizes := map[string]int{"large": 4 << 20, "small": 60 << 10, "ends": 200<<10 + 1}
	for name, size := range sizes {
		data := make([]byte, size)
		copy(data[8<<10:], bytes.Repeat([]byte("data"), 1<<10))
		must(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	_, err := f.Share(t.Context(), dir, files.ShareOptions{As: "folder"})
	must(t, err)
	out := t.TempDir()
	_, err = f.Get(t.Context(), "folder", filepath.Join(out, "folder"), nil)
	must(t, err)
	for name, size := range sizes {
		_, err = f.Get(t.Context(), "folder/"+name, out, nil)
		must(t, err)
		for _, at := range []string{filepath.Join(out, name), filepath.Join(out, "folder", name)} {
			info, err := os.Stat(at)
			must(t, err)
			want, err := os.ReadFile(filepath.Join(dir, name))
			must(t, err)
			got, err := os.ReadFile(at)
			must(t, err)
			if taken := info.Sys().(*syscall.Stat_t).Blocks * 512; taken > 8<<10 || info.Size() != int64(size) || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes of %d, %d on the disk", at, len(got), size, taken)
			}
		}
	}
}
