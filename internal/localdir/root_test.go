package localdir

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// both runs a test with all that the system can, and without its newer calls.
func both(t *testing.T, test func(t *testing.T, r *Root)) {
	for name, plain := range map[string]bool{"full": false, "plain": true} {
		t.Run(name, func(t *testing.T) {
			r := add(t)
			r.plain = plain
			test(t, r)
		})
	}
}

func add(t *testing.T) *Root {
	t.Helper()
	r, err := Add(t.TempDir())
	check(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want fails unless err has the kind.
func want(t *testing.T, what string, err error, kind moot.ErrorKind) {
	t.Helper()
	if moot.KindOf(err) != kind {
		t.Errorf("%s: got %v (%s), want %s", what, err, moot.KindOf(err), kind)
	}
}

// write stages a file and places it.
func write(t *testing.T, r *Root, path, text string) {
	t.Helper()
	check(t, r.Place(stage(t, r, text), path))
}

func stage(t *testing.T, r *Root, text string) string {
	t.Helper()
	s, err := r.Stage()
	check(t, err)
	_, err = io.WriteString(s, text)
	check(t, err)
	_, err = s.Finish(0o644, time.Unix(1e9, 0))
	check(t, err)
	return s.Path()
}

func read(t *testing.T, r *Root, path string) string {
	t.Helper()
	f, err := r.Open(path)
	check(t, err)
	defer f.Close()
	text, err := io.ReadAll(f)
	check(t, err)
	return string(text)
}

func stat(t *testing.T, r *Root, path string) Stat {
	t.Helper()
	s, err := r.Stat(path)
	check(t, err)
	return s
}

func names(t *testing.T, r *Root, path string) (all []string) {
	t.Helper()
	list, err := r.ReadDir(path)
	check(t, err)
	for _, n := range list {
		check(t, n.Err)
		all = append(all, n.Name)
	}
	return all
}

func TestNames(t *testing.T) {
	both(t, func(t *testing.T, r *Root) {
		all := []string{strings.Repeat("x", 255), "new\nline", "\xff\xfe invalid", "\u05d0\u202e right to left", " blank ", "-f", "..x", "foo.", "CON", "\u00e9", "e\u0301"}
		check(t, r.Mkdir("d", 0o755))
		for _, name := range all {
			write(t, r, "d/"+name, name)
		}
		slices.Sort(all)
		if got := names(t, r, "d"); !slices.Equal(got, all) {
			t.Errorf("got %q, want %q", got, all)
		}
		for _, name := range all {
			if got := read(t, r, "d/"+name); got != name {
				t.Errorf("%q has the content of %q", name, got)
			}
		}
		check(t, r.Mkdir("folder.", 0o755))
		write(t, r, "folder./x", "")
		if got := names(t, r, "folder."); !slices.Equal(got, []string{"x"}) {
			t.Errorf("folder.: %q", got)
		}
		for _, path := range []string{"..", "../x", "/etc", "d/", "d//x", "d/./x", "d/../x", "a\x00b", strings.Repeat("x", 256)} {
			_, err := r.Stat(path)
			want(t, path, err, moot.Invalid)
			want(t, path, r.Mkdir(path, 0o755), moot.Invalid)
		}
		for _, path := range []string{"", "."} {
			if got := names(t, r, path); !slices.Equal(got, []string{"d", "folder."}) {
				t.Errorf("the private folder is listed: %q", got)
			}
			if !stat(t, r, path).IsDir() {
				t.Errorf("%q is no folder", path)
			}
		}
	})
}

// TestDeep makes a path far longer than the system takes at once.
func TestDeep(t *testing.T) {
	both(t, func(t *testing.T, r *Root) {
		var path string
		for range 200 {
			path = join(path, strings.Repeat("n", 100))
			check(t, r.Mkdir(path, 0o755))
		}
		write(t, r, path+"/file", "deep")
		if got := names(t, r, path); !slices.Equal(got, []string{"file"}) || read(t, r, path+"/file") != "deep" {
			t.Errorf("got %q", got)
		}
		check(t, r.Remove(path+"/file"))
		check(t, r.Remove(path))
	})
}

func TestOutside(t *testing.T) {
	both(t, func(t *testing.T, r *Root) {
		outside := t.TempDir()
		check(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600))
		check(t, r.Mkdir("real", 0o755))
		write(t, r, "real/secret", "inside")
		check(t, r.Symlink(outside, "out"))
		check(t, r.Symlink("real", "in"))
		for _, link := range []string{"out", "in"} {
			_, err := r.Stat(link + "/secret")
			want(t, "stat", err, moot.Conflict)
			_, err = r.Open(link + "/secret")
			want(t, "open", err, moot.Conflict)
			_, err = r.Open(link)
			want(t, "open link", err, moot.Conflict)
			_, err = r.ReadDir(link)
			want(t, "list", err, moot.Conflict)
			want(t, "mkdir", r.Mkdir(link+"/new", 0o755), moot.Conflict)
			want(t, "remove", r.Remove(link+"/secret"), moot.Conflict)
			want(t, "place", r.Place("real/secret", link+"/new"), moot.Conflict)
			want(t, "place", r.Place(link+"/secret", "new"), moot.Conflict)
			want(t, "exchange", r.Exchange("real/secret", link+"/secret"), moot.Conflict)
			want(t, "chmod", r.Chmod(link, 0o777), moot.Conflict)
		}
		if list, err := os.ReadDir(outside); err != nil || len(list) != 1 {
			t.Errorf("outside: %v, %v", list, err)
		}
		if target, err := r.Readlink("out"); err != nil || target != outside {
			t.Errorf("got %q, %v", target, err)
		}
		_, err := r.Readlink("real")
		want(t, "read a folder as a link", err, moot.Conflict)
		long := strings.Repeat("t", 4000)
		check(t, r.Symlink(long, "long"))
		if target, err := r.Readlink("long"); err != nil || target != long {
			t.Errorf("got %d bytes of a link, %v", len(target), err)
		}
	})
}

func TestGone(t *testing.T) {
	both(t, func(t *testing.T, r *Root) {
		write(t, r, "file", "")
		for _, path := range []string{"none", "none/x", "file/x"} {
			_, err := r.Stat(path)
			want(t, path, err, moot.NotFound)
			_, err = r.Open(path)
			want(t, path, err, moot.NotFound)
			want(t, path, r.Remove(path), moot.NotFound)
			want(t, path, r.Place(path, "to"), moot.NotFound)
			want(t, path, r.Exchange(path, "file"), moot.NotFound)
			want(t, path, r.Exchange("file", path), moot.NotFound)
			if strings.Contains(path, "/") {
				want(t, path, r.Place("file", path), moot.NotFound)
			}
		}
		if read(t, r, "file") != "" || len(names(t, r, "")) != 1 {
			t.Error("a failed operation changed something")
		}
	})
}

func TestPlace(t *testing.T) {
	both(t, func(t *testing.T, r *Root) {
		write(t, r, "a", "a")
		write(t, r, "b", "b")
		want(t, "place over a file", r.Place("a", "b"), moot.Conflict)
		check(t, r.Mkdir("d", 0o700))
		check(t, r.Mkdir("e", 0o700))
		write(t, r, "e/x", "x")
		want(t, "place over a folder", r.Place("a", "d"), moot.Conflict)
		want(t, "folder over an empty folder", r.Place("e", "d"), moot.Conflict)
		want(t, "folder into itself", r.Place("e", "e/y"), moot.Invalid)
		check(t, r.Place("e", "d/e"))
		check(t, r.Symlink("nowhere", "link"))
		want(t, "place over a dangling link", r.Place("a", "link"), moot.Conflict)
		check(t, r.Place("link", "d/link"))
		if read(t, r, "a") != "a" || read(t, r, "b") != "b" || read(t, r, "d/e/x") != "x" || !stat(t, r, "d/link").IsLink() {
			t.Error("something else is in its place")
		}
		if got := names(t, r, ""); !slices.Equal(got, []string{"a", "b", "d"}) {
			t.Errorf("left: %q", got)
		}
		want(t, "remove a full folder", r.Remove("d"), moot.Conflict)
		want(t, "make a folder again", r.Mkdir("d", 0o700), moot.Conflict)
		want(t, "link over a file", r.Symlink("x", "a"), moot.Conflict)
	})
}

func TestExchange(t *testing.T) {
	both(t, func(t *testing.T, r *Root) {
		write(t, r, "a", "old")
		before := stat(t, r, "a")
		staged := stage(t, r, "new")
		check(t, r.Exchange(staged, "a"))
		if read(t, r, "a") != "new" || read(t, r, staged) != "old" || !before.SameObject(stat(t, r, staged)) {
			t.Error("the files are not exchanged")
		}
		check(t, r.Mkdir("d", 0o755))
		write(t, r, "d/x", "x")
		check(t, r.Mkdir("e", 0o755))
		check(t, r.Exchange("d", "e"))
		check(t, r.Exchange("e", "a"))
		if read(t, r, "a/x") != "x" || read(t, r, "e") != "new" {
			t.Error("the folders are not exchanged")
		}
		if list := names(t, r, Staging); !slices.Equal(list, []string{filepath.Base(staged)}) {
			t.Errorf("left: %q", list)
		}
	})
}

// TestReplaced reads a file whose name another has got.
func TestReplaced(t *testing.T) {
	both(t, func(t *testing.T, r *Root) {
		write(t, r, "a", "old")
		f, err := r.Open("a")
		check(t, err)
		defer f.Close()
		before, err := f.Stat()
		check(t, err)
		staged := stage(t, r, "new")
		check(t, r.Exchange(staged, "a"))
		check(t, r.Remove(staged))
		buf := make([]byte, 8)
		n, err := f.ReadAt(buf, 0)
		if string(buf[:n]) != "old" || err != io.EOF {
			t.Errorf("read %q, %v", buf[:n], err)
		}
		if now, err := f.Stat(); err != nil || now.Unchanged(before) || now.Links != 0 {
			t.Errorf("got %+v, %v", now, err)
		}
		if before.SameObject(stat(t, r, "a")) {
			t.Error("the new file passes for the old one")
		}
	})
}

func TestMark(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir)
	want(t, "open without a mark", err, moot.Unavailable)
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Errorf("a look left %v, %v", list, err)
	}
	r, err := Add(dir)
	check(t, err)
	mark, err := r.Mark()
	check(t, err)
	_, err = Open(dir)
	want(t, "open twice", err, moot.Conflict)
	check(t, r.Close())
	_, err = r.Stat("x")
	want(t, "use after close", err, moot.Unavailable)
	r, err = Add(dir)
	check(t, err)
	if again, err := r.Mark(); err != nil || again != mark {
		t.Errorf("added again: %q, %v, want %q", again, err, mark)
	}
	check(t, os.Rename(dir, dir+".moved"))
	_, err = r.Mark()
	want(t, "moved away", err, moot.Unavailable)
	check(t, os.Mkdir(dir, 0o755))
	_, err = r.Mark()
	want(t, "another directory", err, moot.Unavailable)
	check(t, os.Remove(dir))
	check(t, os.Rename(dir+".moved", dir))
	_, err = r.Mark()
	check(t, err)
	check(t, os.WriteFile(filepath.Join(dir, markFile), []byte("\x00\x00"), 0o600))
	_, err = r.Mark()
	want(t, "damaged", err, moot.Corrupt)
	check(t, os.Remove(filepath.Join(dir, markFile)))
	_, err = r.Mark()
	want(t, "removed", err, moot.Unavailable)
	check(t, r.Close())
	_, err = Add(filepath.Join(dir, "none"))
	want(t, "add what is not there", err, moot.NotFound)
}

