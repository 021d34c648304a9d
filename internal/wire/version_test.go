package wire

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

func TestPathVersion(t *testing.T) {
	for path, want := range map[string]int{
		pathBlobs: version, pathOpenAPI: version, "/v1": 1, "/v1/": 1, "/v1/../v2/vector": 1, "/v65535/x": 65535,
		"": 0, "/": 0, "/v": 0, "/v/x": 0, "/v-1/x": 0, "/v+1/x": 0, "/v1x/y": 0, "/v65536/x": 0, "/api": 0, "//v1/vector": 0, "v1/x": 0,
	} {
		if got := pathVersion(path); got != want {
			t.Errorf("%q is of version %d, want %d", path, got, want)
		}
	}
}

// A member with an older program learns why it is refused, in a form that it can read.
func TestOldCaller(t *testing.T) {
	m := newMemory()
	s := serve(t, as(moot.Key{1}, Handler(m, membersOnly(moot.Key{1}), Options{})), false)
	for _, request := range []string{"GET /v1/vector", "POST /v1/entries", "POST /v1/query", "POST /v1/blobs", "GET /v1/nothing", "GET /v1/../v2/vector"} {
		method, path, _ := strings.Cut(request, " ")
		err := problemOf(t, s.Client(), method, s.URL+path)
		if moot.KindOf(err) != moot.Invalid || moot.HintOf(err) != moot.HintUpdate || !strings.Contains(err.Error(), "newer version of moot: update this program") {
			t.Errorf("%s: %v (%v)", request, err, moot.KindOf(err))
		}
	}
	if len(m.blobs)+len(m.entries) != 0 {
		t.Error("something of it was stored")
	}
	err := problemOf(t, s.Client(), "GET", s.URL+"/v3/vector")
	if moot.KindOf(err) != moot.Unavailable || moot.HintOf(err) != moot.HintUpdateNode {
		t.Errorf("a newer program is told %v", err)
	}
}

// A newcomer with an older program is told when it submits its join; otherwise it is a
// stranger, who learns nothing.
func TestOldNewcomer(t *testing.T) {
	h := Handler(newMemory(), membersOnly(moot.Key{1}), Options{})
	s := serve(t, as(moot.Key{2}, h), false)
	if err := problemOf(t, s.Client(), "POST", s.URL+"/v1/entries"); moot.HintOf(err) != moot.HintUpdate {
		t.Error(err)
	}
	if err := problemOf(t, s.Client(), "GET", s.URL+"/v1/vector"); moot.KindOf(err) != moot.Stranger {
		t.Error(err)
	}
}

// TestOldStranger: strangers and revoked members get what they get on every path.
func TestOldStranger(t *testing.T) {
	for _, kind := range []moot.ErrorKind{moot.Stranger, moot.Revoked} {
		g := guard{allow: func(moot.Key, string, string) error { return kind }}
		s := serve(t, Handler(newMemory(), g, Options{Version: "9"}), false)
		for _, request := range []string{"GET vector", "POST entries", "POST query", "GET blobs/x"} {
			method, path, _ := strings.Cut(request, " ")
			if err := problemOf(t, s.Client(), method, s.URL+"/v1/"+path); moot.KindOf(err) != kind {
				t.Errorf("%s: %v", request, err)
			}
		}
		if kind != moot.Stranger {
			continue
		}
		status, want := fetchText(t, s.Client(), s.URL, "GET", "/", "")
		for _, path := range []string{"/v1/entries", "/v1/vector", "/v3/entries"} {
			if other, got := fetchText(t, s.Client(), s.URL, "POST", path, "x"); other != status || got != want {
				t.Errorf("%s: %d %s", path, other, got)
			}
		}
	}
}

func problemOf(t *testing.T, client *http.Client, method, url string) error {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return ReadProblem(resp)
}

// oldNode responds to every path of a later version as version 0.1.0 does.
func oldNode(asked *int) *Client {
	return NewClient(roundTripper(func(r *http.Request) (*http.Response, error) {
		*asked++
		text := `{"title":"Not Found","status":404,"kind":"not-found","detail":"there is nothing at \"` + r.URL.Path + `\""}`
		return &http.Response{StatusCode: http.StatusNotFound, Body: io.NopCloser(strings.NewReader(text)), Request: r,
			Header: http.Header{"Content-Type": {typeProblem}, "Server": {"moot/0.1.0"}}}, nil
	}), "https://node.example")
}

// requests are all those of a client.
func requests(ctx context.Context) map[string]func(*Client) error {
	return map[string]func(*Client) error{
		"vector": func(c *Client) error { _, err := c.Vector(ctx); return err },
		"have":   func(c *Client) error { _, err := c.Have(ctx, moot.BlobID{}); return err },
		"get":    func(c *Client) error { _, err := c.Get(ctx, moot.BlobID{}, moot.Whole); return err },
		"put":    func(c *Client) error { _, err := c.Put(ctx, strings.NewReader("x")); return err },
		"append": func(c *Client) error { return c.Append(ctx, moot.Merge, newAuthor(1).sign("k", "v")) },
		"query": func(c *Client) (last error) {
			for _, err := range c.Query(ctx, moot.Query{}) {
				last = err
			}
			return last
		},
		"watch": func(c *Client) (last error) {
			for _, err := range c.Watch(ctx, moot.Vector{}) {
				last = err
			}
			return last
		},
		"exchange": func(c *Client) error {
			x, err := c.Exchange(ctx, moot.BlobID{})
			if err == nil {
				_, err = x.Next()
				x.Close()
			}
			return err
		},
	}
}

// What an older node lacks is not taken for something that the space lacks.
func TestOldNode(t *testing.T) {
	for name, request := range requests(t.Context()) {
		asked := 0
		c := oldNode(&asked)
		for range 3 {
			if err := request(c); moot.KindOf(err) != moot.Unavailable || moot.HintOf(err) != moot.HintUpdateNode || !strings.Contains(err.Error(), "older version") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if asked != 1 {
			t.Errorf("%s: asked %d times", name, asked)
		}
	}
}

// A node of another version is asked again after a while: it may have been updated.
func TestMismatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := Handler(newMemory(), guard{}, Options{})
		asked, path := 0, ""
		c := NewClient(roundTripper(func(r *http.Request) (*http.Response, error) {
			asked++
			r = r.Clone(r.Context())
			r.URL.Path = cmp.Or(path, r.URL.Path)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Result(), nil
		}), "https://node.example")
		for _, path = range []string{"/v1/vector", "/v3/vector"} {
			asked = 0
			for range 100 {
				if _, err := c.Vector(t.Context()); err == nil {
					t.Fatal("no error")
				}
			}
			if asked != 1 {
				t.Errorf("asked %d times", asked)
			}
			time.Sleep(mismatchFor)
		}
		path = ""
		if _, err := c.Vector(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := c.Have(t.Context(), moot.BlobID{}); moot.KindOf(err) != moot.NotFound {
			t.Errorf("a blob that a node of this version lacks: %v", err)
		}
	})
}

// Nothing is stored over the paths of another version.
func TestOldPathStoresNothing(t *testing.T) {
	m := newMemory()
	s := serve(t, as(moot.Key{1}, Handler(m, membersOnly(moot.Key{1}), Options{})), true)
	entry := feed.Encode(newAuthor(1).sign("k", "v"))
	resp, err := s.Client().Post(s.URL+"/v1/entries", typeSeq, bytes.NewReader(entry))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusGone || len(m.entries) != 0 {
		t.Error(resp.Status, len(m.entries))
	}
}
