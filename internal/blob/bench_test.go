package blob_test

import (
	"bytes"
	"io"
	"testing"

	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

const benchSize = 64 << 20

func BenchmarkHash(b *testing.B) {
	data := random(benchSize)
	b.Run("tree", func(b *testing.B) {
		b.SetBytes(benchSize)
		for b.Loop() {
			h := blob.NewHasher(io.Discard)
			h.Write(data)
			h.Sum()
		}
	})
	b.Run("library", func(b *testing.B) {
		b.SetBytes(benchSize)
		for b.Loop() {
			h := blake3.New(32, nil)
			h.Write(data)
			h.Sum(nil)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	data := random(benchSize)
	name, tree := hashed(b, data)
	b.SetBytes(benchSize)
	for b.Loop() {
		if err := blob.Encode(io.Discard, name, bytes.NewReader(data), bytes.NewReader(tree), moot.Whole); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	data := random(benchSize)
	name, tree := hashed(b, data)
	in := slice(b, name, data, tree, moot.Whole)
	b.SetBytes(benchSize)
	for b.Loop() {
		if _, err := io.Copy(io.Discard, blob.NewDecoder(bytes.NewReader(in), name.ID, moot.Whole)); err != nil {
			b.Fatal(err)
		}
	}
}
