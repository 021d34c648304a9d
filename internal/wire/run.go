package wire

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

// taskEvent is a line of the response to a task; null is a keep-alive.
type taskEvent struct {
	moot.Progress
	Outcome *moot.Outcome  `json:"outcome,omitempty"` // the last line
	Kind    moot.ErrorKind `json:"kind,omitempty"`    // the last line, if it could not be run
	Why     string         `json:"why,omitempty"`
}

// run serves POST /v2/tasks: a moot.Task as JSON, answered by lines. The response begins
// at once, and the task ends with the request.
func (h *handler) run(w *writer, r *http.Request) error {
	text, err := readAll(r.Body, maxTask)
	if err != nil {
		return h.strangerOr(r, asRequestError(err))
	}
	var t moot.Task
	if err := parseJSON(text, &t); err != nil {
		return h.strangerOr(r, err)
	}
	if t.For.IsZero() {
		return h.strangerOr(r, moot.Errorf(moot.Invalid, "the task does not say for which member it is run"))
	}
	if err := h.allow(r, "run", t.For.String()); err != nil {
		return err
	}
	if h.runner == nil {
		return moot.Errorf(moot.Denied, "this node lends no computing power")
	}
	w.Header().Set("Content-Type", typeLines)
	w.Header().Set("Cache-Control", "no-store")
	out := &taskOutput{w: w, enc: json.NewEncoder(w)}
	defer out.keepAlive(h.keepAlive)()
	if out.send(nil) != nil {
		return nil
	}
	o, err := h.runner.Run(r.Context(), t, func(p moot.Progress) { _ = out.send(taskEvent{Progress: p}) })
	last := taskEvent{Outcome: &o}
	if err != nil {
		last = taskEvent{Kind: moot.KindOf(err), Why: err.Error()}
	}
	_ = out.send(last) // an error means that the caller has left
	return nil
}

// job serves GET /v2/jobs/{id}: lines of JSON about a job that this node coordinates.
func (h *handler) job(w *writer, r *http.Request) error {
	if err := h.allow(r, "read", ""); err != nil {
		return err
	}
	h.jobs.ServeHTTP(w, r)
	return nil
}

// account serves POST /v2/accounts.
func (h *handler) account(w *writer, r *http.Request) error {
	if err := h.allow(r, "read", ""); err != nil {
		return err
	}
	h.accounts.ServeHTTP(w, r)
	return nil
}

// taskOutput writes lines of the task and keep-alives.
type taskOutput struct {
	mu  sync.Mutex
	w   *writer
	enc *json.Encoder
}

func (o *taskOutput) send(v any) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.enc.Encode(v); err != nil {
		return err
	}
	return o.w.FlushError()
}

// keepAlive sends a null line at intervals until it is stopped.
func (o *taskOutput) keepAlive(every time.Duration) (stop func()) {
	tick, end := time.NewTicker(every), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-tick.C:
				if o.send(nil) != nil {
					return
				}
			case <-end:
				return
			}
		}
	})
	return func() {
		tick.Stop()
		close(end)
		wg.Wait()
	}
}

// Run implements moot.Runner. It ends with an error of kind Unavailable when keep-alives
// stop, or the connection ends.
func (c *Client) Run(ctx context.Context, t moot.Task, watch func(moot.Progress)) (moot.Outcome, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return moot.Outcome{}, moot.Errorf(moot.Invalid, "the task cannot be encoded: %w", err)
	}
	resp, err := c.do(ctx, call{method: http.MethodPost, path: pathTasks, body: bytes.NewReader(text),
		header: http.Header{"Content-Type": {typeJSON}}, want: typeLines, idle: c.keepAliveTimeout})
	if err != nil {
		return moot.Outcome{}, err
	}
	defer resp.Body.Close()
	lines := bufio.NewReaderSize(resp.Body, 64<<10)
	for {
		line, err := readLine(lines)
		if err != nil {
			return moot.Outcome{}, err
		}
		var ev taskEvent
		if err := json.Unmarshal(line, &ev); err != nil { // fields of later versions are ignored
			return moot.Outcome{}, moot.Errorf(moot.Corrupt, "the response is not the expected JSON: %s", printable(err.Error()))
		}
		switch {
		case ev.Kind != "":
			return moot.Outcome{}, moot.Errorf(ev.Kind, "%s", printable(ev.Why))
		case ev.Outcome != nil:
			return *ev.Outcome, nil
		case watch != nil && (ev.Started || len(ev.Text) > 0):
			watch(ev.Progress)
		}
	}
}

// readLine reads a line of at most maxOutcome bytes.
func readLine(r *bufio.Reader) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxOutcome:
			return nil, moot.Errorf(moot.TooLarge, "the outcome is larger than %d bytes", maxOutcome)
		case err == nil:
			return line, nil
		case errors.Is(err, io.EOF):
			return nil, moot.Errorf(moot.Unavailable, "the connection ended before the task was done")
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
