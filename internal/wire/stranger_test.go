package wire

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

// membersOnly admits one member; strangers may post under their own key.
func membersOnly(member moot.Key) guard {
	return guard{
		allow: func(caller moot.Key, action, subject string) error {
			if caller == member || action == "write" && subject == "member/"+caller.String() {
				return nil
			}
			return moot.Errorf(moot.Stranger, "%v is a stranger, with details", caller)
		},
		accept: func(caller moot.Key, e moot.Entry) error {
			if string(e.Body) == "late" {
				return moot.Errorf(moot.Expired, "the invitation has expired")
			}
			return nil
		},
	}
}

// fetchText sends a request and returns all of the response but its date.
func fetchText(t *testing.T, client *http.Client, base, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(method, path, err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	resp.Header.Del("Date")
	var all bytes.Buffer
	resp.Header.Write(&all)
	all.Write(text)
	return resp.StatusCode, all.String()
}

// To a stranger every path and method looks alike.
func TestStrangersLearnNothing(t *testing.T) {
	h := Handler(newMemory(), membersOnly(moot.Key{1}), Options{Version: "9", Jobs: http.NotFoundHandler()})
	a := newAuthor(3)
	entry := string(feed.Encode(a.sign("someone else's", "x")))
	id := moot.BlobID{}.String()
	for _, http2 := range []bool{false, true} {
		s := serve(t, as(moot.Key{2}, h), http2)
		client := s.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		status, want := fetchText(t, client, s.URL, "GET", "/", "")
		if status != http.StatusUnauthorized || strings.Contains(want, "details") || len(want) > 300 {
			t.Fatal(status, want)
		}
		for _, request := range []string{
			"GET /v2/vector", "GET /v2/openapi.json", "GET /nowhere", "GET /v2/jobs/1", "GET /web", "GET /web/x", "GET //v2/vector",
			"GET /v2/../v2/vector", "DELETE /v2/vector", "GET /v2/blobs/" + id, "GET /v2/blobs/nonsense", "GET /v2/blobs/" + id + "/holding",
			"GET /v2/blobs/" + id + "?raw=1", "POST /v2/blobs", "POST /v2/query", "POST /v2/watch", "POST /v2/entries", "GET /v2/entries",
		} {
			method, path, _ := strings.Cut(request, " ")
			bodies := []string{""}
			if method == "POST" {
				bodies = []string{"", "garbage", entry, entry[:20], "\xf6"}
			}
			for _, body := range bodies {
				if status, got := fetchText(t, client, s.URL, method, path, body); status != http.StatusUnauthorized || got != want {
					t.Errorf("%s with %q: %d %s", request, body, status, got)
				}
			}
		}
	}
}

// A stranger can post the entry by which it joins, and gets the reason if it is rejected.
func TestJoining(t *testing.T) {
	m := newMemory()
	joiner := newAuthor(4)
	first := joiner.sign("x", "")
	c := dial(t, as(first.Author, Handler(m, membersOnly(moot.Key{1}), Options{})))
	if err := c.Append(t.Context(), moot.Merge, joiner.sign("member/"+first.Author.String(), "hello")); err != nil {
		t.Fatal(err)
	}
	if err := c.Append(t.Context(), moot.Merge, joiner.sign("member/"+first.Author.String(), "late")); moot.KindOf(err) != moot.Expired {
		t.Fatal(err)
	}
	both := []moot.Entry{joiner.sign("member/"+first.Author.String(), "hello"), joiner.sign("file", "more")}
	if err := c.Append(t.Context(), moot.Merge, both...); moot.KindOf(err) != moot.Stranger {
		t.Fatal(err)
	}
	if len(m.entries) != 1 {
		t.Fatalf("%d entries got in, want 1", len(m.entries))
	}
}

// A member who relays an entry of a stranger gets its error, and is no stranger itself.
func TestStrangeAuthor(t *testing.T) {
	n := broken{Node: newMemory(), add: func(...moot.Entry) error { return moot.Errorf(moot.Stranger, "its author is not a member") }}
	c := dial(t, as(moot.Key{1}, Handler(n, membersOnly(moot.Key{1}), Options{})))
	err := c.Append(t.Context(), moot.Merge, newAuthor(5).sign("k", "v"))
	if moot.KindOf(err) != moot.Stranger || !strings.Contains(err.Error(), "author") {
		t.Fatal(err)
	}
}
