package blob_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// TestNextRun: joined groups are the groups, also before an error.
func TestNextRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(0, 30*blob.GroupSize).Draw(t, "size")
		data := random(size)
		b, tree := hashed(t, data)
		r := moot.Range{Offset: rapid.Int64Range(0, int64(size)).Draw(t, "offset"), Length: rapid.Int64Range(0, int64(size)).Draw(t, "length")}
		all := slice(t, b, data, tree, r)
		all = all[:len(all)-rapid.SampledFrom([]int{0, 0, 1, blob.GroupSize + 1}).Draw(t, "cut")%len(all)]
		one, many := blob.NewDecoder(bytes.NewReader(all), b.ID, r), blob.NewDecoder(bytes.NewReader(all), b.ID, r)
		buf := make([]byte, rapid.IntRange(1, 9).Draw(t, "most")*blob.GroupSize)
		for {
			run, err := many.NextRun(buf)
			if err != nil {
				if _, other := one.Next(); !errors.Is(err, io.EOF) && moot.KindOf(other) != moot.KindOf(err) || errors.Is(err, io.EOF) != errors.Is(other, io.EOF) {
					t.Fatalf("ends with %v, one by one with %v", err, other)
				}
				return
			}
			var joined blob.Group
			for i := range run.Count() {
				g, err := one.Next()
				if err != nil || g.Index != run.Index+i {
					t.Fatalf("group %d: %v, in a run from %d", g.Index, err, run.Index)
				}
				joined.Data, joined.Nodes = append(joined.Data, g.Data...), append(joined.Nodes, g.Nodes...)
			}
			if !bytes.Equal(joined.Data, run.Data) || len(joined.Nodes) != len(run.Nodes) {
				t.Fatalf("%d bytes and %d nodes, one by one %d and %d", len(run.Data), len(run.Nodes), len(joined.Data), len(joined.Nodes))
			}
		}
	})
}
