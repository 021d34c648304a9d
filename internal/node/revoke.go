package node

import (
	"context"
	"net/http"
	"sync"

	"github.com/mootspace/moot"
)

// sessions is a registry of the requests being answered, by caller. The guard sees only
// the beginning of a request, and a watch may last for days: a revoked member's requests
// are cancelled here.
type sessions struct {
	mu   sync.Mutex
	live map[moot.Key]map[*context.CancelFunc]struct{}
}

func newSessions() *sessions {
	return &sessions{live: map[moot.Key]map[*context.CancelFunc]struct{}{}}
}

// register returns a handler whose requests can be cancelled.
func (s *sessions) register(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		caller := moot.Caller(ctx)
		s.mu.Lock()
		if s.live[caller] == nil {
			s.live[caller] = map[*context.CancelFunc]struct{}{}
		}
		s.live[caller][&cancel] = struct{}{}
		s.mu.Unlock()
		defer s.remove(caller, &cancel)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (s *sessions) remove(caller moot.Key, cancel *context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live[caller], cancel)
	if len(s.live[caller]) == 0 {
		delete(s.live, caller)
	}
}

// revoke cancels all requests of callers that are not allowed.
func (s *sessions) revoke(allowed func(moot.Key) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for caller, requests := range s.live {
		if allowed(caller) {
			continue
		}
		for cancel := range requests {
			(*cancel)()
		}
	}
}
