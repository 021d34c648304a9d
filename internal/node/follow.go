package node

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/wire"
)

const (
	keepAlive    = 10 * time.Second // between lines of a job that does not change
	idleTimeout  = 3 * keepAlive    // of a coordinator that sends no line
	maxEventLine = 8 << 20          // bytes
)

// eventLine is a line of the answer; an empty one is a keep-alive.
type eventLine struct {
	jobs.Event
	Kind moot.ErrorKind `json:"kind,omitempty"` // of the last line, after an error
	Why  string         `json:"why,omitempty"`
}

// followHandler answers followers of jobs that this node coordinates, with a line of
// JSON for every event.
func (n *Node) followHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.compute.oneShot() { // a reader must not make it a coordinator
			wire.WriteProblem(w, moot.Errorf(moot.Unavailable, "this node coordinates no jobs now"))
			return
		}
		w.Header().Set("Content-Type", "application/jsonl")
		w.Header().Set("Cache-Control", "no-store")
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		events := n.compute.followOwn(ctx, r.PathValue("id"), r.URL.Query().Get("logs") != "")
		lines := eventLines(ctx, events)
		if writeLines(w, lines) != nil {
			cancel()
			for range lines { // the follower must end before the request does
			}
		}
	})
}

// eventLines runs a sequence of events beside the writer, which sends keep-alives.
func eventLines(ctx context.Context, events iter.Seq2[jobs.Event, error]) <-chan eventLine {
	lines := make(chan eventLine)
	go func() {
		defer close(lines)
		for ev, err := range events {
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
	return lines
}

func writeLines(w http.ResponseWriter, lines <-chan eventLine) error {
	out, flush := json.NewEncoder(w), http.NewResponseController(w)
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		var err error
		select {
		case line, more := <-lines:
			if !more {
				return nil
			}
			err = out.Encode(line)
		case <-tick.C:
			err = out.Encode(nil)
		}
		if err = errors.Join(err, flush.Flush()); err != nil {
			return err
		}
	}
}

// followRemote follows a job at the coordinator at the other end of rt. Kind Unavailable
// if it falls silent.
func followRemote(ctx context.Context, rt http.RoundTripper, base, id string, logs bool) iter.Seq2[jobs.Event, error] {
	address := base + wire.JobPath(id)
	if logs {
		address += "?logs=1"
	}
	return func(yield func(jobs.Event, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		timer := time.AfterFunc(idleTimeout, func() {
			cancel(moot.Errorf(moot.Unavailable, "the coordinator was silent for %v", idleTimeout))
		})
		defer timer.Stop()
		resp, err := get(ctx, rt, address)
		if err != nil {
			yield(jobs.Event{}, err)
			return
		}
		defer resp.Body.Close()
		in := bufio.NewScanner(resp.Body)
		in.Buffer(nil, maxEventLine)
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

func get(ctx context.Context, rt http.RoundTripper, address string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, moot.Errorf(moot.Invalid, "%w", err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return nil, &moot.Error{Kind: moot.Unavailable, Err: err}
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		defer resp.Body.Close()
		return nil, wire.NodeProblem(resp)
	}
	return resp, nil
}

func yieldLine(text []byte, yield func(jobs.Event, error) bool) bool {
	var line *eventLine
	if err := json.Unmarshal(text, &line); err != nil {
		yield(jobs.Event{}, moot.Errorf(moot.Corrupt, "the coordinator's answer is not the JSON expected: %w", err))
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
