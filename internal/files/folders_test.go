package files_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
)

// row describes a file for comparisons.
func row(f files.File) string {
	s := f.Name
	switch {
	case f.Folder:
		s += fmt.Sprintf("/ %d in %d", f.Content, f.Files)
	case f.Link != "":
		s += " -> " + f.Link
	default:
		s += fmt.Sprint(" ", f.Content)
	}
	return s
}

func rows(list []files.File) (all []string) {
	for _, f := range list {
		all = append(all, row(f))
	}
	return all
}

func wantRows(t *testing.T, what string, list []files.File, err error, want ...string) {
	t.Helper()
	if got := rows(list); err != nil || !slices.Equal(got, want) {
		t.Errorf("%s: %q, %v; want %q", what, got, err, want)
	}
}

// project makes a folder with all that a folder can have.
func project(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "project")
	write(t, dir+"/a.txt", "one")
	write(t, dir+"/sub/b.txt", "three")
	write(t, dir+"/sub/deep/c.bin", strings.Repeat("0123456789", 30_000))
	must(t, os.Mkdir(dir+"/empty", 0o711))
	must(t, os.Symlink("../outside", dir+"/leads out"))
	return dir
}

// TestFoldersAreFolders looks into a shared folder, and a frozen one of version 0.1.0.
func TestFoldersAreFolders(t *testing.T) {
	f := newFiles(newStore(t), 1)
	dir := project(t)
	_, err := f.Share(t.Context(), dir, files.ShareOptions{As: "work/p"})
	must(t, err)
	must(t, os.Remove(dir+"/leads out"))
	frozen(t, f, dir, "old/p")

	list, err := f.ReadDir(t.Context(), "")
	wantRows(t, "the root", list, err, "old/ 300008 in 1", "work/ 300008 in 4")
	list, err = f.ReadDir(t.Context(), "work/p/")
	wantRows(t, "a folder", list, err, "work/p/a.txt 3", "work/p/empty/ 0 in 0", "work/p/leads out -> ../outside", "work/p/sub/ 300005 in 2")
	list, err = f.ReadDir(t.Context(), "old/p")
	wantRows(t, "a frozen folder", list, err, "old/p/a.txt 3", "old/p/empty/ 0 in 0", "old/p/sub/ 300005 in 2")
	list, err = f.ReadDir(t.Context(), "old/p/sub")
	wantRows(t, "in a frozen folder", list, err, "old/p/sub/b.txt 5", "old/p/sub/deep/ 300000 in 1")
	for name, kind := range map[string]moot.ErrorKind{"work/q": moot.NotFound, "old/p/q": moot.NotFound, "work/p/a.txt": moot.Invalid, "old/p/a.txt": moot.Invalid} {
		_, err := f.ReadDir(t.Context(), name)
		wantKind(t, name, err, kind)
	}

	list, err = f.List(t.Context(), "")
	wantRows(t, "all", list, err, "old/p/ 300008 in 0", "work/p/a.txt 3", "work/p/leads out -> ../outside", "work/p/sub/b.txt 5", "work/p/sub/deep/c.bin 300000")
	list, err = f.List(t.Context(), "old/p/sub/b")
	wantRows(t, "into a frozen folder", list, err, "old/p/sub/b.txt 5")
	list, err = f.Find(t.Context(), "B.TXT p")
	wantRows(t, "found", list, err, "work/p/sub/b.txt 5", "old/p/sub/b.txt 5")

	for _, name := range []string{"work/p/sub/b.txt", "old/p/sub/b.txt"} {
		if text := content(t, f, name); text != "three" {
			t.Errorf("%s holds %q", name, text)
		}
	}
	wantKind(t, "in a frozen folder", f.Remove(t.Context(), "old/p/a.txt", files.RemoveOptions{}), moot.Invalid)
	_, err = f.Move(t.Context(), "old/p/a.txt", "x", files.MoveOptions{})
	wantKind(t, "out of a frozen folder", err, moot.Invalid)
	_, err = f.Move(t.Context(), "old/p", "frozen", files.MoveOptions{})
	must(t, err)
	if text := content(t, f, "frozen/a.txt"); text != "one" {
		t.Errorf("moved, it holds %q", text)
	}
}

