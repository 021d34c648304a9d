package wire

import (
	"bytes"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

// A panic is a bare 500 for the caller and a stack for the log; one that comes
// too late for that breaks the response.
func TestPanics(t *testing.T) {
	var log bytes.Buffer
	n := broken{
		put:   func(io.Reader) (moot.Blob, error) { panic("a secret") },
		get:   func(moot.BlobID, moot.Range) (io.ReadCloser, error) { return io.NopCloser(&late{}), nil },
		watch: nil,
	}
	h := Handler(n, guard{}, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	s := serve(t, h, false)
	status, text := fetchText(t, s.Client(), s.URL, "POST", "/v2/blobs", "x")
	if status != 500 || strings.Contains(text, "secret") || strings.Contains(text, "goroutine") {
		t.Fatal(status, text)
	}
	if !strings.Contains(log.String(), "a secret") || !strings.Contains(log.String(), "handler_test.go") {
		t.Fatal(log.String())
	}
	slice, err := NewClient(s.Client().Transport, s.URL).Get(t.Context(), moot.BlobID{}, moot.Whole)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, slice); moot.KindOf(err) != moot.Unavailable {
		t.Fatal(err)
	}
}

// late panics after a megabyte.
type late struct{ n int }

func (l *late) Read(p []byte) (int, error) {
	if l.n += len(p); l.n > 1<<20 {
		panic("too late")
	}
	return len(p), nil
}

func TestMethodsAndUnknownPaths(t *testing.T) {
	jobs := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.PathValue("id")) })
	s := serve(t, Handler(newMemory(), guard{}, Options{Jobs: jobs}), true)
	for request, want := range map[string]int{
		"GET /v2/jobs/1":    200,
		"POST /v2/jobs/1":   405,
		"DELETE /v2/blobs":  405,
		"PUT /v2/vector":    405,
		"GET /v2/nothing":   404,
		"GET /":             404,
		"GET /v2//vector":   404,
		"GET /v2/./vector":  404,
		"POST /v2/vector/x": 404,
		"HEAD /v2/vector":   200,
	} {
		method, path, _ := strings.Cut(request, " ")
		status, text := fetchText(t, s.Client(), s.URL, method, path, "")
		if status != want || want > 400 && !strings.Contains(text, typeProblem) {
			t.Errorf("%s: %d %s", request, status, text)
		}
		if status == 405 && !strings.Contains(text, "Allow: ") {
			t.Errorf("%s: %s", request, text)
		}
	}
}

// Jobs are shown to callers who may read.
func TestJobsAreGuarded(t *testing.T) {
	g := guard{allow: func(moot.Key, string, string) error { return moot.Errorf(moot.Revoked, "no longer a member") }}
	jobs := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("served") })
	s := serve(t, Handler(newMemory(), g, Options{Jobs: jobs}), true)
	if status, text := fetchText(t, s.Client(), s.URL, "GET", "/v2/jobs/1", ""); status != 403 || !strings.Contains(text, "revoked") {
		t.Fatal(status, text)
	}
}

