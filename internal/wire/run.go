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

// taskNews is a line of the answer to a task; null is a sign of life.
type taskNews struct {
	moot.Progress
	Outcome *moot.Outcome  `json:"outcome,omitempty"` // the last line
	Kind    moot.ErrorKind `json:"kind,omitempty"`    // the last line, if it could not be run
	Why     string         `json:"why,omitempty"`
}

// run serves POST /v1/tasks: a moot.Task as JSON, answered by lines. It answers at once,
// and the task ends with the request.
func (h *handler) run(w *writer, r *http.Request) error {
	text, err := readAll(r.Body, maxTask)
	if err != nil {
		return h.orStranger(r, cut(err))
	}
	var t moot.Task
	if err := parseJSON(text, &t); err != nil {
		return h.orStranger(r, err)
	}
	if t.For.IsZero() {
		t.For = moot.Caller(r.Context())
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
	defer out.live(h.life)()
	if out.send(nil) != nil {
		return nil
	}
	o, err := h.runner.Run(r.Context(), t, func(p moot.Progress) { out.send(taskNews{Progress: p}) })
	last := taskNews{Outcome: &o}
	if err != nil {
		last = taskNews{Kind: moot.KindOf(err), Why: err.Error()}
	}
	out.send(last) // who has gone is not there to be told
	return nil
}

// taskOutput writes lines, from the task and from the clock.
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

// live gives signs of life until it is stopped.
func (o *taskOutput) live(every time.Duration) (stop func()) {
	tick, end := time.NewTicker(every), make(chan struct{})
	var crew sync.WaitGroup
	crew.Go(func() {
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
		crew.Wait()
	}
}

// Run implements moot.Runner. It ends with an error of kind Unavailable when the node
// gives no sign of life, or hangs up.
func (c *Client) Run(ctx context.Context, t moot.Task, watch func(moot.Progress)) (moot.Outcome, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return moot.Outcome{}, moot.Errorf(moot.Invalid, "a task that cannot be handed over: %w", err)
	}
	resp, err := c.do(ctx, call{method: http.MethodPost, path: pathTasks, body: bytes.NewReader(text),
		header: http.Header{"Content-Type": {typeJSON}}, want: typeLines, within: c.alive})
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
		var news taskNews
		if err := json.Unmarshal(line, &news); err != nil { // fields of later versions are ignored
			return moot.Outcome{}, moot.Errorf(moot.Corrupt, "answered what is not the JSON expected: %s", printable(err.Error()))
		}
		switch {
		case news.Kind != "":
			return moot.Outcome{}, moot.Errorf(news.Kind, "%s", printable(news.Why))
		case news.Outcome != nil:
			return *news.Outcome, nil
		case watch != nil && (news.Started || len(news.Text) > 0):
			watch(news.Progress)
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
			return nil, moot.Errorf(moot.TooLarge, "answered with a line of more than %d bytes", maxOutcome)
		case err == nil:
			return line, nil
		case errors.Is(err, io.EOF):
			return nil, moot.Errorf(moot.Unavailable, "hung up before the task was done")
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
