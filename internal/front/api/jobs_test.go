package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/front/api"
	"github.com/mootspace/moot/internal/jobs"
)

func TestJobs(t *testing.T) {
	w := newWorld(t)
	ctx, d := t.Context(), w.session.Jobs
	j, err := d.Submit(ctx, jobs.Spec{Name: "n", Timeout: time.Hour, Stages: []jobs.Stage{{Task: moot.Task{Args: []string{"a"}}, Count: 3}}})
	if err != nil || !reflect.DeepEqual(j, w.jobs.jobs[0]) {
		t.Fatalf("%+v, %v", j, err)
	}
	_, err = d.Submit(ctx, jobs.Spec{})
	wantKind(t, "no stages", err, moot.Invalid)
	if list, err := d.Jobs(ctx); err != nil || len(list) != 1 || list[0].ID != "j1" {
		t.Errorf("%+v, %v", list, err)
	}
	for logs, want := range map[bool]string{true: "hi.", false: "."} {
		var got strings.Builder
		for ev, err := range d.Follow(ctx, "j1", logs) {
			must(t, err)
			if ev.Log != nil {
				got.Write(ev.Log.Text)
			} else {
				got.WriteString(".")
			}
		}
		if got.String() != want {
			t.Errorf("followed %q, want %q", got.String(), want)
		}
	}
	for range d.Follow(ctx, "j1", true) {
		break // must not hang
	}
	for _, err := range d.Follow(ctx, "no/such", true) {
		wantKind(t, "follow nothing", err, moot.NotFound)
	}
	must(t, d.Cancel(ctx, "a/../b"))
	must(t, d.Retry(ctx, "j1"))
	if !reflect.DeepEqual(w.jobs.calls, []string{"cancel a/../b", "retry j1"}) {
		t.Errorf("%q", w.jobs.calls)
	}
	offers, err := d.Offers(ctx)
	if err != nil || len(offers) != 1 || offers[0].CPUs != 2 {
		t.Errorf("%+v, %v", offers, err)
	}
}

// TestStreamErrors fails unless an error in the middle of a stream keeps its kind and hint,
// and a stream that breaks off is no success.
func TestStreamErrors(t *testing.T) {
	w := newWorld(t)
	w.jobs.follow = func(_ context.Context, yield func(jobs.Event, error) bool) {
		if yield(jobs.Event{Job: jobs.Job{ID: "j1"}}, nil) {
			yield(jobs.Event{}, moot.WithHint(moot.Errorf(moot.Corrupt, "bad bytes"), moot.HintRetry))
		}
	}
	n := 0
	for _, err := range w.session.Jobs.Follow(t.Context(), "j1", false) {
		if n++; n == 2 {
			if wantKind(t, "in the middle", err, moot.Corrupt); moot.HintOf(err) != moot.HintRetry || !strings.Contains(err.Error(), "bad bytes") {
				t.Errorf("%v, hint %q", err, moot.HintOf(err))
			}
		}
	}
	if n != 2 {
		t.Errorf("%d events", n)
	}
	for _, text := range []string{"", `{"event":{}}` + "\n", "{}\n{", "<html>"} {
		srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/session" {
				rw.Write([]byte("{}"))
				return
			}
			rw.Write([]byte(text))
		}))
		s, err := api.Dial(t.Context(), srv.Client(), srv.URL, moot.Architecture{})
		must(t, err)
		var last error
		for _, err := range s.Jobs.Follow(t.Context(), "j1", false) {
			last = err
		}
		wantKind(t, "a stream that breaks off", last, moot.Unavailable)
		srv.Close()
	}
}

// TestHeartbeats fails unless a stream without events shows that it lives, and its end at
// the client ends it at the server.
func TestHeartbeats(t *testing.T) {
	w := newWorld(t)
	ended := make(chan struct{})
	w.jobs.follow = func(ctx context.Context, yield func(jobs.Event, error) bool) {
		<-ctx.Done()
		close(ended)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", w.local.URL+"/api/jobs/j1/events", nil)
	must(t, err)
	resp, err := w.local.Client().Do(req)
	must(t, err)
	defer resp.Body.Close()
	b := make([]byte, 6)
	if n, err := resp.Body.Read(b); err != nil || !strings.HasPrefix(string(b[:n]), "{}\n") {
		t.Errorf("%q, %v", b[:n], err)
	}
	cancel()
	<-ended
}
