package wire

import (
	"bufio"
	"context"
	"io"
	"iter"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
)

// pipes is a network inside a synctest bubble, where hours pass in no time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

// bubble serves h over pipes and returns its client and how to end both.
func bubble(h http.Handler) (*Client, func()) {
	p := pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: h}
	go server.Serve(p)
	rt := &http.Transport{DialContext: p.dial}
	return NewClient(rt, "http://node"), func() {
		rt.CloseIdleConnections()
		server.Close()
	}
}

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case p.conns <- a:
		return b, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.done); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

// Heartbeats keep a quiet watch alive for as long as one likes.
func TestQuietWatchLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		c, end := bubble(Handler(m, guard{}, Options{}))
		defer end()
		a := newAuthor(1)
		go func() {
			<-time.After(10 * time.Hour) // of the bubble's clock
			m.Append(t.Context(), moot.Merge, a.sign("at last", ""))
		}()
		for e, err := range c.Watch(t.Context(), moot.Vector{}) {
			if err != nil || e.Key != "at last" {
				t.Error(e, err)
			}
			break
		}
	})
}

// A node that sends nothing at all runs into the idle timeout.
func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := make(chan struct{}, 2)
		c, end := bubble(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			started <- struct{}{}
			if r.URL.Path == pathWatch {
				w.Header().Set("Content-Type", typeSeq)
				w.Write([]byte{itemNull})
				http.NewResponseController(w).Flush()
			}
			<-r.Context().Done()
		}))
		defer end()
		began := time.Now()
		for _, err := range c.Watch(t.Context(), moot.Vector{}) {
			if took := time.Since(began); moot.KindOf(err) != moot.Unavailable || took != idleTimeout {
				t.Error(took, err)
			}
		}
		if _, err := c.Vector(t.Context()); moot.KindOf(err) != moot.Unavailable {
			t.Error(err)
		}
		if len(started) != 2 {
			t.Error("a request is missing")
		}
	})
}

// The own time of Watch's caller does not count as idle.
func TestSlowReaderIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHandler(nil, guard{}, Options{})
		h.stall = 24 * time.Hour
		h.node = broken{watch: func(context.Context) iter.Seq2[moot.Entry, error] { return seq(3, nil) }}
		h.mux.Handle("/", h.serve(h.watch))
		c, end := bubble(h)
		defer end()
		n := 0
		for _, err := range c.Watch(t.Context(), moot.Vector{}) {
			if n++; err != nil {
				if n != 4 || moot.KindOf(err) != moot.Unavailable {
					t.Error(n, err)
				}
				return
			}
			<-time.After(time.Hour)
		}
	})
}

// A watcher that does not read is dropped, and the node's watch ends.
func TestStalledWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int64
		began := time.Now()
		m := newMemory()
		n := broken{Node: m, watch: func(ctx context.Context) iter.Seq2[moot.Entry, error] {
			return func(yield func(moot.Entry, error) bool) {
				m.Watch(ctx, moot.Vector{})(yield)
				ended.Store(int64(time.Since(began)))
			}
		}}
		h := Handler(n, guard{}, Options{})
		a, b := net.Pipe()
		listen := pipes{make(chan net.Conn, 1), make(chan struct{})}
		listen.conns <- a
		server := &http.Server{Handler: h}
		go server.Serve(listen)
		defer server.Close()
		io.WriteString(b, "POST /v2/watch HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
		resp, err := http.ReadResponse(bufio.NewReader(b), nil)
		if err != nil {
			t.Fatal(err)
		}
		io.ReadFull(resp.Body, make([]byte, 1)) // and nothing after it
		<-time.After(stallTimeout + heartbeatEvery)
		synctest.Wait()
		if took := time.Duration(ended.Load()); took == 0 || took > stallTimeout+heartbeatEvery {
			t.Error("the node's watch ended after", took)
		}
		b.Close()
	})
}

// A watcher sees nothing after it was revoked.
func TestRevokedWatcher(t *testing.T) {
	m := newMemory()
	var revoked atomic.Bool
	g := guard{allow: func(moot.Key, string, string) error {
		if revoked.Load() {
			return moot.Errorf(moot.Revoked, "no longer a member")
		}
		return nil
	}}
	c := dial(t, Handler(m, g, Options{}))
	a := newAuthor(1)
	m.Append(t.Context(), moot.Merge, a.sign("before", ""))
	var got []string
	within(t, 10*time.Second, func() {
		for e, err := range c.Watch(t.Context(), moot.Vector{}) {
			if err != nil {
				got = append(got, err.Error())
				break
			}
			got = append(got, e.Key)
			revoked.Store(true)
			m.Append(t.Context(), moot.Merge, a.sign("after", ""))
		}
	})
	if !slices.Equal(got, []string{"before", "no longer a member"}) {
		t.Fatal(got)
	}
}

// Errors of the node's watch, panics among them, end the client's.
func TestWatchFails(t *testing.T) {
	for kind, watch := range map[moot.ErrorKind]iter.Seq2[moot.Entry, error]{
		moot.Corrupt:     seq(2, moot.Errorf(moot.Corrupt, "damaged")),
		moot.Unavailable: seq(2, nil), // hung up
		moot.Internal:    func(func(moot.Entry, error) bool) { panic("in another goroutine") },
	} {
		n := broken{watch: func(context.Context) iter.Seq2[moot.Entry, error] { return watch }}
		overBoth(t, Handler(n, guard{}, Options{}), func(t *testing.T, c *Client) {
			var last error
			for _, err := range c.Watch(t.Context(), moot.Vector{}) {
				last = err
			}
			if moot.KindOf(last) != kind {
				t.Errorf("%v, want %v", last, kind)
			}
		})
	}
}
