package localdir

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

func TestModes(t *testing.T) {
	both(t, func(t *testing.T, r *Root) {
		for _, mode := range []fs.FileMode{0o777, 0o755, 0o640, 0o200, 0, 0o1755 | fs.ModeSetuid} {
			check(t, r.Mkdir("d", mode))
			if got := stat(t, r, "d").Mode; got != mode.Perm() {
				t.Errorf("made with %o, want %o", got, mode)
			}
			check(t, r.Chmod("d", ^mode))
			if got := stat(t, r, "d").Mode; got != ^mode.Perm()&fs.ModePerm {
				t.Errorf("changed to %o, want %o", got, ^mode)
			}
			check(t, r.Remove("d"))
			s, err := r.Stage()
			check(t, err)
			made, err := s.Finish(mode, time.Now())
			check(t, err)
			if made.Mode != mode.Perm() {
				t.Errorf("staged with %o, want %o", made.Mode, mode)
			}
		}
		shared := filepath.Join(r.Path(), "shared")
		check(t, os.Mkdir(shared, 0o755))
		check(t, os.Chmod(shared, 0o755|fs.ModeSetgid))
		check(t, r.Chmod("shared", 0o700))
		if info, err := os.Stat(shared); err != nil || info.Mode() != fs.ModeDir|fs.ModeSetgid|0o700 {
			t.Errorf("a shared folder: %v, %v", info.Mode(), err)
		}
	})
}

func TestTimes(t *testing.T) {
	both(t, func(t *testing.T, r *Root) {
		write(t, r, "file", "")
		check(t, r.Mkdir("folder", 0o755))
		check(t, r.Symlink("file", "link"))
		for _, text := range []string{"1901-12-14T00:00:00.000000001Z", "1969-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00Z",
			"2026-02-28T12:34:56.123456789Z", "2038-01-19T03:14:08.5Z", "2500-01-01T00:00:00.000000005Z"} {
			at, err := time.Parse(time.RFC3339Nano, text)
			check(t, err)
			for _, path := range []string{"file", "folder", "link"} {
				set, err := r.SetTime(path, at)
				check(t, err)
				if got := stat(t, r, path).ModTime; !got.Equal(set) {
					t.Errorf("%s: %v was said to be set, got %v", path, set, got)
				}
				if at.Year() < 2400 && !set.Equal(at) || set.After(at) {
					t.Errorf("%s: set %v, want %v", path, set, at)
				}
			}
			s, err := r.Stage()
			check(t, err)
			made, err := s.Finish(0o600, at)
			check(t, err)
			if now := stat(t, r, s.Path()); !now.Unchanged(made) || at.Year() < 2400 && !made.ModTime.Equal(at) {
				t.Errorf("staged with %v, then %v, want %v", made.ModTime, now.ModTime, at)
			}
		}
	})
}

func TestStat(t *testing.T) {
	both(t, func(t *testing.T, r *Root) {
		write(t, r, "a", "hello")
		s := stat(t, r, "a")
		if !s.IsFile() || s.Size != 5 || s.Links != 1 || s.Inode == 0 || s.Born.IsZero() || s.ChangeTime.IsZero() || s.Mode != 0o644 {
			t.Errorf("got %+v", s)
		}
		if !s.Unchanged(stat(t, r, "a")) {
			t.Error("it changed by looking at it")
		}
		check(t, os.Link(filepath.Join(r.Path(), "a"), filepath.Join(r.Path(), "b")))
		b := stat(t, r, "b")
		if b.Links != 2 || !b.SameContent(s) || b.Unchanged(s) {
			t.Errorf("a hard link: %+v, before %+v", b, s)
		}
		check(t, r.Chmod("a", 0o600))
		if now := stat(t, r, "a"); now.Unchanged(b) || !now.SameContent(b) {
			t.Error("other permissions are no change")
		}
		_, err := r.SetTime("a", time.Unix(1, 0))
		check(t, err)
		if stat(t, r, "a").SameContent(b) {
			t.Error("another time is no change")
		}
		check(t, r.Symlink("target", "l"))
		if s := stat(t, r, "l"); !s.IsLink() || s.Size != int64(len("target")) {
			t.Errorf("got %+v", s)
		}
		list, err := r.ReadDir("")
		check(t, err)
		for _, n := range list {
			if !n.Unchanged(stat(t, r, n.Name)) || n.Allocated != stat(t, r, n.Name).Allocated {
				t.Errorf("listed as %+v, want %+v", n, stat(t, r, n.Name))
			}
		}
	})
}

// TestErrors compares the kinds of wrapped errors.
func TestErrors(t *testing.T) {
	err := failure("read", "a", errors.Join(errNoLink, nil))
	want(t, "joined", err, moot.Conflict)
	if !strings.Contains(err.Error(), `read "a": `) {
		t.Errorf("it does not say what failed: %v", err)
	}
	want(t, "unknown", failure("read", "a", io.ErrUnexpectedEOF), moot.Internal)
	if failure("read", "a", nil) != nil {
		t.Error("no error became one")
	}
}
