package wire

import (
	"bytes"
	"io"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// each benchmarks over both versions of HTTP.
func each(b *testing.B, n moot.Node, f func(b *testing.B, c *Client)) {
	for name, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
		b.Run(name, func(b *testing.B) {
			s := serve(b, Handler(n, guard{}, Options{}), http2)
			f(b, NewClient(s.Client().Transport, s.URL))
		})
	}
}

// BenchmarkHave is a small request's round trip.
func BenchmarkHave(b *testing.B) {
	m := newMemory()
	one, _ := m.Put(b.Context(), bytes.NewReader(pattern(1000)))
	each(b, m, func(b *testing.B, c *Client) {
		for b.Loop() {
			if _, err := c.Have(b.Context(), one.ID); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkGet fetches 64 MiB without verifying (Verified: with).
func BenchmarkGet(b *testing.B) {
	m := newMemory()
	large, _ := m.Put(b.Context(), bytes.NewReader(pattern(64<<20)))
	var slice bytes.Buffer
	s := m.blobs[large.ID]
	if err := blob.Encode(&slice, large, bytes.NewReader(s.data), bytes.NewReader(s.tree), moot.Whole); err != nil {
		b.Fatal(err)
	}
	ready := broken{Node: m, get: func(moot.BlobID, moot.Range) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(slice.Bytes())), nil
	}}
	for name, n := range map[string]moot.Node{"Wire": ready, "Verified": m} {
		b.Run(name, func(b *testing.B) {
			each(b, n, func(b *testing.B, c *Client) {
				b.SetBytes(large.Size)
				for b.Loop() {
					r, err := c.Get(b.Context(), large.ID, moot.Whole)
					if err != nil {
						b.Fatal(err)
					}
					var src io.Reader = r
					if name == "Verified" {
						src = blob.NewDecoder(r, large.ID, moot.Whole)
					}
					if _, err := io.Copy(io.Discard, src); err != nil {
						b.Fatal(err)
					}
					r.Close()
				}
			})
		})
	}
}

// BenchmarkPut stores 64 MiB.
func BenchmarkPut(b *testing.B) {
	data := pattern(64 << 20)
	sink := broken{put: func(r io.Reader) (moot.Blob, error) { return blob.Hash(r) }}
	each(b, sink, func(b *testing.B, c *Client) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, err := c.Put(b.Context(), bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