func TestFlush(t *testing.T) {
	both(t, func(t *testing.T, r *Root) {
		var files []string
		for range 2 * many {
			files = append(files, stage(t, r, "x"))
		}
		check(t, r.Chmod(files[0], 0))
		check(t, r.Sync(files))
		check(t, r.Sync(files[:many-1]))
		check(t, r.Sync(nil))
		want(t, "a file that is gone", r.Sync([]string{Staging + "/gone"}), moot.NotFound)
		check(t, r.Flush([]string{"", Staging, "gone"}))
		r.slow.Store(true)
		check(t, r.Sync(files))
		if r.slow.Load() {
			t.Error("one slow flush forbids the fast way for ever")
		}
	})
}

func TestRoom(t *testing.T) {
	r := add(t)
	free, total, err := r.Free()
	if err != nil || free == 0 || total < free {
		t.Errorf("got %d of %d, %v", free, total, err)
	}
	if _, _, err := r.Folds(); err != nil {
		t.Error(err)
	}
	if left := names(t, r, Staging); len(left) > 0 {
		t.Errorf("the probe left %q", left)
	}
}

// TestTidied stages after somebody removed the private folder's content.
func TestTidied(t *testing.T) {
	r := add(t)
	check(t, os.RemoveAll(filepath.Join(r.Path(), Staging)))
	write(t, r, "a", "x")
	if read(t, r, "a") != "x" {
		t.Error("not written")
	}
}

func TestDiscard(t *testing.T) {
	r := add(t)
	s, err := r.Stage()
	check(t, err)
	s.Discard()
	if left := names(t, r, Staging); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	_, err = s.Write([]byte("x"))
	want(t, "write after discard", err, moot.Unavailable)
	_, err = s.Finish(0o600, time.Now())
	want(t, "finish after discard", err, moot.Unavailable)
	s, err = r.Stage()
	check(t, err)
	_, err = s.Finish(0o600, time.Now())
	check(t, err)
	s.Discard()
	if left := names(t, r, Staging); len(left) != 1 {
		t.Errorf("a finished file was discarded")
	}
}
