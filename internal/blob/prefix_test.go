package blob_test

import (
	"bytes"
	"io"
	"testing"

	"pgregory.net/rapid"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// TestProofPrefix: whatever is known of a tree, the slice begins with the prefix.
func TestProofPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(0, 40*blob.GroupSize).Draw(t, "size")
		data := random(size)
		b, tree := hashed(t, data)
		known := map[int64][32]byte{}
		learn := func(r moot.Range, remember func() bool) []byte {
			all := slice(t, b, data, tree, r)
			d := blob.NewDecoder(bytes.NewReader(all), b.ID, r)
			for {
				g, err := d.Next()
				if err == io.EOF {
					return all
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range g.Nodes {
					if remember() {
						known[n.Pos] = n.CV
					}
				}
			}
		}
		pick := func() moot.Range {
			return moot.Range{Offset: rapid.Int64Range(0, int64(size)).Draw(t, "offset"), Length: rapid.Int64Range(0, int64(size)).Draw(t, "length")}
		}
		for range rapid.IntRange(0, 4).Draw(t, "before") {
			learn(pick(), func() bool { return rapid.IntRange(0, 9).Draw(t, "keep") > 0 })
		}
		r := pick()
		prefix, n := blob.ProofPrefix(b.Size, r, func(pos int64) (cv [32]byte, ok bool) { cv, ok = known[pos]; return cv, ok })
		all := learn(r, func() bool { return false })
		if int64(len(prefix)) != blob.ProofPrefixSize(n) || !bytes.HasPrefix(all, prefix) {
			t.Errorf("the slice does not begin with the prefix of %d parents, %d bytes", n, len(prefix))
		}
	})
}
