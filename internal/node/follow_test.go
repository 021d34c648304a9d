package node

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/jobs"
)

// transport answers every request with a body.
type transport struct {
	status int
	body   io.ReadCloser
	err    error
	path   string
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.path = r.URL.String()
	if t.err != nil {
		return nil, t.err
	}
	return &http.Response{StatusCode: t.status, Header: http.Header{}, Body: &cancellable{t.body, r.Context()}}, nil
}

// cancellable is a body whose reads end with the request's context, as a transport's do.
type cancellable struct {
	io.ReadCloser
	ctx context.Context //nolint:containedctx // of one request
}

func (c *cancellable) Read(b []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	go func() {
		n, err := c.ReadCloser.Read(b)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return r.n, r.err
	case <-c.ctx.Done():
		c.Close()
		<-done
		return 0, c.ctx.Err()
	}
}

func collect(events iter.Seq2[jobs.Event, error]) (states []jobs.State, err error) {
	for ev, e := range events {
		if e != nil {
			return states, e
		}
		states = append(states, ev.Job.State)
	}
	return states, nil
}

func TestFollowReadsLines(t *testing.T) {
	for _, c := range []struct {
		body   string
		events int
		kind   moot.ErrorKind
	}{
		{"", 0, ""},
		{`{"job":{"state":"running"}}` + "\nnull\n" + `{"job":{"state":"done"}}` + "\n", 2, ""},
		{`{"job":{"state":"running"}}` + "\n" + `{"job":{},"kind":"not-found","why":"there is no such job"}` + "\n" + `{"job":{}}` + "\n", 1, moot.NotFound},
		{"<html>\n", 0, moot.Corrupt},
		{strings.Repeat("x", maxEventLine+1), 0, moot.Unavailable},
	} {
		rt := &transport{status: 200, body: io.NopCloser(strings.NewReader(c.body))}
		states, err := collect(followRemote(t.Context(), rt, "http://peer", "a/b", true))
		if len(states) != c.events || moot.KindOf(err) != c.kind {
			t.Errorf("%.60q: %d events, %v", c.body, len(states), err)
		}
		if rt.path != "http://peer/v2/jobs/a%2Fb?logs=1" {
			t.Errorf("asked %s", rt.path)
		}
	}
}

func TestFollowRefused(t *testing.T) {
	refusal := &transport{status: 403, body: io.NopCloser(strings.NewReader(`{"status":403,"kind":"denied","detail":"not you"}`))}
	if _, err := collect(followRemote(t.Context(), refusal, "http://peer", "a", false)); moot.KindOf(err) == "" || moot.KindOf(err) == moot.Unavailable {
		t.Errorf("a refusal: %v", err)
	}
	_, err := collect(followRemote(t.Context(), &transport{err: errors.New("no route")}, "http://peer", "a", false))
	wantKind(t, err, moot.Unavailable)
	_, err = collect(followRemote(t.Context(), &transport{}, "http://\x00", "a", false))
	wantKind(t, err, moot.Invalid)
}

func TestSilentCoordinatorIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body, out := io.Pipe()
		began := time.Now()
		go func() {
			for range 3 { // keep-alives extend the time
				time.Sleep(idleTimeout - time.Second)
				io.WriteString(out, "null\n")
			}
		}()
		_, err := collect(followRemote(t.Context(), &transport{status: 200, body: body}, "http://peer", "a", false))
		if moot.KindOf(err) != moot.Unavailable || !strings.Contains(err.Error(), "silent for") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took != 3*(idleTimeout-time.Second)+idleTimeout {
			t.Errorf("given up after %v", took)
		}
	})
}

func TestFollowersAreKeptAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		lines := eventLines(ctx, func(yield func(jobs.Event, error) bool) {
			time.Sleep(2*keepAlive + time.Second)
			if yield(jobs.Event{Job: jobs.Job{State: "running"}}, nil) {
				yield(jobs.Event{}, moot.Errorf(moot.Failed, "the task failed"))
			}
		})
		w := httptest.NewRecorder()
		must(t, writeLines(w, lines))
		got := strings.Split(w.Body.String(), "\n")
		if len(got) != 5 || got[0] != "null" || got[1] != "null" || !strings.Contains(got[2], `"running"`) ||
			!strings.Contains(got[3], `"kind":"failed","why":"the task failed"`) {
			t.Errorf("lines %q", got)
		}
	})
}

// brokenWriter fails as a connection that was closed.
type brokenWriter struct{ http.ResponseWriter }

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestFollowingEndsWithTheFollower(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	lines := eventLines(ctx, func(yield func(jobs.Event, error) bool) {
		defer close(ended)
		for yield(jobs.Event{}, nil) {
		}
	})
	if writeLines(brokenWriter{httptest.NewRecorder()}, lines) == nil {
		t.Error("a broken connection was not noticed")
	}
	cancel()
	<-ended
}

func TestHandlerFollowsOwnJobs(t *testing.T) {
	n := founder(t, Config{})
	if w := callAs(t.Context(), n.Handler(), ann, "/v2/jobs/none"); w.Code != http.StatusServiceUnavailable || n.compute.coordinator != nil {
		t.Errorf("a node that does not run answers %d, and coordinates: %v", w.Code, n.compute.coordinator != nil)
	}
	n.state.running.Store(true)
	w := callAs(t.Context(), n.Handler(), ann, "/v2/jobs/none?logs=1")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"kind":"not-found"`) || w.Header().Get("Content-Type") != "application/jsonl" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// FuzzEventLine looks for lines that are neither an event, a keep-alive nor an error of
// a kind.
func FuzzEventLine(f *testing.F) {
	for _, line := range []string{"null", "{}", `{"kind":"denied","why":"no"}`, `{"job":{"state":"done"},"log":{"stream":1,"text":"AA=="}}`, "[", `{"kind":7}`} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		yields := 0
		more := yieldLine(line, func(_ jobs.Event, err error) bool {
			if yields++; err != nil && moot.KindOf(err) == "" {
				t.Errorf("an error without a kind: %v", err)
			}
			return err == nil
		})
		if yields > 1 || yields == 0 && !more {
			t.Errorf("%q: %d events, more %v", line, yields, more)
		}
	})
}
