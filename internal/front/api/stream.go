package api

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
)

// typeLines is the media type of streams: a JSON value a line.
const typeLines = "application/jsonl"

// line is a line of a stream: an event, or the last one with the result or the error. An
// empty one is a heartbeat.
type line[E, R any] struct {
	Event  *E       `json:"event,omitempty"`
	Result *R       `json:"result,omitempty"`
	Error  *problem `json:"error,omitempty"`
}

// problem is an error as the document and streams show it.
type problem struct {
	Title  string         `json:"title,omitempty"`
	Status int            `json:"status,omitempty"`
	Kind   moot.ErrorKind `json:"kind"`
	Detail string         `json:"detail,omitempty"`
	Hint   moot.Hint      `json:"hint,omitempty"`
}

// err restores the error.
func (p problem) err() error {
	return moot.WithHint(moot.Errorf(p.Kind, "%s", p.Detail), p.Hint)
}

// lineWriter writes the lines of a stream, and heartbeats between them.
type lineWriter struct {
	mu     sync.Mutex
	w      http.ResponseWriter
	begun  bool
	failed error // the caller is gone
	cancel context.CancelFunc
}

// write writes a line. The first one begins the response.
func (lw *lineWriter) write(v any) error {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	if lw.failed != nil {
		return lw.failed
	}
	if !lw.begun {
		lw.begun = true
		lw.w.Header().Set("Content-Type", typeLines)
		lw.w.Header().Set("Cache-Control", "no-store")
	}
	err := json.NewEncoder(lw.w).Encode(v)
	if err == nil {
		err = http.NewResponseController(lw.w).Flush()
	}
	if err != nil {
		lw.failed = err
		lw.cancel()
	}
	return err
}

// heartbeat writes heartbeats until ctx ends.
func (lw *lineWriter) heartbeat(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			_ = lw.write(none{}) // a failure cancels the stream
		case <-ctx.Done():
			return
		}
	}
}

// stream registers an operation that answers with lines. f emits events and returns the
// result; its context ends when the caller is gone.
func stream[In, E, R any](s *server, o op[In, line[E, R]], f func(ctx context.Context, m *app.Session, in In, emit func(E) error) (R, error)) {
	o.raw(s, func(m *app.Session, in In, w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithCancel(r.Context())
		lw := &lineWriter{w: w, cancel: cancel}
		var wg sync.WaitGroup
		wg.Go(func() { lw.heartbeat(ctx, s.Heartbeat) })
		result, err := f(ctx, m, in, func(e E) error { return lw.write(line[E, R]{Event: &e}) })
		cancel()
		wg.Wait()
		switch {
		case err == nil:
			_ = lw.write(line[E, R]{Result: &result})
		case !lw.begun:
			return err
		default:
			_ = lw.write(line[E, R]{Error: &problem{Kind: moot.KindOf(err), Detail: err.Error(), Hint: moot.HintOf(err)}})
		}
		return nil
	})
}

// progress is the event of an operation that moves bytes.
type progress struct {
	Done  int64 `json:"done"`
	Total int64 `json:"total"`
}

// progressEvery is the time between two events of progress.
const progressEvery = 100 * time.Millisecond

// throttled emits progress now and then, and its end.
func throttled(emit func(progress) error) func(done, total int64) {
	var last time.Time
	return func(done, total int64) {
		if now := time.Now(); done >= total || now.Sub(last) >= progressEvery {
			last = now
			_ = emit(progress{done, total}) // a failure cancels the stream
		}
	}
}
