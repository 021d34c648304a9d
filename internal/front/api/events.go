package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/mootspace/moot/internal/app"
)

// change is the data of a server-sent event.
type change struct {
	Kind string `json:"kind" enum:"mail"`
	Key  string `json:"key" doc:"The mail folder; of the first event, which says that watching has begun, empty."`
}

const typeEvents = "text/event-stream"

var eventsOp = op[none, none]{at: "GET /api/events", does: "What changes, as server-sent events: today mail folders", may: reads, gives: typeEvents}

func (s *server) addEvents() {
	eventsOp.raw(s, func(m *app.Session, _ none, w http.ResponseWriter, r *http.Request) error {
		box, err := m.Mail(r.Context())
		if err != nil {
			return err
		}
		changes := box.Watch(r.Context())
		w.Header().Set("Content-Type", typeEvents)
		w.Header().Set("Cache-Control", "no-store")
		var mu sync.Mutex
		write := func(format string, a ...any) error {
			mu.Lock()
			defer mu.Unlock()
			if _, err := fmt.Fprintf(w, format, a...); err != nil {
				return err
			}
			return http.NewResponseController(w).Flush()
		}
		if write("event: mail\ndata: %s\n\n", change{Kind: "mail"}.json()) != nil {
			return nil
		}
		done := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() { keepAlive(done, s.Heartbeat, write) })
		defer wg.Wait()
		defer close(done)
		for folders := range changes {
			for _, f := range folders {
				if write("event: mail\ndata: %s\n\n", change{"mail", f}.json()) != nil {
					return nil
				}
			}
		}
		return nil
	})
}

func (c change) json() []byte {
	b, _ := json.Marshal(c) // strings cannot fail
	return b
}

// keepAlive writes comments, so that proxies do not take the connection for idle.
func keepAlive(done <-chan struct{}, every time.Duration, write func(string, ...any) error) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			_ = write(": keep-alive\n\n") // a failure ends the request's context
		case <-done:
			return
		}
	}
}
