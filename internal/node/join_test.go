package node

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/seal"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestNewcomerAtOlderNode: an older node takes a newcomer over the paths of today for a
// stranger; the error names both possible reasons, and another node may still admit it.
func TestNewcomerAtOlderNode(t *testing.T) {
	l := members.Link{Servers: []moot.Peer{
		{ID: seal.Public(seal.NewKey()), Name: "older", Addrs: []string{"https://a.example"}},
		{ID: seal.Public(seal.NewKey()), Name: "today's", Addrs: []string{"https://b.example"}},
	}}
	servers := map[string]int{"a.example": http.StatusUnauthorized, "b.example": http.StatusNoContent}
	in := AsInvited(l).Through(func(moot.Peer, http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: servers[r.URL.Host], Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
		})
	})
	defer in.Close()
	if p, err := in.Submit(t.Context(), moot.Entry{}); err != nil || p.Name != "today's" {
		t.Errorf("%s admits the newcomer: %v", p.Name, err)
	}
	servers["b.example"] = http.StatusUnauthorized
	_, err := in.Submit(t.Context(), moot.Entry{})
	if moot.KindOf(err) != moot.Unavailable || !strings.Contains(err.Error(), "older does not know the invitation, or runs an older version of moot") {
		t.Error(err)
	}
}
