package files_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

// signer signs as one member, straight into a store.
type signer struct {
	author *feed.Author
	clock  *feed.Clock
	node   moot.Feeds
}

// observe makes what is signed next later than all that is stored, as a node does.
func (p *signer) observe(ctx context.Context) error {
	for e, err := range p.node.Query(ctx, moot.Query{History: true}) {
		if err == nil {
			err = p.clock.Observe(e.Time)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *signer) Append(ctx context.Context, mode moot.Mode, statements ...sign.Statement) (entries []moot.Entry, err error) {
	if err := p.observe(ctx); err != nil {
		return nil, err
	}
	for _, s := range statements {
		e := p.author.Next(s.Kind, s.Key, s.Replaces, s.Body)
		if err := p.node.Append(ctx, mode, e); err != nil {
			return entries, err
		}
		p.author.Commit(e)
		entries = append(entries, e)
	}
	return entries, nil
}

func newStore(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// newFiles returns the files of one more member on the store.
func newFiles(s *store.Store, n byte) *files.Files {
	p, index := newSigner(s, n), files.NewIndex(s, files.IndexConfig{})
	p.node = files.Linear(s, index)
	return files.New(s, p, files.Options{Index: index, Linker: s})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t testing.TB, what string, err error, kind moot.ErrorKind) {
	t.Helper()
	if moot.KindOf(err) != kind {
		t.Errorf("%s: %v (%q), want kind %q", what, err, moot.KindOf(err), kind)
	}
}

func write(t testing.TB, path, content string) string {
	t.Helper()
	must(t, errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o640)))
	return path
}

func TestShareAndGet(t *testing.T) {
	f, dir := newFiles(newStore(t), 1), t.TempDir()
	path := write(t, dir+"/report.txt", "hello")
	old := time.Unix(1_500_000_000, 0)
	must(t, os.Chtimes(path, old, old))
	var done, total int64
	shared, err := f.Share(t.Context(), path, files.ShareOptions{Progress: func(d, all int64) { done, total = d, all }})
	must(t, err)
	if shared.Name != "report.txt" || shared.Size() != 5 || done != 5 || total != 5 {
		t.Errorf("shared %+v, progress %d of %d", shared, done, total)
	}
	got, err := f.Get(t.Context(), "report.txt", dir+"/copy", nil)
	must(t, err)
	info, err := os.Stat(got.Path)
	must(t, err)
	if info.Mode().Perm() != 0o640 || !info.ModTime().Equal(old) {
		t.Errorf("mode %v, time %v", info.Mode(), info.ModTime())
	}
	must(t, os.Mkdir(dir+"/into", 0o700))
	if got, err := f.Get(t.Context(), shared.Blob.ID.String(), dir+"/into", nil); err != nil || got.Path != dir+"/into/report.txt" {
		t.Errorf("by ID, into a directory: %v, %v", got.Path, err)
	}
	again, err := f.Share(t.Context(), path, files.ShareOptions{})
	if err != nil || again.Version != shared.Version {
		t.Errorf("sharing the same again makes another version: %v", err)
	}
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) != 3 {
		t.Errorf("temporary files were left: %v", left)
	}
}

func TestBadInput(t *testing.T) {
	f, dir := newFiles(newStore(t), 1), t.TempDir()
	ctx := t.Context()
	path := write(t, dir+"/x", "x")
	_, err := f.Share(ctx, dir+"/missing", files.ShareOptions{})
	wantKind(t, "a missing file", err, moot.NotFound)
	for _, name := range []string{"../x", "/x", "a//b", "a/../b", ".", "x\x00", "\xff", strings.Repeat("n", 256), strings.Repeat("n/", 100) + "n"} {
		_, err := f.Share(ctx, path, files.ShareOptions{As: name})
		wantKind(t, fmt.Sprintf("the name %.20q", name), err, moot.Invalid)
	}
	_, err = f.Get(ctx, "missing", "", nil)
	wantKind(t, "a missing name", err, moot.NotFound)
	_, err = f.Get(ctx, strings.Repeat("0", 64), dir+"/y", nil)
	wantKind(t, "an unknown ID", err, moot.NotFound)
	_, err = f.Share(ctx, path, files.ShareOptions{})
	must(t, err)
	_, err = f.Get(ctx, "x", dir+"/no/such/dir", nil)
	wantKind(t, "no directory", err, moot.NotFound)
	_, err = f.Resolve(ctx, "x", "")
	wantKind(t, "no conflict", err, moot.Invalid)
	_, err = f.History(ctx, "missing")
	wantKind(t, "no history", err, moot.NotFound)
	must(t, os.Mkdir(dir+"/pipe", 0o700))
	_, err = files.New(newStore(t), nil, files.Options{}).Share(ctx, path, files.ShareOptions{InPlace: true})
	wantKind(t, "in place without a linker", err, moot.Invalid)
}

