package jobapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/front/jobapi"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/suite"
)

// TestClient calls every method of a submitter over HTTP.
func TestClient(t *testing.T) {
	w := suite.NewWorld(t, "memory", "in process", "peer-to-peer", 2)
	w.Alike()
	ann, bob := w.Member(1), w.Member(2)
	if err := jobs.Announce(t.Context(), bob.Node, bob, jobs.Offer{Member: bob.Key(), Terms: jobs.Terms{CPUs: 2}}); err != nil {
		t.Fatal(err)
	}
	w.Alike()
	srv := httptest.NewServer(jobapi.Handler(func(*http.Request) (jobs.Submitter, error) { return ann.Desk(), nil }))
	defer srv.Close()
	client := jobapi.NewClient(srv.Client(), srv.URL)
	ctx := t.Context()
	ann.Coordinator()

	offers, err := client.Offers(ctx)
	if err != nil || len(offers) != 1 || offers[0].Member != bob.Key() || offers[0].CPUs != 2 {
		t.Errorf("%+v, %v", offers, err)
	}
	module, err := ann.Node.Put(ctx, strings.NewReader("\x00asm\x01\x00\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	j, err := client.Submit(ctx, jobs.Spec{Name: "nothing", As: "out", Stages: []jobs.Stage{{Task: moot.Task{Module: module.ID}, Count: 3}}})
	if err != nil || j.State != jobs.Waiting || j.Author != ann.Key() {
		t.Fatalf("%+v, %v", j, err)
	}
	for ev, err := range client.Follow(ctx, j.ID, false) {
		if err != nil {
			t.Fatal(err)
		}
		j = ev.Job
	}
	if j.State != jobs.Done || j.Progress.Done != 3 {
		t.Errorf("%+v", j)
	}
	list, err := client.Jobs(ctx)
	if err != nil || len(list) != 1 || list[0].ID != j.ID {
		t.Errorf("%+v, %v", list, err)
	}
	for what, c := range map[string]struct {
		err  error
		kind moot.ErrorKind
	}{
		"cancel what is done": {client.Cancel(ctx, j.ID), moot.Invalid},
		"retry what is done":  {client.Retry(ctx, j.ID), moot.Invalid},
		"cancel nothing":      {client.Cancel(ctx, "zz/../zz"), moot.NotFound},
	} {
		if moot.KindOf(c.err) != c.kind {
			t.Errorf("%s: %v", what, c.err)
		}
	}
	for _, err := range client.Follow(ctx, "nosuch", true) {
		if moot.KindOf(err) != moot.NotFound {
			t.Errorf("follow nothing: %v", err)
		}
	}

	coordinator := http.NewServeMux()
	coordinator.Handle(jobapi.Pattern, jobapi.FollowHandler(ann.Coordinator().Follow))
	there := httptest.NewServer(coordinator)
	defer there.Close()
	n := 0
	for ev, err := range jobapi.Follow(ctx, there.Client().Transport, there.URL, j.ID, false) {
		if n++; err != nil || ev.Job.State != jobs.Done {
			t.Errorf("%+v, %v", ev, err)
		}
	}
	if n == 0 {
		t.Error("a coordinator sent no event of its job")
	}
}
