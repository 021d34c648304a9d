package wire

import (
	"context"
	"io"
	"iter"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/mootspace/moot"
)

// watchFrom is the body of a watch.
type watchFrom struct {
	Since moot.Vector `json:"since,omitzero"`
}

// watch serves POST /v2/watch: entries as they are stored, and heartbeats in between.
// The response begins at once. The guard checks again before everything that is sent,
// so that a watcher sees nothing after it was revoked.
func (h *handler) watch(w *writer, r *http.Request) error {
	if err := h.allow(r, "read", ""); err != nil {
		return err
	}
	var from watchFrom
	err := readJSON(r.Body, &from)
	if err == nil {
		err = checkVector(from.Since)
	}
	if err != nil {
		return err
	}
	out := newOutput(w, r)
	_ = out.heartbeat() // buffered: flush reports its error
	if out.flush() != nil {
		return nil
	}
	ctx, stop := context.WithCancel(r.Context())
	events := h.events(ctx, from.Since)
	defer func() {
		stop()
		for range events { // the node's watch must end before the request does
		}
	}()
	tick := time.NewTicker(h.heartbeat)
	defer tick.Stop()
	return h.forward(out, r, events, tick.C)
}

// forward sends events until the watch ends, or the caller has left.
func (h *handler) forward(out *output, r *http.Request, events <-chan event, tick <-chan time.Time) error {
	for {
		var err error
		select {
		case next, more := <-events:
			if !more {
				return out.flush()
			}
			if next.err == nil {
				next.err = h.allow(r, "read", "")
			}
			if next.err != nil {
				return out.fail(next.err)
			}
			err = out.entry(next.entry)
		case <-tick:
			if err := h.allow(r, "read", ""); err != nil {
				return out.fail(err)
			}
			err = out.heartbeat()
		}
		if err == nil && len(events) == 0 {
			err = out.flush()
		}
		if err != nil {
			return nil
		}
	}
}

// event is what a watch yielded.
type event struct {
	entry moot.Entry
	err   error
}

// events runs the node's watch until ctx ends; the channel closes when it is over.
func (h *handler) events(ctx context.Context, since moot.Vector) <-chan event {
	events := make(chan event, 32)
	go func() {
		defer close(events)
		defer func() {
			if v := recover(); v != nil {
				h.log.Error("panic", "path", pathWatch, "value", v, "stack", string(debug.Stack()))
				send(ctx, events, event{err: moot.Internal})
			}
		}()
		for e, err := range h.node.Watch(ctx, since) {
			if !send(ctx, events, event{e, err}) || err != nil {
				return
			}
		}
	}()
	return events
}

func send(ctx context.Context, events chan<- event, e event) bool {
	select {
	case events <- e:
		return true
	case <-ctx.Done():
		return false
	}
}

// Watch implements moot.Feeds. It ends with an error of kind Unavailable when entries
// and heartbeats stop, or the connection ends; and without an error when ctx ends.
func (c *Client) Watch(ctx context.Context, since moot.Vector) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) {
		in, err := c.entries(ctx, pathWatch, watchFrom{since})
		if err == nil {
			defer in.Close()
			err = yieldEntries(in, yield)
		}
		if err != nil && ctx.Err() == nil {
			yield(moot.Entry{}, err)
		}
	}
}

// yieldEntries yields entries until the loop breaks (nil) or the stream ends.
func yieldEntries(in *entrySource, yield func(moot.Entry, error) bool) error {
	for {
		e, heartbeat, err := in.nextEntry()
		switch {
		case err == io.EOF:
			return moot.Errorf(moot.Unavailable, "the node ended the watch")
		case err != nil:
			return err
		case !heartbeat && !yield(e, nil):
			return nil
		}
	}
}
