package jobapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/front/api"
	"github.com/mootspace/moot/internal/jobs"
)

// Pattern is the route on which a coordinator serves other members.
const Pattern = "GET /v1/jobs/{id}"

// heartbeat is the interval of empty lines while a job does not change.
const heartbeat = 10 * time.Second

// eventLine is a line of the response; null is a heartbeat.
type eventLine struct {
	jobs.Event
	Kind moot.ErrorKind `json:"kind,omitempty"` // of an error, in the last line
	Why  string         `json:"why,omitempty"`
}

type followFunc = func(ctx context.Context, id string, logs bool) iter.Seq2[jobs.Event, error]

// FollowHandler serves a coordinator on Pattern.
func FollowHandler(f followFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = answerFollow(w, r, f) // an error is in the last line
	})
}

// answerFollow responds with a line of JSON for each event.
func answerFollow(w http.ResponseWriter, r *http.Request, f followFunc) error {
	w.Header().Set("Content-Type", "application/jsonl")
	w.Header().Set("Cache-Control", "no-store")
	out, flush := json.NewEncoder(w), http.NewResponseController(w)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	lines := make(chan eventLine)
	go func() {
		defer close(lines)
		for ev, err := range f(ctx, r.PathValue("id"), r.URL.Query().Get("logs") != "") {
			line := eventLine{Event: ev}
			if err != nil {
				line.Kind, line.Why = moot.KindOf(err), err.Error()
			}
			select {
			case lines <- line:
			case <-ctx.Done():
				return
			}
		}
	}()
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		var err error
		select {
		case line, more := <-lines:
			if !more {
				return nil
			}
			err = out.Encode(line)
		case <-ticker.C:
			err = out.Encode(nil)
		}
		if err = errors.Join(err, flush.Flush()); err != nil {
			cancel()
			for range lines { // f must return before the request ends
			}
			return nil
		}
	}
}

// Follow follows a job at the coordinator that rt connects to. Kind Unavailable after the
// idle timeout.
func Follow(ctx context.Context, rt http.RoundTripper, base, id string, logs bool) iter.Seq2[jobs.Event, error] {
	return follow(ctx, rt.RoundTrip, base+"/v1/jobs/"+url.PathEscape(id), logs)
}

// idleTimeout is the longest time without a line.
const idleTimeout = 3 * heartbeat

func follow(ctx context.Context, do func(*http.Request) (*http.Response, error), address string, logs bool) iter.Seq2[jobs.Event, error] {
	return func(yield func(jobs.Event, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		timer := time.AfterFunc(idleTimeout, func() {
			cancel(moot.Errorf(moot.Unavailable, "the coordinator sent nothing for %v", idleTimeout))
		})
		defer timer.Stop()
		if logs {
			address += "?logs=1"
		}
		resp, err := api.Send(ctx, do, http.MethodGet, address, nil)
		if err != nil {
			yield(jobs.Event{}, err)
			return
		}
		defer resp.Body.Close()
		in := bufio.NewScanner(resp.Body)
		in.Buffer(nil, maxEvent)
		for in.Scan() {
			timer.Reset(idleTimeout)
			if !yieldLine(in.Bytes(), yield) {
				return
			}
		}
		if err := in.Err(); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			yield(jobs.Event{}, moot.Wrap("follow the job", moot.Errorf(moot.Unavailable, "%w", err)))
		}
	}
}

// maxEvent bounds the bytes of a line.
const maxEvent = 8 << 20

func yieldLine(text []byte, yield func(jobs.Event, error) bool) bool {
	var line *eventLine
	if err := json.Unmarshal(text, &line); err != nil {
		yield(jobs.Event{}, moot.Errorf(moot.Corrupt, "the coordinator sent invalid JSON: %w", err))
		return false
	}
	switch {
	case line == nil:
		return true
	case line.Kind != "":
		yield(line.Event, moot.Errorf(line.Kind, "%s", line.Why))
		return false
	}
	return yield(line.Event, nil)
}
