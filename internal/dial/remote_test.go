package dial

import (
	"bytes"
	"context"
	"io"
	"iter"
	"math/rand/v2"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/ask"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/throttle"
	"github.com/mootspace/moot/internal/wire"
)

// within fails unless an operation took about as long as it should.
func within(t *testing.T, what string, took, least, most time.Duration) {
	t.Helper()
	if took < least || took > most {
		t.Errorf("%s took %v, want %v to %v", what, took, least, most)
	}
}

// everything allows all requests.
type everything struct{}

func (everything) Allow(context.Context, moot.Key, string, string) error { return nil }
func (everything) Accept(context.Context, moot.Key, moot.Entry) error    { return nil }

// TestDownloadRate fetches a blob from one node and from several at a limited rate, and
// asks them something else meanwhile.
func TestDownloadRate(t *testing.T) {
	const limit, size = 1 << 20, 4 << 20
	content := make([]byte, size)
	rand.NewChaCha8([32]byte{}).Read(content)
	for _, sources := range []int{1, 5} {
		synctest.Test(t, func(t *testing.T) {
			in, out := &throttle.Throttle{}, &throttle.Throttle{}
			s := &sourcesOf{nodes: map[moot.Key]moot.Node{}}
			var b moot.Blob
			for i := range sources {
				st := openStore(t)
				b = put(t, st, content)
				s.nodes[moot.Key{byte(i + 1)}] = Remote{wire.NewClient(serve(t, st), "http://node"), in, out}
			}
			through := ask.New(ask.Config{Local: openStore(t), Self: moot.Key{0xff}, Locator: s, Dial: s.dial})
			in.Limit(limit)
			begun := time.Now()
			time.AfterFunc(time.Second, func() {
				if _, err := s.nodes[moot.Key{1}].Have(t.Context(), b.ID); err != nil {
					t.Error(err)
				}
				within(t, "a question meanwhile", time.Since(begun), time.Second, time.Second)
			})
			slice, err := through.Get(t.Context(), b.ID, moot.Whole)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(blob.NewDecoder(slice, b.ID, moot.Whole))
			slice.Close()
			if err != nil || !bytes.Equal(got, content) {
				t.Fatalf("got %d bytes: %v", len(got), err)
			}
			within(t, "4 MiB at 1 MiB/s", time.Since(begun), 3900*time.Millisecond, 4500*time.Millisecond)
			if in := in.Passed(); in < size || in > size*11/10 {
				t.Errorf("%d bytes came for %d", in, size)
			}
		})
	}
}

// TestPutRates puts a blob into a server whose owner limits what comes, and by a node
// whose owner limits what goes.
func TestPutRates(t *testing.T) {
	for _, who := range []string{"server", "client"} {
		synctest.Test(t, func(t *testing.T) {
			client, server := &throttle.Throttle{}, &throttle.Throttle{}
			if who == "server" {
				server.Limit(1 << 20)
			} else {
				client.Limit(1 << 20)
			}
			remote := Remote{wire.NewClient(serve(t, Metered{openStore(t), server}), "http://node"), &throttle.Throttle{}, client}
			begun := time.Now()
			put(t, remote, make([]byte, 2<<20))
			within(t, "2 MiB at 1 MiB/s, limited by the "+who, time.Since(begun), 1900*time.Millisecond, 2*time.Second)
		})
	}
}

// TestManyRates stores and fetches many small blobs at a rate that either side limits.
func TestManyRates(t *testing.T) {
	var contents [][]byte
	var ids []moot.BlobID
	for i := range 64 {
		data := bytes.Repeat([]byte{byte(i)}, 32<<10)
		contents, ids = append(contents, data), append(ids, blob.IDOf(data))
	}
	for _, who := range []string{"server", "client"} {
		synctest.Test(t, func(t *testing.T) {
			in, out, server := &throttle.Throttle{}, &throttle.Throttle{}, &throttle.Throttle{}
			if who == "server" {
				server.Limit(1 << 20)
			} else {
				out.Limit(1 << 20)
				in.Limit(1 << 20)
			}
			remote := Remote{wire.NewClient(serve(t, Metered{openStore(t), server}), "http://node"), in, out}
			begun := time.Now()
			if _, err := remote.PutMany(t.Context(), contents); err != nil {
				t.Fatal(err)
			}
			within(t, "storing 2 MiB at 1 MiB/s, limited by the "+who, time.Since(begun), 1900*time.Millisecond, 2100*time.Millisecond)
			begun = time.Now()
			count := 0
			for _, err := range remote.GetMany(t.Context(), ids) {
				if err != nil {
					t.Fatal(err)
				}
				count++
			}
			if count != len(ids) {
				t.Errorf("%d blobs came", count)
			}
			if who == "client" {
				within(t, "fetching 2 MiB at 1 MiB/s", time.Since(begun), 1900*time.Millisecond, 2100*time.Millisecond)
			}
		})
	}
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func put(t *testing.T, n moot.Node, content []byte) moot.Blob {
	t.Helper()
	b, err := n.Put(t.Context(), bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sourcesOf is an architecture of nodes that have everything.
type sourcesOf struct{ nodes map[moot.Key]moot.Node }

func (s *sourcesOf) Locate(context.Context, moot.BlobID) iter.Seq[moot.Peer] {
	return func(yield func(moot.Peer) bool) {
		for k := range s.nodes {
			if !yield(moot.Peer{ID: k}) {
				return
			}
		}
	}
}
func (s *sourcesOf) Announce(context.Context, moot.BlobID) error { return nil }
func (s *sourcesOf) Authority() (moot.Authority, bool)           { return moot.Authority{}, false }
func (s *sourcesOf) dial(p moot.Peer) (moot.Node, error)         { return s.nodes[p.ID], nil }

// serve answers for a node over connections within this process, whose time is that of
// the test's bubble.
func serve(t *testing.T, n moot.Node) http.RoundTripper {
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	srv := &http.Server{Handler: wire.Handler(n, everything{}, wire.Options{})}
	go srv.Serve(l)
	rt := &http.Transport{DialContext: l.dial}
	t.Cleanup(func() { rt.CloseIdleConnections(); srv.Close() })
	return rt
}

type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error   { close(l.closed); return nil }
func (l *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
