package blob_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"testing"

	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

const benchSize = 64 << 20

// BenchmarkHash names a blob: read in pieces, as files are, and with the tree of bytes
// that lie in memory. Beside it the hash functions alone: BLAKE3 on all cores, SHA-256
// on one.
func BenchmarkHash(b *testing.B) {
	data := random(benchSize)
	for _, c := range []struct {
		name string
		hash func()
	}{
		{"reader", func() { blob.Hash(struct{ io.Reader }{bytes.NewReader(data)}) }},
		{"tree", func() {
			h := blob.NewHasher(io.Discard)
			h.Write(data)
			h.Sum()
		}},
		{"blake3", func() { blake3.Sum256(data) }},
		{"sha256", func() { sha256.Sum256(data) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(benchSize)
			for b.Loop() {
				c.hash()
			}
		})
	}
}

// stretches are what is asked for: one group, a part of a download, everything.
var stretches = []moot.Range{{Offset: 40 << 20, Length: 16 << 10}, {Offset: 40 << 20, Length: 1 << 20}, moot.Whole}

// overStretches benchmarks with each of them. What a slice has besides its bytes is
// reported as overhead in percent.
func overStretches(b *testing.B, run func(b *testing.B, name moot.Blob, data, tree []byte, r moot.Range)) {
	data := random(benchSize)
	name, tree := hashed(b, data)
	for _, r := range stretches {
		n := r.In(benchSize).Length
		b.Run(fmt.Sprintf("%dKiB", n>>10), func(b *testing.B) {
			b.SetBytes(n)
			run(b, name, data, tree, r)
			proof := len(slice(b, name, data, tree, r)) - int(n)
			b.ReportMetric(100*float64(proof)/float64(n), "%proof")
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	overStretches(b, func(b *testing.B, name moot.Blob, data, tree []byte, r moot.Range) {
		for b.Loop() {
			if err := blob.Encode(io.Discard, name, bytes.NewReader(data), bytes.NewReader(tree), r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	overStretches(b, func(b *testing.B, name moot.Blob, data, tree []byte, r moot.Range) {
		in := slice(b, name, data, tree, r)
		for b.Loop() {
			if _, err := io.Copy(io.Discard, blob.NewDecoder(bytes.NewReader(in), name.ID, r)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
