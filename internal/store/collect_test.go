package store

import (
	"bytes"
	"context"
	"iter"
	"os"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

func nothing(context.Context) iter.Seq2[moot.BlobID, error] {
	return func(func(moot.BlobID, error) bool) {}
}

// TestCollectGivesUpDownloads that nobody has open or adds to, and trees without bytes.
func TestCollectGivesUpDownloads(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		now := time.Now()
		r.now = func() time.Time { return now }
		var open []blob.Partial
		for i := range 2 {
			data := content(5*blob.GroupSize, byte(i))
			b := must1(blob.Hash(bytes.NewReader(data)))(t)
			p, err := r.Fill(t.Context(), b)
			must(t, err)
			download(t, p, b, data, 0, 2)
			open = append(open, p)
		}
		_, err := r.Hash(bytes.NewReader(content(5*blob.GroupSize, 9)), true)
		must(t, err)
		must(t, open[0].Close())
		for _, want := range []int64{0, 1, 0} {
			c, err := r.Collect(t.Context(), CollectOptions{Needed: nothing})
			must(t, err)
			if c.Parts != want || c.PartBytes != want*2*blob.GroupSize {
				t.Fatalf("collected: %+v, want %d downloads", c, want)
			}
			now = now.Add(2 * Lease)
		}
		must(t, open[1].Close())
		if names := must1(r.blobs.disk.list("part"))(t); len(names) != 3 {
			t.Errorf("of one download that was open are left %v", names)
		}
		for _, shard := range must1(r.blobs.disk.list("all"))(t) {
			if names := must1(r.blobs.disk.list("all/" + shard))(t); len(names) > 0 {
				t.Errorf("without bytes: %v", names)
			}
		}
	})
}

// TestPutAfterTheChoice: what is put after a collector has chosen it stays.
func TestPutAfterTheChoice(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		small, large := content(100, 1), content(1<<20, 2)
		now := time.Now()
		r.now = func() time.Time { return now }
		r.small.now = r.now
		put := func() []moot.Blob {
			names, err := r.PutMany(t.Context(), [][]byte{small})
			must(t, err)
			b := r.put(large)
			r.blobs.touch(b.ID, now)
			return append(names, b)
		}
		names := put()
		now = now.Add(48 * time.Hour)
		limit := now.Add(-Lease)
		chosen, err := r.choose(t.Context(), CollectOptions{Needed: nothing}, limit, &Collected{})
		must(t, err)
		if len(chosen) != 2 {
			t.Fatal(chosen)
		}
		put()
		list, err := r.doom(chosen, limit)
		must(t, err)
		if len(list) != 0 {
			t.Errorf("%v are not held any more", list)
		}
		must(t, r.erase(t.Context(), CollectOptions{}, list, limit))
		for _, b := range names {
			if _, err := r.Have(t.Context(), b.ID); err != nil {
				t.Errorf("%d bytes, put and acknowledged: %v", b.Size, err)
			}
		}
	})
}

// TestCollectLeavesLinks: the tree of a file shared in place.
func TestCollectLeavesLinks(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		path := t.TempDir() + "/f"
		data := content(5*blob.GroupSize, 3)
		must(t, os.WriteFile(path, data, 0o600))
		b, err := r.Link(t.Context(), path)
		must(t, err)
		r.put(data)
		r.now = func() time.Time { return time.Now().Add(48 * time.Hour) }
		_, err = r.Collect(t.Context(), CollectOptions{Needed: nothing})
		must(t, err)
		got, err := r.get(b.ID, moot.Whole)
		must(t, err)
		if !bytes.Equal(got, data) {
			t.Fatal("wrong bytes")
		}
	})
}
