package link_test

import (
	"context"
	"crypto/ed25519"
	"io"
	"net/http"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/seal"
)

const chunk = 128 << 10

// stream answers with as many bytes as the benchmark wants.
var stream = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	buf := make([]byte, chunk)
	for {
		if _, err := w.Write(buf); err != nil {
			return
		}
	}
})

func drain(b *testing.B, rt http.RoundTripper, url string) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, chunk)
	b.SetBytes(chunk)
	for b.Loop() {
		if _, err := io.ReadFull(resp.Body, buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkThroughput(b *testing.B) {
	key, client := seal.NewKey(), seal.NewKey()
	b.Run("https", func(b *testing.B) {
		ln, err := link.ListenTCP(b.Context(), "127.0.0.1:0", false)
		if err != nil {
			b.Fatal(err)
		}
		go link.ServeTLS(b.Context(), ln, []ed25519.PrivateKey{key}, nil, stream, nil)
		rt, err := link.TLSTransport(client, seal.Public(key))
		if err != nil {
			b.Fatal(err)
		}
		drain(b, rt, "https://"+ln.Addr().String())
	})
	for _, listen := range []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"} {
		b.Run(listen, func(b *testing.B) {
			h, err := link.NewHost(link.HostConfig{Key: key, Listen: []string{listen}, Allow: everybody})
			if err != nil {
				b.Fatal(err)
			}
			defer h.Close()
			go h.Serve(b.Context(), stream)
			c, err := link.NewHost(link.HostConfig{Key: client, Allow: everybody})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			drain(b, c.Transport(moot.Peer{ID: seal.Public(key), Addrs: h.Addrs()}), "http://peer/")
		})
	}
}
