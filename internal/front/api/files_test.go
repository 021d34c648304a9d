package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
)

func TestFiles(t *testing.T) {
	w := newWorld(t)
	ctx, fs := t.Context(), w.session.Files
	modified := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	f, err := fs.Write(ctx, "a b/c?d#é%.txt", strings.NewReader("hello"), files.WriteOptions{Mode: 0o600, ModTime: modified})
	if err != nil || f.Name != "a b/c?d#é%.txt" || f.Content != 5 || f.Mode != 0o600 || !f.ModTime.Equal(modified) || f.By != w.self || f.Author != w.device {
		t.Fatalf("%+v, %v", f, err)
	}
	for what, find := range map[string]func() ([]files.File, error){
		"list":    func() ([]files.File, error) { return fs.List(ctx, "a b/") },
		"find":    func() ([]files.File, error) { return fs.Find(ctx, "c") },
		"history": func() ([]files.File, error) { return fs.History(ctx, f.Name) },
	} {
		if list, err := find(); err != nil || len(list) != 1 || list[0] != f {
			t.Errorf("%s: %+v, %v", what, list, err)
		}
	}
	for _, name := range []string{f.Name, f.Blob.ID.String()} {
		if got, err := fs.Lookup(ctx, name); err != nil || got.Blob != f.Blob {
			t.Errorf("%+v, %v", got, err)
		}
	}
	_, err = fs.Move(ctx, f.Name, "../y", files.MoveOptions{})
	wantKind(t, "move to what is no name", err, moot.Invalid)
	moved, err := fs.Move(ctx, f.Name, "x/y", files.MoveOptions{})
	if err != nil || moved.Name != "x/y" {
		t.Errorf("%+v, %v", moved, err)
	}
	must(t, fs.Remove(ctx, "x/y", files.RemoveOptions{}))
	wantKind(t, "remove twice", fs.Remove(ctx, "x/y", files.RemoveOptions{}), moot.NotFound)
	_, err = fs.Lookup(ctx, "x/y")
	wantKind(t, "look up what was removed", err, moot.NotFound)
	for _, name := range []string{"..", ".", "/", "a//b", "a/../b"} {
		_, err = fs.Write(ctx, name, strings.NewReader("x"), files.WriteOptions{})
		wantKind(t, "write "+name, err, moot.Invalid)
	}
	if list, err := fs.List(ctx, ""); err != nil || list == nil || len(list) != 0 {
		t.Errorf("%#v, %v; want an empty list", list, err)
	}
	if list, err := fs.Conflicts(ctx); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	_, err = fs.Resolve(ctx, "y", "")
	wantKind(t, "resolve nothing", err, moot.NotFound)
}

func TestOpen(t *testing.T) {
	w := newWorld(t)
	fs := w.session.Files
	text := strings.Repeat("0123456789", 2000)
	f := w.put("dir/numbers", text)
	for _, r := range []moot.Range{moot.Whole, {Offset: 0, Length: 5}, {Offset: 7, Length: -1}, {Offset: 9999, Length: 10_000}, {Offset: 19_999, Length: 50},
		{Offset: 20_000, Length: -1}, {Offset: 50_000, Length: 5}, {Offset: 3, Length: 0}} {
		rc, b, err := fs.Open(t.Context(), "dir/numbers", r)
		must(t, err)
		got, err := io.ReadAll(rc)
		rc.Close()
		in := r.In(int64(len(text)))
		if err != nil || b != f.Blob || string(got) != text[in.Offset:in.End()] {
			t.Errorf("%v: %d bytes of %+v, %v", r, len(got), b, err)
		}
	}
	empty := w.put("empty", "")
	for _, r := range []moot.Range{moot.Whole, {Offset: 0, Length: 5}, {Offset: 7, Length: -1}} {
		rc, b, err := fs.Open(t.Context(), "empty", r)
		must(t, err)
		if got, err := io.ReadAll(rc); err != nil || b != empty.Blob || len(got) > 0 {
			t.Errorf("%v: %q of %+v, %v", r, got, b, err)
		}
	}
	_, _, err := fs.Open(t.Context(), "nosuch", moot.Whole)
	wantKind(t, "open nothing", err, moot.NotFound)
}

