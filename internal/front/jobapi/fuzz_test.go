package jobapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/front/jobapi"
)

// response is a coordinator that responds with a text, whatever the request.
type response string

func (r response) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(r)))}, nil
}

// FuzzFollow: an untrusted coordinator can send anything. After an error nothing follows.
func FuzzFollow(f *testing.F) {
	f.Add("null\n" + `{"job":{"id":"k3f","pool":"peers","state":"running","tasks":3}}` + "\n")
	f.Add(`{"job":{"pool":"all"},"log":{"task":"a","stream":1,"text":"aGVsbG8="}}` + "\n" + `{"job":{},"kind":"not found","why":"no such job"}` + "\n")
	f.Add(`{"job":{"pool":"everybody"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		failed := false
		for ev, err := range jobapi.Follow(t.Context(), response(text), "http://coordinator.test", "k3f", true) {
			if failed {
				t.Fatalf("%+v, %v after an error", ev, err)
			}
			if failed = err != nil; failed && moot.KindOf(err) == "" {
				t.Fatalf("an error without a kind: %v", err)
			}
		}
	})
}
