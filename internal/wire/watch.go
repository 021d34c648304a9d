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
	Since moot.Vector `json:"since,omitempty"`
}

// watch serves POST /v1/watch: entries as they come, and heartbeats in between.
// It answers at once. The guard is asked again before everything that is sent,
// so that a watcher who is revoked sees nothing after that.
func (h *handler) watch(w *writer, r *http.Request) error {
	if err := h.allow(r, "read", ""); err != nil {
		return err
	}
	var from watchFrom
	if err := readJSON(r.Body, &from); err != nil {
		return err
	}
	out := newOutput(w, r)
	out.beat()
	if out.flush() != nil {
		return nil
	}
	ctx, stop := context.WithCancel(r.Context())
	news := h.news(ctx, from.Since)
	defer func() {
		stop()
		for range news { // the node must have let go before the request ends
		}
	}()
	tick := time.NewTicker(h.beat)
	defer tick.Stop()
	return h.relay(out, r, news, tick.C)
}

// relay sends what arrives until the watch ends, or nobody listens any more.
func (h *handler) relay(out *output, r *http.Request, news <-chan event, tick <-chan time.Time) error {
	for {
		var err error
		select {
		case next, more := <-news:
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
			err = out.beat()
		}
		if err == nil && len(news) == 0 {
			err = out.flush()
		}
		if err != nil {
			return nil
		}
	}
}

// event is something that a watch yielded.
type event struct {
	entry moot.Entry
	err   error
}

// news runs the node's watch until ctx ends; the channel closes when it is over.
func (h *handler) news(ctx context.Context, since moot.Vector) <-chan event {
	news := make(chan event, 32)
	go func() {
		defer close(news)
		defer func() {
			if v := recover(); v != nil {
				h.log.Error("panic", "path", pathWatch, "value", v, "stack", string(debug.Stack()))
				send(ctx, news, event{err: moot.Internal})
			}
		}()
		for e, err := range h.node.Watch(ctx, since) {
			if !send(ctx, news, event{e, err}) || err != nil {
				return
			}
		}
	}()
	return news
}

func send(ctx context.Context, news chan<- event, e event) bool {
	select {
	case news <- e:
		return true
	case <-ctx.Done():
		return false
	}
}

// Watch implements moot.Feeds. It ends with an error of kind Unavailable when
// the node is silent, heartbeats included, or hangs up; and without an error
// when ctx ends.
func (c *Client) Watch(ctx context.Context, since moot.Vector) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) {
		in, err := c.entries(ctx, pathWatch, watchFrom{since})
		if err == nil {
			defer in.Close()
			err = follow(in, yield)
		}
		if err != nil && ctx.Err() == nil {
			yield(moot.Entry{}, err)
		}
	}
}

// follow yields entries until the loop breaks (nil) or the stream does.
func follow(in *entrySource, yield func(moot.Entry, error) bool) error {
	for {
		e, beat, err := in.nextEntry()
		switch {
		case err == io.EOF:
			return moot.Errorf(moot.Unavailable, "the watch was ended")
		case err != nil:
			return err
		case !beat && !yield(e, nil):
			return nil
		}
	}
}