// TestRanges asks for a file as curl and browsers do.
func TestRanges(t *testing.T) {
	w := newWorld(t)
	f := w.put("page.html", "<script>alert(1)</script>")
	etag := `"` + f.Blob.ID.String() + `"`
	token := w.token("t", true)
	for _, c := range []struct {
		method  string
		header  []string
		status  int
		text    string
		content string // Content-Range
	}{
		{"GET", nil, 200, "<script>alert(1)</script>", ""},
		{"HEAD", nil, 200, "", ""},
		{"GET", []string{"Range", "bytes=1-6"}, 206, "script", "bytes 1-6/25"},
		{"GET", []string{"Range", "bytes=16-"}, 206, "</script>", "bytes 16-24/25"},
		{"GET", []string{"Range", "bytes=-9"}, 206, "</script>", "bytes 16-24/25"},
		{"GET", []string{"Range", "bytes=20-99"}, 206, "ript>", "bytes 20-24/25"},
		{"GET", []string{"If-None-Match", etag}, 304, "", ""},
		{"GET", []string{"Range", "bytes=1-6", "If-Range", etag}, 206, "script", "bytes 1-6/25"},
		{"GET", []string{"Range", "bytes=1-6", "If-Range", `"other"`}, 200, "<script>alert(1)</script>", ""},
	} {
		resp, text := w.ask(w.web, token, c.method, "/api/files/page.html", "", c.header...)
		if resp.StatusCode != c.status || text != c.text || resp.Header.Get("Content-Range") != c.content || resp.Header.Get("ETag") != etag {
			t.Errorf("%s %q: %d %q %v", c.method, c.header, resp.StatusCode, text, resp.Header)
		}
		if h := resp.Header; h.Get("Content-Security-Policy") != "sandbox" || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("Content-Disposition") != "attachment; filename=page.html" || c.status != 304 && !strings.HasPrefix(h.Get("Content-Type"), "text/html") {
			t.Errorf("%s %q: %v", c.method, c.header, h)
		}
	}
	resp, text := w.ask(w.web, token, "GET", "/api/files/page.html", "", "Range", "bytes=25-")
	if resp.StatusCode != 416 || resp.Header.Get("Content-Range") != "bytes */25" || !strings.Contains(text, `"kind":"invalid"`) {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, text)
	}
	resp, text = w.ask(w.web, token, "GET", "/api/files/page.html", "", "Range", "bytes=0-1,5-6")
	if resp.StatusCode != 206 || !strings.Contains(text, "<s") || !strings.Contains(text, "pt") {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, text)
	}
}

// TestUploadStreams fails unless an upload that breaks off stores nothing, and a large one
// is passed on while it comes.
func TestUploadStreams(t *testing.T) {
	w := newWorld(t)
	broken := errors.New("the disk is gone")
	_, err := w.session.Files.Write(t.Context(), "half", half(strings.Repeat("x", 1<<20), broken), files.WriteOptions{})
	if !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
	_, err = w.session.Files.Lookup(t.Context(), "half")
	wantKind(t, "half an upload", err, moot.NotFound)

	pr, pw := io.Pipe()
	first := make(chan struct{})
	w.files = streaming{w.files, first}
	go func() {
		io.WriteString(pw, "first")
		<-first // the handler must read before the upload is complete
		io.WriteString(pw, " second")
		pw.Close()
	}()
	f, err := w.session.Files.Write(t.Context(), "streamed", pr, files.WriteOptions{})
	if err != nil || f.Content != int64(len("first second")) {
		t.Errorf("%+v, %v", f, err)
	}
}

// streaming tells when it has read the first bytes of what is written.
type streaming struct {
	app.Files
	first chan struct{}
}

func (s streaming) Write(ctx context.Context, name string, r io.Reader, o files.WriteOptions) (files.File, error) {
	b := make([]byte, len("first"))
	if _, err := io.ReadFull(r, b); err != nil {
		return files.File{}, err
	}
	close(s.first)
	return s.Files.Write(ctx, name, io.MultiReader(bytes.NewReader(b), r), o)
}

// lost has files whose bytes cannot be had, or only half of them.
type lost struct {
	app.Files
	half string
}

func (l lost) Open(context.Context, string, moot.Range) (io.ReadCloser, moot.Blob, error) {
	if l.half == "" {
		return nil, moot.Blob{}, moot.WithHint(moot.Errorf(moot.Unavailable, "no holder was reached"), moot.HintAskPeers)
	}
	return io.NopCloser(half(l.half, moot.Errorf(moot.Unavailable, "the holder is gone"))), moot.Blob{}, nil
}

