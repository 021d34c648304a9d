package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/mootspace/moot"
)

// idleTimeout is how long a stream may lack heartbeats.
const idleTimeout = 3 * heartbeat

// maxLine is the size in bytes of the longest line of a stream.
const maxLine = 8 << 20

// lines reads a stream.
type lines[E, R any] struct {
	body   io.ReadCloser
	in     *bufio.Scanner
	cancel context.CancelCauseFunc
	cause  func() error // why the stream was cancelled; nil: it was not
	idle   *time.Timer
	limit  time.Duration // idle timeout
	result R
}

// follow opens a stream at the other end of c.
func follow[In, E, R any](ctx context.Context, c *client, o op[In, line[E, R]], in In) (*lines[E, R], error) {
	ctx, cancel := context.WithCancelCause(ctx)
	l := &lines[E, R]{cancel: cancel, limit: c.idle, cause: func() error { return context.Cause(ctx) }}
	l.idle = time.AfterFunc(c.idle, func() {
		cancel(moot.Errorf(moot.Unavailable, "the node was silent for %v", c.idle))
	})
	resp, err := o.open(ctx, c, in, nil)
	if err != nil {
		err = l.reason(err)
		l.close()
		return nil, err
	}
	l.idle.Stop()
	l.body = resp.Body
	l.in = bufio.NewScanner(resp.Body)
	l.in.Buffer(nil, maxLine)
	return l, nil
}

// close ends the stream.
func (l *lines[E, R]) close() {
	l.idle.Stop()
	l.cancel(nil)
	if l.body != nil {
		l.body.Close()
	}
}

// next returns the next event. After the last one it returns io.EOF, and result is set.
func (l *lines[E, R]) next() (e E, err error) {
	l.idle.Reset(l.limit)
	defer l.idle.Stop() // a slow reader is no silent node
	for l.in.Scan() {
		l.idle.Reset(l.limit)
		var got line[E, R]
		if err := json.Unmarshal(l.in.Bytes(), &got); err != nil {
			return e, moot.Errorf(moot.Unavailable, "the node's answer broke off: %w", err)
		}
		switch {
		case got.Error != nil:
			return e, got.Error.err()
		case got.Result != nil:
			l.result = *got.Result
			return e, io.EOF
		case got.Event != nil:
			return *got.Event, nil
		}
	}
	err = l.in.Err()
	if err == nil {
		err = errors.New("it ended early")
	}
	return e, l.reason(moot.Errorf(moot.Unavailable, "the node's answer broke off: %w", err))
}

// reason returns why the stream was cancelled, or else err.
func (l *lines[E, R]) reason(err error) error {
	if cause := l.cause(); cause != nil {
		return cause
	}
	return err
}

// wait reads a stream to its end, and passes each event to f.
func wait[In, E, R any](ctx context.Context, c *client, o op[In, line[E, R]], in In, f func(E)) (r R, err error) {
	l, err := follow(ctx, c, o, in)
	if err != nil {
		return r, err
	}
	defer l.close()
	for {
		e, err := l.next()
		switch {
		case errors.Is(err, io.EOF):
			return l.result, nil
		case err != nil:
			return r, err
		}
		f(e)
	}
}