// frozen gives a name to a directory as version 0.1.0 did.
func frozen(t *testing.T, f *files.Files, dir, name string) files.File {
	t.Helper()
	stored, err := f.Store(t.Context(), dir, files.ShareOptions{})
	must(t, err)
	got, err := f.Publish(t.Context(), stored.File, name)
	must(t, err)
	return got
}

// TestGetFromFolders fetches parts of folders, shared and frozen.
func TestGetFromFolders(t *testing.T) {
	f := newFiles(newStore(t), 1)
	dir := project(t)
	must(t, os.Remove(dir+"/leads out"))
	_, err := f.Share(t.Context(), dir, files.ShareOptions{As: "p"})
	must(t, err)
	frozen(t, f, dir, "q")
	out := t.TempDir()
	for _, top := range []string{"p", "q"} {
		for name, from := range map[string]string{"": dir, "/sub": dir + "/sub", "/sub/deep": dir + "/sub/deep"} {
			got, err := f.Get(t.Context(), top+name, filepath.Join(out, top+strings.ReplaceAll(name, "/", "-")), nil)
			if err != nil || tree(t, got.Path) != tree(t, from) || len(got.Skipped) > 0 {
				t.Errorf("%s: %+v, %v\n%s", top+name, got, err, tree(t, got.Path))
			}
		}
		for name, want := range map[string]string{"/a.txt": "one", "/sub/b.txt": "three"} {
			got, err := f.Get(t.Context(), top+name, filepath.Join(out, "file"), nil)
			must(t, err)
			if text, err := os.ReadFile(got.Path); err != nil || string(text) != want {
				t.Errorf("%s: %q, %v", top+name, text, err)
			}
		}
	}
	if _, err := f.Share(t.Context(), dir, files.ShareOptions{As: "all/p"}); err != nil {
		t.Fatal(err)
	}
	frozen(t, f, dir, "all/q")
	got, err := f.Get(t.Context(), "all", filepath.Join(out, "all"), nil)
	if err != nil || tree(t, got.Path+"/p") != tree(t, dir) || tree(t, got.Path+"/q") != tree(t, dir) {
		t.Errorf("a frozen folder in another: %v", err)
	}
}

func TestGetAll(t *testing.T) {
	f := newFiles(newStore(t), 1)
	for _, name := range []string{"a.txt", "b.txt", "c.md", "d/a.txt", "d/e/f.txt", "d/e/g.md", "[x].txt"} {
		upload(t, f, name, name)
	}
	for _, c := range []struct {
		names, want string
		kind        moot.ErrorKind
	}{
		{"a.txt c.md", "a.txt c.md", ""},
		{"*.txt", "[x].txt a.txt b.txt", ""},
		{"[x].txt", "[x].txt", ""},
		{"[ab].txt", "a.txt b.txt", ""},
		{"**/*.md", "c.md g.md", ""},
		{"d/**", "d", ""},
		{"d/e", "e", ""},
		{"d/*/f.*", "f.txt", ""},
		{"*.zip c.md", "c.md", moot.NotFound},
		{"gone c.md", "c.md", moot.NotFound},
		{"a.txt d/a.txt", "a.txt", moot.Conflict},
		{"[", "", moot.Invalid},
	} {
		out := filepath.Join(t.TempDir(), "new")
		var done, total int64
		got, err := f.GetAll(t.Context(), strings.Fields(c.names), out, func(d, n int64) { done, total = d, n })
		if moot.KindOf(err) != c.kind {
			t.Errorf("%s: %v", c.names, err)
		}
		list, err := os.ReadDir(out)
		must(t, err)
		var have []string
		for _, d := range list {
			have = append(have, d.Name())
		}
		if strings.Join(have, " ") != c.want || len(got) != len(have) || c.kind == "" && done != total {
			t.Errorf("%s: %q, want %s; %d of %d bytes", c.names, have, c.want, done, total)
		}
	}
}