func TestBytesLost(t *testing.T) {
	w := newWorld(t)
	w.put("big", strings.Repeat("x", 1<<20))
	w.files = lost{Files: w.files}
	_, _, err := w.session.Files.Open(t.Context(), "big", moot.Whole)
	if wantKind(t, "no holder", err, moot.Unavailable); moot.HintOf(err) != moot.HintAskPeers {
		t.Errorf("the hint is lost: %v", err)
	}
	w.files = lost{w.files, strings.Repeat("x", 1<<19)}
	rc, _, err := w.session.Files.Open(t.Context(), "big", moot.Whole)
	must(t, err)
	defer rc.Close()
	n, err := io.Copy(io.Discard, rc)
	wantKind(t, "half a file", err, moot.Unavailable)
	if n >= 1<<20 {
		t.Errorf("%d bytes", n)
	}
}

func TestLocal(t *testing.T) {
	w := newWorld(t)
	t.Chdir(t.TempDir())
	ctx, fs := t.Context(), w.session.Files
	must(t, os.WriteFile("in.txt", []byte("content"), 0o640))
	var done, total int64
	f, err := fs.Share(ctx, "in.txt", files.ShareOptions{As: "shared", Progress: func(d, n int64) { done, total = d, n }})
	if err != nil || f.Name != "shared" || f.Mode != 0o640 || done != 7 || total != 7 {
		t.Errorf("%+v, %v; progress %d of %d", f, err, done, total)
	}
	if f, err = fs.Store(ctx, "in.txt", files.ShareOptions{}); err != nil || f.Content != 7 {
		t.Errorf("%+v, %v", f, err)
	}
	_, err = fs.Share(ctx, "nosuch", files.ShareOptions{})
	wantKind(t, "share nothing", err, moot.NotFound)
	must(t, os.Mkdir("dir", 0o700))
	wd, err := os.Getwd()
	must(t, err)
	for dest, want := range map[string]string{"": "shared", "dir": "dir/shared", "dir/": "dir/shared", "dir/new": "dir/new", filepath.Join(wd, "abs"): filepath.Join(wd, "abs")} {
		done = 0
		f, err := fs.Get(ctx, "shared", dest, func(d, _ int64) { done = d })
		if err != nil || f.Path != want || done != 7 {
			t.Errorf("get to %q: %q, %v, %d bytes; want %q", dest, f.Path, err, done, want)
		}
		if b, err := os.ReadFile(want); err != nil || string(b) != "content" {
			t.Errorf("%q, %v", b, err)
		}
	}
	_, err = fs.Get(ctx, "shared", "nodir/", nil)
	wantKind(t, "get to a directory that is not", err, moot.NotFound)
	_, err = fs.Get(ctx, "nosuch", "x", nil)
	wantKind(t, "get nothing", err, moot.NotFound)
	if left, err := filepath.Glob("*/.moot-[0-9]*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// TestForeignPaths fails if the node touches a path that the program does not mean.
func TestForeignPaths(t *testing.T) {
	w := newWorld(t)
	w.put("f", "x")
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	must(t, os.WriteFile(path, []byte("x"), 0o600))
	proof, other := filepath.Join(dir, ".moot-proof"), filepath.Join(dir, "other")
	for _, at := range []string{proof, other} {
		must(t, os.WriteFile(at, []byte("theirs"), 0o600))
	}
	for what, c := range map[string]struct {
		op, body string
		status   int
	}{
		"a relative path": {"share", `{"path":"file"}`, 400},
		"another file":    {"share", `{"path":"` + path + `","seen":{"device":1,"inode":1,"size":1,"modified":"2024-01-01T00:00:00Z"}}`, 400},
		"no file":         {"store", `{"path":"` + path + `x","seen":{"device":1,"inode":1,"size":1,"modified":"2024-01-01T00:00:00Z"}}`, 400},
		"another proof":   {"get", `{"name":"f","path":"` + dir + `/new","proof":"` + proof + `","token":"mine"}`, 400},
		"no proof":        {"get", `{"name":"f","path":"` + dir + `/new","proof":"` + proof + `x","token":"mine"}`, 400},
		"without a proof": {"get", `{"name":"f","path":"` + dir + `/new"}`, 200},
		"the right proof": {"get", `{"name":"f","path":"` + dir + `/new2","proof":"` + proof + `","token":"theirs"}`, 200},
		"another name":    {"get", `{"name":"f","path":"` + dir + `/new3","proof":"` + other + `","token":"theirs"}`, 200},
	} {
		resp, text := w.ask(w.local, "", http.MethodPost, "/api/local/"+c.op, c.body, "Content-Type", "application/json")
		if resp.StatusCode != c.status {
			t.Errorf("%s: %d %s", what, resp.StatusCode, text)
		}
	}
	if _, err := os.Stat(proof); err == nil {
		t.Error("the proof is still there: of a program that was killed it would stay")
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("a file of another name was removed")
	}
}