// The guard checks every action with its subject.
func TestGuardIsAsked(t *testing.T) {
	type check struct {
		caller          moot.Key
		action, subject string
	}
	var checks []check
	g := guard{
		allow: func(caller moot.Key, action, subject string) error {
			checks = append(checks, check{caller, action, subject})
			return nil
		},
		accept: func(_ moot.Key, e moot.Entry) error {
			return moot.Errorf(moot.Denied, "not %s", e.Key)
		},
	}
	m := newMemory()
	caller := moot.Key{9}
	c := dial(t, as(caller, Handler(m, g, Options{})))
	b, err := c.Put(t.Context(), strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Have(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	err = c.Append(t.Context(), moot.Merge, newAuthor(1).sign("some key", "x"))
	if moot.KindOf(err) != moot.Denied || len(m.entries) != 0 {
		t.Fatal(err)
	}
	for _, want := range []check{{caller, "upload", ""}, {caller, "read", b.ID.String()}, {caller, "write", "some key"}} {
		if !slices.Contains(checks, want) {
			t.Errorf("not checked: %v", want)
		}
	}
}

func TestBoundedRequests(t *testing.T) {
	s := serve(t, Handler(newMemory(), guard{}, Options{}), false)
	a := newAuthor(1)
	small := string(feed.Encode(a.sign("k", "")))
	large := string(feed.Encode(a.sign("k", string(pattern(moot.MaxBody)))))
	for name, c := range map[string]struct {
		path, body string
		want       int
	}{
		"query":            {pathQuery, `{"key":"` + strings.Repeat("x", maxQuery) + `"}`, 413},
		"vector":           {pathWatch, `{"since":` + strings.Repeat(" ", maxQuery) + `{}}`, 413},
		"many entries":     {pathEntries, strings.Repeat(small, maxEntries+1), 413},
		"large entries":    {pathEntries, strings.Repeat(large, maxBatch/len(large)+1), 413},
		"enough entries":   {pathEntries, strings.Repeat(small, maxEntries), 204},
		"no entries":       {pathEntries, "", 204},
		"endless item":     {pathEntries, "\x5a\x7f\xff\xff\xff" + strings.Repeat("x", 1<<20), 413},
		"cut entry":        {pathEntries, small[:len(small)-1], 400},
		"no entry":         {pathEntries, "\x80", 400},
		"unknown field":    {pathQuery, `{"color":"red"}`, 400},
		"negative limit":   {pathQuery, `{"limit":-1}`, 400},
		"two queries":      {pathQuery, `{}{}`, 400},
		"no query":         {pathQuery, ``, 400},
		"author's no key":  {pathQuery, `{"author":"me"}`, 400},
		"everything":       {pathQuery, `{}`, 200},
		"watch of nothing": {pathWatch, `[]`, 400},
	} {
		if status, text := fetchText(t, s.Client(), s.URL, "POST", c.path, c.body); status != c.want {
			t.Errorf("%s: %d, want %d: %.300s", name, status, c.want, text)
		}
	}
}

// seq yields n entries and then err.
func seq(n int, err error) iter.Seq2[moot.Entry, error] {
	a := newAuthor(2)
	return func(yield func(moot.Entry, error) bool) {
		for range n {
			if !yield(a.sign("key", string(pattern(1000))), nil) {
				return
			}
		}
		if err != nil {
			yield(moot.Entry{}, err)
		}
	}
}

// A query that fails ends with an error, at once or after the entries before it.
func TestQueryFails(t *testing.T) {
	for _, n := range []int{0, 3, 500} {
		h := Handler(broken{query: seq(n, moot.Errorf(moot.Corrupt, "the index is damaged"))}, guard{}, Options{})
		overBoth(t, h, func(t *testing.T, c *Client) {
			got := 0
			var last error
			for _, err := range c.Query(t.Context(), moot.Query{}) {
				if last = err; err == nil {
					got++
				}
			}
			if moot.KindOf(last) != moot.Corrupt || !strings.Contains(last.Error(), "damaged") || n == 500 && got != n {
				t.Errorf("%d of %d, then %v", got, n, last)
			}
		})
	}
}

func TestQueryBreak(t *testing.T) {
	c := dial(t, Handler(broken{query: seq(100_000, nil)}, guard{}, Options{}))
	for _, err := range c.Query(t.Context(), moot.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	for _, err := range c.Query(t.Context(), moot.Query{Key: "\xff"}) {
		if moot.KindOf(err) != moot.Invalid {
			t.Fatal(err)
		}
	}
}

func TestQueryAsLines(t *testing.T) {
	s := serve(t, Handler(broken{query: seq(300, moot.Errorf(moot.Full, "enough"))}, guard{}, Options{}), true)
	req, _ := http.NewRequest("POST", s.URL+pathQuery, strings.NewReader("{}"))
	req.Header.Set("Accept", "application/json")
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if err != nil || len(lines) != 301 || resp.Header.Get("Content-Type") != typeLines {
		t.Fatal(len(lines), err, resp.Header)
	}
	if !strings.Contains(lines[0], `"key":"key"`) || !strings.Contains(lines[300], `"kind":"full"`) {
		t.Fatal(lines[0], lines[300])
	}
}
