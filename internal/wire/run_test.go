package wire

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// echo returns a task's arguments as its output; by its name it fails, or never ends.
type echo struct{}

func (echo) Run(ctx context.Context, t moot.Task, watch func(moot.Progress)) (moot.Outcome, error) {
	switch t.Name {
	case "refused":
		return moot.Outcome{}, moot.Errorf(moot.Denied, "not for you")
	case "endless":
		watch(moot.Progress{Started: true})
		<-ctx.Done()
		return moot.Outcome{}, ctx.Err()
	}
	if watch != nil {
		watch(moot.Progress{Started: true})
		watch(moot.Progress{Stream: 1, Text: []byte("hello " + t.For.Short())})
	}
	return moot.Outcome{Exit: 7, Stdout: moot.Content{Data: []byte(strings.Join(t.Args, " "))}}, nil
}

// ann is a member for whom tasks are run.
var ann = moot.MemberID{1}

func TestRun(t *testing.T) {
	var runFor string
	s := serve(t, Handler(newMemory(), guard{allow: func(_ moot.Key, action, subject string) error {
		if action == "run" {
			runFor = subject
		}
		return nil
	}}, Options{Runner: echo{}}), true)
	c := NewClient(s.Client().Transport, s.URL)
	var progress []moot.Progress
	o, err := c.Run(t.Context(), moot.Task{Args: []string{"a", "b"}, For: ann}, func(p moot.Progress) { progress = append(progress, p) })
	if err != nil || o.Exit != 7 || string(o.Stdout.Data) != "a b" {
		t.Fatal(o, err)
	}
	if len(progress) != 2 || !progress[0].Started || string(progress[1].Text) != "hello "+ann.Short() || runFor != ann.String() {
		t.Errorf("progress %+v; run for %s", progress, runFor)
	}
	if _, err := c.Run(t.Context(), moot.Task{Name: "refused", For: ann}, nil); moot.KindOf(err) != moot.Denied {
		t.Error(err)
	}
	if _, err := c.Run(t.Context(), moot.Task{}, nil); moot.KindOf(err) != moot.Invalid {
		t.Errorf("a task for nobody: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = c.Run(ctx, moot.Task{Name: "endless", For: ann}, func(moot.Progress) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestTaskKeepAlive(t *testing.T) {
	for every, want := range map[time.Duration]string{time.Millisecond: "canceled", time.Hour: "no data"} {
		h := newHandler(newMemory(), guard{}, Options{Runner: echo{}})
		h.keepAlive = every
		for _, route := range h.routes() {
			h.mux.Handle(route.pattern, h.serve(route.answer))
		}
		s := serve(t, h, true)
		c := NewClient(s.Client().Transport, s.URL)
		c.keepAliveTimeout = 200 * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		if want == "canceled" { // keep-alives keep it running
			ctx, cancel = context.WithTimeoutCause(t.Context(), time.Second, context.Canceled)
		}
		_, err := c.Run(ctx, moot.Task{Name: "endless", For: ann}, nil)
		cancel()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a keep-alive every %v: %v", every, err)
		}
	}
}

func TestNoRunner(t *testing.T) {
	s := serve(t, Handler(newMemory(), guard{}, Options{}), true)
	_, err := NewClient(s.Client().Transport, s.URL).Run(t.Context(), moot.Task{For: ann}, nil)
	if moot.KindOf(err) != moot.Denied {
		t.Error(err)
	}
}
