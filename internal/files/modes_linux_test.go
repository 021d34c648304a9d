package files_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mootspace/moot/internal/files"
)

// TestModesAndTimes: folders that their owner may not write are fetched as they are, a
// link has its own time, and what a killed get left of both is no obstacle.
func TestModesAndTimes(t *testing.T) {
	f, dir, out := newFiles(newStore(t), 1), t.TempDir(), t.TempDir()
	top := filepath.Join(dir, "top")
	write(t, top+"/sub/file", "x")
	must(t, os.Symlink("file", top+"/sub/link"))
	at := []unix.Timespec{{Sec: 1e9}, {Sec: 1e9, Nsec: 7}}
	must(t, unix.UtimesNanoAt(unix.AT_FDCWD, top+"/sub/link", at, unix.AT_SYMLINK_NOFOLLOW))
	for _, d := range []string{top + "/sub", top} {
		must(t, os.Chmod(d, 0o555))
	}
	_, err := f.Share(t.Context(), top, files.ShareOptions{})
	must(t, err)
	frozen(t, f, top, "frozen")
	t.Cleanup(func() { // so that they can be removed
		for _, d := range []string{top, top + "/sub", out + "/top", out + "/top/sub", out + "/frozen", out + "/frozen/sub"} {
			_ = os.Chmod(d, 0o755)
		}
	})
	for _, name := range []string{"top", "frozen"} {
		to := filepath.Join(out, name)
		killed, err := files.Stage(to)
		must(t, err)
		write(t, killed.Dir()+"/content/sub/half", "half")
		must(t, os.Chmod(killed.Dir()+"/content/sub", 0o555))
		must(t, os.Chmod(killed.Dir()+"/content", 0o555))
		must(t, killed.Kill())
		got, err := f.Get(t.Context(), name, to, nil)
		if err != nil || len(got.Skipped) > 0 {
			t.Fatalf("%s: %+v, %v", name, got.Skipped, err)
		}
		for _, d := range []string{to, to + "/sub"} {
			if info, err := os.Stat(d); err != nil || info.Mode().Perm() != 0o555 {
				t.Errorf("%s: %v, %v", d, info, err)
			}
		}
		_, err = f.Get(t.Context(), name+"/sub/link", to+" link", nil)
		must(t, err)
		for _, link := range []string{to + "/sub/link", to + " link"} {
			if info, err := os.Lstat(link); err != nil || !info.ModTime().Equal(time.Unix(1e9, 7)) {
				t.Errorf("%s: %v, %v", link, info.ModTime(), err)
			}
		}
	}
}
