package suite_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/gossip"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/wire"
)

// overLinks benchmarks over plain HTTP, which is the reference, and over each link:
// real keys, real sockets, nobody else in between.
func overLinks(b *testing.B, h http.Handler, run func(b *testing.B, rt http.RoundTripper, base string)) {
	server, client := seal.NewKey(), seal.NewKey()
	listen := func(b *testing.B) net.Listener {
		ln, err := link.ListenTCP(b.Context(), "127.0.0.1:0", false)
		if err != nil {
			b.Fatal(err)
		}
		return ln
	}
	b.Run("plain", func(b *testing.B) {
		ln, s := listen(b), &http.Server{Handler: h}
		go s.Serve(ln)
		defer s.Close()
		rt := &http.Transport{}
		defer rt.CloseIdleConnections()
		run(b, rt, "http://"+ln.Addr().String())
	})
	b.Run("https", func(b *testing.B) {
		ctx, cancel := context.WithCancel(b.Context())
		defer cancel()
		ln := listen(b)
		go link.ServeTLS(ctx, ln, []ed25519.PrivateKey{server}, nil, h, nil)
		rt, err := link.TLSTransport(client, seal.Public(server))
		if err != nil {
			b.Fatal(err)
		}
		defer rt.CloseIdleConnections()
		run(b, rt, "https://"+ln.Addr().String())
	})
	for name, addr := range map[string]string{"libp2p-tcp": "/ip4/127.0.0.1/tcp/0", "libp2p-quic": "/ip4/127.0.0.1/udp/0/quic-v1"} {
		b.Run(name, func(b *testing.B) {
			everybody := func(moot.Key) bool { return true }
			s, err := link.NewHost(link.HostConfig{Key: server, Listen: []string{addr}, Allow: everybody})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			go s.Serve(b.Context(), h)
			c, err := link.NewHost(link.HostConfig{Key: client, Allow: everybody})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			run(b, c.Transport(moot.Peer{ID: seal.Public(server), Addrs: s.Addrs()}), "http://peer")
		})
	}
}

// freely lets everybody do everything: rules are not what is measured.
type freely struct{}

func (freely) Allow(context.Context, moot.Key, string, string) error { return nil }
func (freely) Accept(context.Context, moot.Key, moot.Entry) error    { return nil }

// onDisk returns a store and what serves it. Plain HTTP knows no callers, so that all
// requests are given one.
func onDisk(b *testing.B) (*store.Store, http.Handler) {
	dir := b.TempDir()
	s, err := store.Open(b.Context(), store.Config{Database: filepath.Join(dir, "db", "moot.db"), Blobs: filepath.Join(dir, "blobs")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	h := wire.Handler(s, freely{}, wire.Options{})
	return s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(moot.WithCaller(r.Context(), moot.Key{1})))
	})
}

// BenchmarkQueryOverLinks is a small question's round trip: one entry of one name.
func BenchmarkQueryOverLinks(b *testing.B) {
	s, h := onDisk(b)
	if err := s.Append(b.Context(), moot.Merge, entries(1)...); err != nil {
		b.Fatal(err)
	}
	overLinks(b, h, func(b *testing.B, rt http.RoundTripper, base string) {
		c := wire.NewClient(rt, base)
		for b.Loop() {
			n := 0
			for _, err := range c.Query(b.Context(), moot.Query{Prefix: "a name"}) {
				if n++; err != nil {
					b.Fatal(err)
				}
			}
			if n != 1 {
				b.Fatal(n)
			}
		}
	})
}

// entries are what one author said, signed.
func entries(n int) (list []moot.Entry) {
	a := feed.NewAuthor(moot.SpaceID{1}, seal.NewKey(), feed.NewClock(time.Now, 0), nil)
	for i := range n {
		e := a.Next(moot.KindFile, fmt.Sprint("a name ", i), nil, []byte("a body"))
		a.Commit(e)
		list = append(list, e)
	}
	return list
}

// BenchmarkReconcile brings an empty store in step with one of a thousand entries, both
// on disk and without a network between them, and then finds them alike.
func BenchmarkReconcile(b *testing.B) {
	const said = 1000
	from, _ := onDisk(b)
	if err := from.Append(b.Context(), moot.Merge, entries(said)...); err != nil {
		b.Fatal(err)
	}
	b.Run("lacking1000", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			to, _ := onDisk(b)
			b.StartTimer()
			if n, _, err := gossip.Reconcile(b.Context(), to, from); err != nil || n != said {
				b.Fatal(n, err)
			}
		}
		b.ReportMetric(float64(b.N)*said/b.Elapsed().Seconds(), "entries/s")
	})
	b.Run("alike", func(b *testing.B) {
		for b.Loop() {
			if n, m, err := gossip.Reconcile(b.Context(), from, from); err != nil || n+m != 0 {
				b.Fatal(n, m, err)
			}
		}
	})
}

// BenchmarkGetOverLinks fetches 64 MiB: verified where they are sent, and where they
// arrive. "raw" are as many zeros that nobody looks at.
func BenchmarkGetOverLinks(b *testing.B) {
	const size = 64 << 20
	b.Run("raw", func(b *testing.B) {
		overLinks(b, zeros(size), func(b *testing.B, rt http.RoundTripper, base string) {
			b.SetBytes(size)
			for b.Loop() {
				resp, err := (&http.Client{Transport: rt}).Get(base)
				if err != nil {
					b.Fatal(err)
				}
				arrives(b, resp.Body, size)
			}
		})
	})
	b.Run("verified", func(b *testing.B) {
		s, h := onDisk(b)
		data := make([]byte, size)
		rand.NewChaCha8([32]byte{}).Read(data)
		large, err := s.Put(b.Context(), bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		overLinks(b, h, func(b *testing.B, rt http.RoundTripper, base string) {
			c := wire.NewClient(rt, base)
			b.SetBytes(size)
			for b.Loop() {
				r, err := c.Get(b.Context(), large.ID, moot.Whole)
				if err != nil {
					b.Fatal(err)
				}
				arrives(b, struct {
					io.Reader
					io.Closer
				}{blob.NewDecoder(r, large.ID, moot.Whole), r}, size)
			}
		})
	})
}

// zeros answers with so many bytes.
func zeros(size int) http.Handler {
	buf := make([]byte, 128<<10)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(size))
		for range size / len(buf) {
			if _, err := w.Write(buf); err != nil {
				return
			}
		}
	})
}

func arrives(b *testing.B, r io.ReadCloser, want int64) {
	defer r.Close()
	if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, 128<<10)); err != nil || n != want {
		b.Fatalf("%d bytes, %v", n, err)
	}
}
