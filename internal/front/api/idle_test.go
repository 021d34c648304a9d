package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// TestIdleTimeout follows a node that says nothing any more.
func TestIdleTimeout(t *testing.T) {
	silent := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-silent
	}))
	defer srv.Close()
	defer close(silent)
	c := jobsClient{&client{http: srv.Client(), base: srv.URL, idle: 10 * time.Millisecond}}
	n := 0
	for _, err := range c.Follow(t.Context(), "j", false) {
		if n++; moot.KindOf(err) != moot.Unavailable || !strings.Contains(err.Error(), "silent") {
			t.Errorf("%v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d events", n)
	}
}
