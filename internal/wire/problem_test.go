package wire

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mootspace/moot"
)

var kinds = []moot.ErrorKind{
	moot.Invalid, moot.TooLarge, moot.NotFound, moot.Denied, moot.Stranger, moot.Conflict, moot.Gap, moot.Fork,
	moot.Expired, moot.UsedUp, moot.Revoked, moot.Corrupt, moot.Full, moot.Unavailable, moot.Failed, moot.Internal,
}

// Every kind survives the wire, with its text unless the error is internal.
func TestKindsSurvive(t *testing.T) {
	for _, kind := range kinds {
		g := guard{allow: func(_ moot.Key, action, _ string) error {
			if action == "upload" {
				return moot.Wrap("asked", moot.Errorf(kind, "for a reason"))
			}
			return nil
		}}
		_, err := dial(t, Handler(newMemory(), g, Options{})).Put(t.Context(), strings.NewReader("x"))
		if moot.KindOf(err) != kind {
			t.Errorf("%v became %v: %v", kind, moot.KindOf(err), err)
		}
		if shown := strings.Contains(err.Error(), "for a reason"); shown == (kind == moot.Internal) {
			t.Errorf("%v: %v", kind, err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// reply answers every request with the same.
func reply(status int, mediaType, text string) *Client {
	return NewClient(roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {mediaType}},
			Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
	}), "https://node.example")
}

// Responses that no node sends: of proxies, captive portals, attackers and later versions.
func TestForeignAnswers(t *testing.T) {
	for _, c := range []struct {
		status          int
		mediaType, text string
		want            moot.ErrorKind
	}{
		{404, "text/html", "<h1>not here</h1>", moot.Unavailable},
		{502, "text/html", "", moot.Unavailable},
		{301, "", "", moot.Unavailable},
		{200, "text/html", "welcome to the hotel", moot.Unavailable},
		{401, "", "", moot.Stranger},
		{403, "", "", moot.Denied},
		{413, "", "", moot.TooLarge},
		{507, "", "", moot.Full},
		{403, typeProblem, `{"kind":"of-the-future","detail":"x"}`, moot.Denied},
		{404, typeProblem, `{"kind":"not-found"}`, moot.Unavailable}, // of an older version
		{503, typeProblem, `{"kind":`, moot.Unavailable},
		{200, typeJSON, `{"size":`, moot.Corrupt},
		{200, typeJSON, `{"size":-1}`, moot.Corrupt},
		{200, typeJSON, `{"size":5,"ranges":[{"Offset":4,"Length":2}]}`, moot.Corrupt},
		{200, typeJSON, `{"size":5,"ranges":[{"Offset":0,"Length":2},{"Offset":2,"Length":2}]}`, moot.Corrupt},
		{200, typeJSON, `{"size":5,"ranges":[{"Offset":1,"Length":9223372036854775807}]}`, moot.Corrupt},
		{200, typeJSON, strings.Repeat(" ", maxQuery+1), moot.TooLarge},
		{200, typeJSON, `{"size":5,"ranges":[{"Offset":1,"Length":4}],"since":"later versions"}`, ""},
	} {
		_, err := reply(c.status, c.mediaType, c.text).Have(t.Context(), moot.BlobID{})
		if moot.KindOf(err) != c.want {
			t.Errorf("%d %s %.50q: %v, want %v", c.status, c.mediaType, c.text, err, c.want)
		}
	}
}

func TestWordsOfOthersArePrintable(t *testing.T) {
	text := `{"kind":"denied","detail":"\u001b[2Jgone\u202e` + strings.Repeat("é", 5000) + `"}`
	_, err := reply(403, typeProblem, text).Vector(t.Context())
	if got := err.Error(); strings.ContainsAny(got, "\x1b\u202e") || !strings.Contains(got, "gone") || len(got) > 3000 {
		t.Errorf("%q", got)
	}
}

// Errors of the link are Unavailable, unless the link gave them a kind.
func TestTransportErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want moot.ErrorKind
	}{
		{io.ErrUnexpectedEOF, moot.Unavailable},
		{context.DeadlineExceeded, moot.Unavailable},
		{moot.Errorf(moot.Corrupt, "the wrong key"), moot.Corrupt},
	} {
		client := NewClient(roundTripper(func(*http.Request) (*http.Response, error) { return nil, c.err }), "https://node.example")
		_, err := client.Vector(t.Context())
		if moot.KindOf(err) != c.want || !errors.Is(err, c.err) || !strings.Contains(err.Error(), "node.example") {
			t.Errorf("%v became %v", c.err, err)
		}
	}
	if _, err := NewClient(http.DefaultTransport, "https://a b").Vector(t.Context()); moot.KindOf(err) != moot.Invalid {
		t.Error(err)
	}
}
