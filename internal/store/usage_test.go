package store

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// TestUsage: rows, files, downloads and files elsewhere are told apart; what was dropped or
// is about to be collected is not counted.
func TestUsage(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		before, err := r.Usage(t.Context())
		must(t, err)
		if before.Database == 0 || before != (Usage{Database: before.Database}) {
			t.Errorf("an empty store takes %+v", before)
		}
		names, err := r.PutMany(t.Context(), [][]byte{{}, content(100, 1), content(moot.MaxSmall, 2), content(300, 3), content(400, 4)})
		must(t, err)
		large := r.put(content(100_000, 5))
		must(t, r.Drop(t.Context(), names[3].ID))
		_, err = r.doom([]doomed{{names[4], true}}, r.now())
		must(t, err)
		path := filepath.Join(t.TempDir(), "film")
		must(t, os.WriteFile(path, content(7000, 6), 0o600))
		_, err = r.Link(t.Context(), path)
		must(t, err)
		data := content(3*blob.GroupSize+5, 7)
		b, err := blob.Hash(bytes.NewReader(data))
		must(t, err)
		p, err := r.Fill(t.Context(), b)
		must(t, err)
		download(t, p, b, data, 1, 3)
		must(t, p.Close())
		got, err := r.Usage(t.Context())
		must(t, err)
		want := Usage{Blobs: 4, Bytes: 100 + moot.MaxSmall + 100_000, Partial: 2 * blob.GroupSize, Database: got.Database, Linked: 7000}
		if got != want || got.Database < before.Database {
			t.Errorf("%+v, want %+v", got, want)
		}
		sizes := map[moot.Blob]bool{}
		for b, err := range r.Sizes(t.Context()) {
			must(t, err)
			sizes[b] = true
		}
		if want := map[moot.Blob]bool{names[0]: true, names[1]: true, names[2]: true, large: true}; !maps.Equal(sizes, want) {
			t.Errorf("%v, want %v", sizes, want)
		}
		must(t, r.Close())
		_, err = r.Usage(t.Context())
		wantKind(t, err, moot.Unavailable)
	})
}

// BenchmarkUsage counts 100,000 small blobs.
func BenchmarkUsage(b *testing.B) {
	r := diskRig(b)
	n := uint64(0)
	for range 100 {
		var batch [][]byte
		for range 1000 {
			batch = append(batch, bytes.Clone(fresh(content(2048, 1), &n)))
		}
		_, err := r.PutMany(b.Context(), batch)
		must(b, err)
	}
	b.Run("Usage", func(b *testing.B) {
		for b.Loop() {
			_, err := r.Usage(b.Context())
			must(b, err)
		}
	})
	b.Run("Sizes", func(b *testing.B) {
		for b.Loop() {
			for _, err := range r.Sizes(b.Context()) {
				must(b, err)
			}
		}
	})
}