func TestRemoveAndRestore(t *testing.T) {
	f := newFiles(newStore(t), 1)
	dir := project(t)
	_, err := f.Share(t.Context(), dir, files.ShareOptions{As: "p"})
	must(t, err)
	wantKind(t, "a folder that is not empty", f.Remove(t.Context(), "p/sub", files.RemoveOptions{}), moot.Conflict)
	must(t, f.Remove(t.Context(), "p/empty", files.RemoveOptions{}))
	wantKind(t, "twice", f.Remove(t.Context(), "p/empty", files.RemoveOptions{}), moot.NotFound)
	must(t, f.Remove(t.Context(), "p", files.RemoveOptions{Recursive: true}))
	list, err := f.ReadDir(t.Context(), "")
	wantRows(t, "removed", list, err)
	wantKind(t, "at once", f.Remove(t.Context(), "p", files.RemoveOptions{Now: true}), moot.Unavailable)

	got, err := f.Restore(t.Context(), "p", "")
	if err != nil || row(got) != "p/ 300008 in 4" {
		t.Errorf("restored %s, %v", row(got), err)
	}
	if text := content(t, f, "p/sub/b.txt"); text != "three" {
		t.Errorf("holds %q", text)
	}
	_, err = f.Restore(t.Context(), "p/a.txt", "")
	wantKind(t, "what was not removed", err, moot.Invalid)
	_, err = f.Restore(t.Context(), "x", "")
	wantKind(t, "what never was", err, moot.NotFound)

	upload(t, f, "p/a.txt", "another")
	history, err := f.History(t.Context(), "p/a.txt")
	must(t, err)
	first := history[len(history)-1]
	if _, err = f.Restore(t.Context(), "p/a.txt", first.Version.String()[:8]); err != nil || content(t, f, "p/a.txt") != "one" {
		t.Errorf("an old version: %v", err)
	}
	if got, err := f.Lookup(t.Context(), first.Version.String()[:8]); err != nil || got.Blob != first.Blob {
		t.Errorf("by its version: %+v, %v", got, err)
	}
	must(t, f.Remove(t.Context(), "p/a.txt", files.RemoveOptions{}))
	if history, err := f.History(t.Context(), "p/a.txt"); err != nil || !history[0].Deleted || history[0].Folder {
		t.Errorf("history %+v, %v", history, err)
	}
	if _, err = f.Restore(t.Context(), "p/a.txt", ""); err != nil || content(t, f, "p/a.txt") != "one" {
		t.Errorf("a file: %v", err)
	}
}

// TestShareAgain: only what differs is stated, and what others put there stays.
func TestShareAgain(t *testing.T) {
	f, w, _ := moving(t)
	dir := project(t)
	_, err := f.Share(t.Context(), dir, files.ShareOptions{As: "p"})
	must(t, err)
	upload(t, f, "p/theirs", "theirs")
	before, err := f.List(t.Context(), "")
	must(t, err)
	w.calls = nil
	_, err = f.Share(t.Context(), dir, files.ShareOptions{As: "p"})
	if err != nil || len(w.calls) != 0 {
		t.Errorf("nothing differs, and it stated %v, %v", w.calls, err)
	}
	write(t, dir+"/a.txt", "two")
	must(t, os.Chmod(dir+"/sub/b.txt", 0o755))
	must(t, os.Chmod(dir+"/sub", 0o700))
	_, err = f.Share(t.Context(), dir, files.ShareOptions{As: "p"})
	must(t, err)
	after, err := f.List(t.Context(), "")
	must(t, err)
	changed := 0
	for i := range after {
		if after[i].Name != before[i].Name {
			t.Fatalf("%s became %s", before[i].Name, after[i].Name)
		}
		if after[i].Version != before[i].Version {
			changed++
		}
	}
	sub, err := f.Lookup(t.Context(), "p/sub")
	if err != nil || changed != 2 || sub.Mode != 0o700 {
		t.Errorf("%d files have new versions, %v, %v", changed, sub.Mode, err)
	}
}

// TestLeftOut: what cannot be shared is named, and the rest is.
func TestLeftOut(t *testing.T) {
	f, dir := newFiles(newStore(t), 1), t.TempDir()
	write(t, dir+"/in/good", "good")
	write(t, dir+"/in/bad\xff/file", "bad")
	write(t, dir+"/in/.moot-0123/file", "half")
	socket, err := net.Listen("unix", dir+"/in/socket")
	must(t, err)
	defer socket.Close()
	deep := dir + "/in" + strings.Repeat("/d", 100)
	must(t, os.MkdirAll(deep, 0o700))
	got, err := f.Share(t.Context(), dir+"/in", files.ShareOptions{})
	must(t, err)
	var skipped []string
	for _, s := range got.Skipped {
		skipped = append(skipped, s.Path)
	}
	if want := []string{".moot-0123", "bad\xff", strings.TrimPrefix(deep, dir+"/in/"), "socket"}; !slices.Equal(skipped, want) {
		t.Errorf("left out %q, want %q", got.Skipped, want)
	}
	if text := content(t, f, "in/good"); text != "good" {
		t.Errorf("holds %q", text)
	}
}

