package daemon

import (
	"context"
	"net/http"
	"sync"

	"github.com/mootspace/moot"
)

// cutoff ends what is being answered to a member at the moment of its revocation;
// the guard only sees the beginning of a request, and a watch may last for days.
type cutoff struct {
	mu   sync.Mutex
	live map[moot.Key]map[*context.CancelFunc]struct{}
}

func newCutoff() *cutoff {
	return &cutoff{live: map[moot.Key]map[*context.CancelFunc]struct{}{}}
}

// wrap makes requests end when their caller is cut.
func (c *cutoff) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		caller := moot.Caller(ctx)
		c.mu.Lock()
		if c.live[caller] == nil {
			c.live[caller] = map[*context.CancelFunc]struct{}{}
		}
		c.live[caller][&cancel] = struct{}{}
		c.mu.Unlock()
		defer c.forget(caller, &cancel)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (c *cutoff) forget(caller moot.Key, cancel *context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.live[caller], cancel)
	if len(c.live[caller]) == 0 {
		delete(c.live, caller)
	}
}

// cut ends all requests of callers that allowed refuses.
func (c *cutoff) cut(allowed func(moot.Key) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for caller, requests := range c.live {
		if allowed(caller) {
			continue
		}
		for cancel := range requests {
			(*cancel)()
		}
	}
}