// TestNonsenseEntries: whatever members write, lists do not fail.
func TestNonsenseEntries(t *testing.T) {
	s := newStore(t)
	f := newFiles(s, 1)
	p := newSigner(s, 9)
	for name, body := range map[string]string{"a": "nonsense", "../b": "x", "c": "\xa0", "d": "\xa1\x00\x41x"} {
		_, err := p.Append(t.Context(), moot.Merge, sign.Statement{Kind: moot.KindFile, Key: name, Body: []byte(body)})
		must(t, err)
	}
	list, err := f.List(t.Context(), "")
	if err != nil || len(list) != 0 {
		t.Errorf("listed %v, %v", list, err)
	}
}

func TestInPlace(t *testing.T) {
	s := newStore(t)
	f, dir := newFiles(s, 1), t.TempDir()
	path := write(t, dir+"/big", strings.Repeat("0123456789", 10_000))
	shared, err := f.Share(t.Context(), path, files.ShareOptions{InPlace: true})
	must(t, err)
	_, err = f.Get(t.Context(), "big", dir+"/copy", nil)
	must(t, err)
	write(t, path, strings.Repeat("9123456789", 10_000))
	if _, err := f.Get(t.Context(), "big", dir+"/copy2", nil); err == nil {
		t.Error("a changed file was served under its old ID")
	}
	if _, err := os.Stat(dir + "/copy2"); err == nil {
		t.Error("wrong bytes reached their final name")
	}
	if _, err := s.Have(t.Context(), shared.Blob.ID); moot.KindOf(err) != moot.NotFound {
		t.Errorf("still offered: %v", err)
	}
}

func TestConflictsAreListedAndResolved(t *testing.T) {
	s := newStore(t)
	ann, bob, dir := newFiles(s, 1), newFiles(s, 2), t.TempDir()
	_, err := ann.Share(t.Context(), write(t, dir+"/a", "ann"), files.ShareOptions{As: "plan"})
	must(t, err)
	blind := newSigner(s, 3)
	plan, err := bob.List(t.Context(), "plan")
	must(t, err)
	_, err = blind.Append(t.Context(), moot.Merge, sign.Statement{Kind: moot.KindFile, Key: "plan", Body: files.OldBody(t, files.File{Blob: moot.Blob{ID: moot.BlobID{1}}})})
	must(t, err)
	versions, err := ann.Conflicts(t.Context())
	if err != nil || len(versions) != 2 || !versions[0].Conflict {
		t.Fatalf("conflicts: %v, %v", versions, err)
	}
	_, err = ann.Resolve(t.Context(), "plan", "zz")
	wantKind(t, "no such version", err, moot.Invalid)
	f, err := ann.Resolve(t.Context(), "plan", plan[0].Version.String()[:12])
	if err != nil || f.Blob != plan[0].Blob {
		t.Errorf("resolved to %v, %v", f, err)
	}
	if versions, _ := ann.Conflicts(t.Context()); len(versions) != 0 {
		t.Errorf("still in conflict: %v", versions)
	}
}

// TestFoldersComeBack: whatever a folder holds, its copy holds the same.
func TestFoldersComeBack(t *testing.T) {
	f, base := newFiles(newStore(t), 1), t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		dir := filepath.Join(base, fmt.Sprint("in", n))
		must(t, os.MkdirAll(dir, 0o755))
		for range rapid.IntRange(0, 12).Draw(rt, "files") {
			name := rapid.StringMatching(`([a-c]{1,2}/){0,3}[a-zé🎉 .]{1,8}x`).Draw(rt, "name")
			size := rapid.SampledFrom([]int{0, 1, 1000, 300_000}).Draw(rt, "size")
			path := filepath.Join(dir, filepath.FromSlash(name))
			if os.MkdirAll(filepath.Dir(path), 0o755) != nil {
				continue // a file is there already
			}
			os.WriteFile(path, bytes.Repeat([]byte{byte(size)}, size), 0o600)
		}
		os.MkdirAll(filepath.Join(dir, "empty folder"), 0o700)
		os.Symlink("empty folder", filepath.Join(dir, "link"))
		os.Symlink("../../outside", filepath.Join(dir, "escaping"))
		name := fmt.Sprint("folder", n)
		_, err := f.Share(t.Context(), dir, files.ShareOptions{As: name})
		must(t, err)
		got, err := f.Get(t.Context(), name, filepath.Join(base, fmt.Sprint("out", n)), nil)
		must(t, err)
		if want, got := tree(t, dir), tree(t, got.Path); want != got {
			rt.Fatalf("want\n%s\ngot\n%s", want, got)
		}
	})
}

