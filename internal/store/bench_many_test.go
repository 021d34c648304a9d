package store

import (
	"bytes"
	"slices"
	"testing"

	"github.com/mootspace/moot"
)

// manySmall is a folder of small files, as one window of a transfer has them.
const manySmall = 5000

// freshMany returns manySmall contents of 2 KB that were not stored before.
func freshMany(n *uint64) (contents [][]byte) {
	data := content(2048, 1)
	for range manySmall {
		contents = append(contents, bytes.Clone(fresh(data, n)))
	}
	return contents
}

func putMany(b *testing.B, r *rig, contents [][]byte) (ids []moot.BlobID) {
	for len(contents) > 0 {
		part := contents[:min(1000, len(contents))]
		contents = contents[len(part):]
		names, err := r.PutMany(b.Context(), part)
		must(b, err)
		for _, name := range names {
			ids = append(ids, name.ID)
		}
	}
	return ids
}

func perBlob(b *testing.B) {
	b.SetBytes(manySmall * 2048)
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*manySmall), "µs/blob")
}

// BenchmarkPutMany stores small blobs, 1,000 with each call.
func BenchmarkPutMany(b *testing.B) {
	r, n := diskRig(b), uint64(0)
	for b.Loop() {
		b.StopTimer()
		contents := freshMany(&n)
		b.StartTimer()
		putMany(b, r, contents)
	}
	perBlob(b)
}

// BenchmarkGetMany reads small blobs and verifies them.
func BenchmarkGetMany(b *testing.B) {
	r, n := diskRig(b), uint64(0)
	ids := putMany(b, r, freshMany(&n))
	for b.Loop() {
		got := 0
		for part := range slices.Chunk(ids, moot.MaxMany) {
			for _, err := range r.GetMany(b.Context(), part) {
				must(b, err)
				got++
			}
		}
		if got != manySmall {
			b.Fatalf("%d blobs", got)
		}
	}
	perBlob(b)
}