// TestInterruptedGet: the next get removes what one left behind that was killed, but
// not what one is still writing.
func TestInterruptedGet(t *testing.T) {
	f, out := newFiles(newStore(t), 1), t.TempDir()
	_, err := f.Share(t.Context(), project(t), files.ShareOptions{})
	must(t, err)
	held, err := files.Stage(out + "/project")
	must(t, err)
	write(t, held.Dir()+"/content/half", "half")
	got, err := f.Get(t.Context(), "project", out+"/project", nil)
	must(t, err)
	if _, err := os.Stat(held.Dir() + "/content/half"); err != nil {
		t.Errorf("what is still written was removed: %v", err)
	}
	must(t, os.RemoveAll(got.Path))
	must(t, held.Kill())
	_, err = f.Get(t.Context(), "project", out+"/project", nil)
	must(t, err)
	if left, err := os.ReadDir(out); err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestTimes: a time that a file system cannot hold is clamped, and named.
func TestTimes(t *testing.T) {
	f, dir := newFiles(newStore(t), 1), t.TempDir()
	for _, year := range []int{1980, 2026, 2500, 1500} {
		at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		_, err := f.Write(t.Context(), "t/f", strings.NewReader("x"), files.WriteOptions{ModTime: at})
		must(t, err)
		got, err := f.Get(t.Context(), "t", filepath.Join(dir, fmt.Sprint(year)), nil)
		must(t, err)
		info, err := os.Stat(got.Path + "/f")
		must(t, err)
		exact := info.ModTime().Equal(at)
		if exact == (len(got.Skipped) > 0) || !exact && year < 2100 && year > 1970 {
			t.Errorf("%d became %v; named %v", year, info.ModTime(), got.Skipped)
		}
	}
}

// TestFreeze: equal folders become equal blobs, whatever their times, and hold the files.
func TestFreeze(t *testing.T) {
	f := newFiles(newStore(t), 1)
	for _, as := range []string{"p", "q"} {
		_, err := f.Share(t.Context(), project(t), files.ShareOptions{As: as})
		must(t, err)
	}
	p, err := f.Freeze(t.Context(), "p")
	must(t, err)
	q, err := f.Freeze(t.Context(), "q")
	if err != nil || p.Blob != q.Blob || !p.Frozen || p.Content != 300_008 {
		t.Errorf("%+v and %+v, %v", p, q, err)
	}
	var paths []string
	for in, err := range f.Inputs(t.Context(), p.Blob.ID) {
		must(t, err)
		paths = append(paths, in.Path)
	}
	if !slices.Equal(paths, []string{"a.txt", "sub/b.txt", "sub/deep/c.bin"}) {
		t.Errorf("inputs %q", paths)
	}
	sub, err := f.Freeze(t.Context(), "p/sub")
	if err != nil || sub.Content != 300_005 {
		t.Errorf("%+v, %v", sub, err)
	}
	if file, err := f.Freeze(t.Context(), "p/a.txt"); err != nil || file.Folder || file.Content != 3 {
		t.Errorf("a file: %+v, %v", file, err)
	}
}

// TestOneWins: of several who make one name at once one does, and none of a name that stays.
func TestOneWins(t *testing.T) {
	s := newStore(t)
	node := linear(s)
	results := make(chan error)
	const n = 8
	for i := range n {
		p := newSigner(s, byte(i+1))
		p.node = node
		fs := files.New(s, p, files.Options{})
		go func() {
			_, err := fs.Write(context.WithoutCancel(t.Context()), "name", strings.NewReader(fmt.Sprint(i)), files.WriteOptions{})
			results <- err
		}()
	}
	for range n {
		if err := <-results; err != nil && moot.KindOf(err) != moot.Conflict {
			t.Error(err)
		}
	}
	if list, err := newFiles(s, 1).Conflicts(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("conflicts %v, %v", rows(list), err)
	}
}