// tree describes all that is in a folder.
func tree(t testing.TB, dir string) string {
	var b strings.Builder
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		info, err := d.Info()
		content := ""
		switch {
		case d.Type().IsRegular():
			c, readErr := os.ReadFile(path)
			content, err = fmt.Sprintf("%d %x", len(c), c[:min(len(c), 8)]), errors.Join(err, readErr)
		case d.Type()&fs.ModeSymlink != 0:
			content, err = os.Readlink(path)
		}
		if rel != "." && d.Type()&fs.ModeSymlink == 0 {
			fmt.Fprintln(&b, rel, info.Mode(), info.ModTime().UnixNano(), content)
		} else if rel != "." {
			fmt.Fprintln(&b, rel, content)
		}
		return err
	}))
	return b.String()
}

func TestManySmallFiles(t *testing.T) {
	s := newStore(t)
	f, dir := newFiles(s, 1), t.TempDir()
	const n = 5000
	for i := range n {
		write(t, fmt.Sprintf("%s/in/d%02d/f%04d", dir, i/100, i), fmt.Sprint("content ", i))
	}
	_, err := f.Share(t.Context(), dir+"/in", files.ShareOptions{})
	must(t, err)
	entries := 0
	for _, err := range s.Query(t.Context(), moot.Query{History: true}) {
		must(t, err)
		entries++
	}
	if entries > 12 {
		t.Errorf("%d small files cost %d entries", n, entries)
	}
	_, err = f.Get(t.Context(), "in", dir+"/out", nil)
	must(t, err)
	if tree(t, dir+"/in") != tree(t, dir+"/out") {
		t.Error("the copy differs")
	}
}

func TestWhereFoldersGo(t *testing.T) {
	f, dir := newFiles(newStore(t), 1), t.TempDir()
	write(t, dir+"/in/a", "a")
	must(t, os.Chtimes(dir+"/in", time.Time{}, time.Unix(1_500_000_000, 0)))
	_, err := f.Share(t.Context(), dir+"/in", files.ShareOptions{})
	must(t, err)
	must(t, os.Mkdir(dir+"/out", 0o700))
	got, err := f.Get(t.Context(), "in", dir+"/out", nil) // an existing directory: inside it
	if err != nil || got.Path != filepath.Join(dir, "out", "in") {
		t.Fatalf("%v, %v", got.Path, err)
	}
	if info, err := os.Stat(got.Path); err != nil || info.ModTime().Unix() != 1_500_000_000 {
		t.Errorf("the folder's time is lost: %v, %v", info.ModTime(), err)
	}
	write(t, dir+"/in/b", "b")
	_, err = f.Get(t.Context(), "in", dir, nil)
	wantKind(t, "a folder in the way", err, moot.Conflict)
}

// TestGetAgain: the same get twice has the same result.
func TestGetAgain(t *testing.T) {
	f, out := newFiles(newStore(t), 1), t.TempDir()
	_, err := f.Share(t.Context(), project(t), files.ShareOptions{As: "p"})
	must(t, err)
	frozen(t, f, project(t), "q")
	for _, name := range []string{"p", "q"} {
		dest := filepath.Join(out, "of "+name)
		first := ""
		for range 3 {
			got, err := f.Get(t.Context(), name, dest, nil)
			if err != nil || got.Path != dest {
				t.Errorf("%s: %q, %v", name, got.Path, err)
			}
			_, err = f.GetAll(t.Context(), []string{name, "p/a.txt"}, filepath.Join(out, "all "+name), nil)
			must(t, err)
			if now := tree(t, dest) + tree(t, filepath.Join(out, "all "+name, name)); first == "" {
				first = now
			} else if now != first {
				t.Errorf("%s: first\n%s\nand then\n%s", name, first, now)
			}
			if left, err := filepath.Glob(out + "/.moot-*"); err != nil || len(left) > 0 {
				t.Errorf("left %v, %v", left, err)
			}
			killed, err := files.Stage(dest)
			must(t, err)
			must(t, killed.Kill())
		}
		write(t, dest+"/a.txt", "edited here")
		_, err := f.Get(t.Context(), name, dest, nil)
		wantKind(t, "what was edited", err, moot.Conflict)
		if text, err := os.ReadFile(dest + "/a.txt"); err != nil || string(text) != "edited here" {
			t.Errorf("%q, %v", text, err)
		}
		if _, err := os.Stat(dest + "/" + name); err == nil {
			t.Error("it was written into itself")
		}
	}
}
