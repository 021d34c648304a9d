package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// many returns what GetMany yields; a blob that comes twice is an error.
func (r *rig) many(ids ...moot.BlobID) map[moot.BlobID]string {
	r.t.Helper()
	got := map[moot.BlobID]string{}
	for b, err := range r.GetMany(r.t.Context(), ids) {
		must(r.t, err)
		if blob.IDOf(b.Data) != b.ID {
			r.t.Fatalf("%d bytes under a false name", len(b.Data))
		}
		got[b.ID] = string(b.Data)
	}
	return got
}

func (r *rig) have(ids ...moot.BlobID) []bool {
	r.t.Helper()
	held, err := r.HaveMany(r.t.Context(), ids)
	must(r.t, err)
	return held
}

// TestMany: what is put is had again, also after the store was opened anew, whichever of
// the calls for one or for many put it.
func TestMany(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		contents := [][]byte{{}, content(1, 1), content(blob.GroupSize, 2), content(blob.GroupSize+1, 3), content(moot.MaxSmall, 4), content(1, 1), nil}
		names, err := r.PutMany(t.Context(), contents)
		must(t, err)
		want := map[moot.BlobID]string{}
		for i, data := range contents {
			if whole, err := blob.Hash(bytes.NewReader(data)); err != nil || names[i] != whole {
				t.Fatalf("%d bytes are %v, want %v, %v", len(data), names[i], whole, err)
			}
			want[names[i].ID] = string(data)
		}
		if names[0] != names[6] || names[1] != names[5] {
			t.Error("equal contents have different names")
		}
		one := r.put(content(500, 5))
		want[one.ID] = string(content(500, 5))
		large, missing := r.put(content(moot.MaxSmall+1, 6)), moot.BlobID{1}
		if r.cfg.Blobs != "" {
			r.reopen()
		}
		ids := append(slices.Collect(maps.Keys(want)), large.ID, missing)
		if got := r.many(ids...); !maps.Equal(got, want) {
			t.Errorf("%d blobs, want %d", len(got), len(want))
		}
		if held := r.have(names[0].ID, missing, one.ID, large.ID, names[4].ID, names[0].ID); !slices.Equal(held, []bool{true, false, true, true, true, true}) {
			t.Errorf("held: %v", held)
		}
		for id, data := range want {
			if got, err := r.get(id, moot.Whole); err != nil || string(got) != data {
				t.Errorf("one of %d bytes: %d, %v", len(data), len(got), err)
			}
		}
		if got, err := r.get(names[4].ID, moot.Range{Offset: 3 * blob.GroupSize, Length: 5}); err != nil || !bytes.Equal(got, contents[4][3*blob.GroupSize:3*blob.GroupSize+5]) {
			t.Errorf("a stretch: %d bytes, %v", len(got), err)
		}
		r.dropAll(names[0].ID, one.ID)
	})
}

// dropAll drops blobs, which are then not found in any way.
func (r *rig) dropAll(ids ...moot.BlobID) {
	r.t.Helper()
	for _, id := range ids {
		must(r.t, r.Drop(r.t.Context(), id))
		if _, err := r.Have(r.t.Context(), id); moot.KindOf(err) != moot.NotFound {
			r.t.Errorf("dropped: %v", err)
		}
	}
	if slices.Contains(r.have(ids...), true) || len(r.many(ids...)) > 0 {
		r.t.Error("a dropped blob is held")
	}
}

// TestABlobInBothPlaces is a row and a file: it is dropped as both.
func TestABlobInBothPlaces(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		data := content(3000, 1)
		d := r.blobs.stage() // as stores of earlier versions have it
		b, err := d.fill(t.Context(), bytes.NewReader(data), true)
		must(t, err)
		must(t, d.commit(b.ID))
		d.discard()
		if got := r.many(b.ID); got[b.ID] != string(data) || !r.have(b.ID)[0] {
			t.Error("a file is not held")
		}
		_, err = r.PutMany(t.Context(), [][]byte{data})
		must(t, err)
		all, err := collect(r.Blobs(t.Context()))
		must(t, err)
		if len(all) != 2 || all[0] != b || all[1] != b {
			t.Errorf("blobs: %v", all)
		}
		r.dropAll(b.ID)
		if all, err := collect(r.Blobs(t.Context())); err != nil || len(all) > 0 {
			t.Errorf("left: %v, %v", all, err)
		}
	})
}

// TestBlobsYieldsRows, all of them, by pages, and ends when it is not asked for more.
func TestBlobsYieldsRows(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		want := map[moot.BlobID]bool{}
		for range 3 {
			var batch [][]byte
			for range 900 {
				batch = append(batch, fmt.Append(nil, len(want), len(batch)))
			}
			names, err := r.PutMany(t.Context(), batch)
			must(t, err)
			for _, b := range names {
				want[b.ID] = true
			}
		}
		got := map[moot.BlobID]bool{}
		for b, err := range r.Blobs(t.Context()) {
			must(t, err)
			got[b.ID] = true
		}
		if !maps.Equal(got, want) {
			t.Errorf("%d of %d blobs", len(got), len(want))
		}
		for _, err := range r.Blobs(t.Context()) {
			must(t, err)
			break
		}
		ctx, cancel := context.WithCancel(t.Context())
		for range r.Blobs(ctx) {
			cancel()
		}
		cancel()
		if held := r.have(slices.Collect(maps.Keys(want))...); slices.Contains(held, false) || len(held) != len(want) {
			t.Error("asked for with one call, not all are held")
		}
	})
}

func TestLimitsOfMany(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		fine := content(10, 1)
		_, err := r.PutMany(t.Context(), [][]byte{fine, content(moot.MaxSmall+1, 2)})
		wantKind(t, err, moot.TooLarge)
		if r.have(blob.IDOf(fine))[0] {
			t.Error("part of what was refused is held")
		}
		_, err = r.PutMany(t.Context(), make([][]byte, moot.MaxMany+1))
		wantKind(t, err, moot.TooLarge)
		_, err = r.HaveMany(t.Context(), make([]moot.BlobID, moot.MaxMany+1))
		wantKind(t, err, moot.TooLarge)
		_, err = collect(r.GetMany(t.Context(), make([]moot.BlobID, moot.MaxMany+1)))
		wantKind(t, err, moot.TooLarge)
		names, err := r.PutMany(t.Context(), nil)
		if err != nil || len(names) != 0 || len(r.have()) != 0 || len(r.many()) != 0 {
			t.Errorf("nothing at all: %v, %v", names, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = r.PutMany(ctx, [][]byte{fine})
		wantKind(t, err, moot.Unavailable)
		_, err = r.HaveMany(ctx, nil)
		wantKind(t, err, moot.Unavailable)
		_, err = collect(r.GetMany(ctx, []moot.BlobID{{}}))
		wantKind(t, err, moot.Unavailable)
		must(t, r.Close())
		_, err = r.PutMany(t.Context(), [][]byte{fine})
		wantKind(t, err, moot.Unavailable)
		_, err = r.HaveMany(t.Context(), nil)
		wantKind(t, err, moot.Unavailable)
	})
}

// TestFlushesOfMany: a batch is made durable by one flush of the disk, however many blobs
// are in it.
func TestFlushesOfMany(t *testing.T) {
	r := diskRig(t)
	before := commitsIn(t, filepath.Join(r.cfg.Blobs, smallFile+"-wal"))
	const batches = 5
	for batch := range batches {
		var contents [][]byte
		for i := range 1000 {
			contents = append(contents, fmt.Append(nil, batch, "blob", i))
		}
		_, err := r.PutMany(t.Context(), contents)
		must(t, err)
	}
	if n := commitsIn(t, filepath.Join(r.cfg.Blobs, smallFile+"-wal")) - before; n != batches {
		t.Errorf("%d batches took %d commits", batches, n)
	}
	if files, err := filepath.Glob(filepath.Join(r.cfg.Blobs, "all", "*", "*")); err != nil || len(files) > 0 {
		t.Errorf("files were made: %v, %v", files, err)
	}
}

// commitsIn counts the commits in a WAL (sqlite.org/walformat.html): with synchronous=FULL
// each is flushed once.
func commitsIn(t *testing.T, path string) (n int) {
	t.Helper()
	log, err := os.ReadFile(path)
	must(t, err)
	if len(log) < 32 {
		return 0
	}
	header, page := log[:32], int(binary.BigEndian.Uint32(log[8:]))
	for frame := log[32:]; len(frame) >= 24+page; frame = frame[24+page:] {
		if bytes.Equal(frame[8:16], header[16:24]) && binary.BigEndian.Uint32(frame[4:]) > 0 {
			n++
		}
	}
	return n
}

// TestADroppedBlobIsNotRevived: it was dropped while it was about to be collected.
func TestADroppedBlobIsNotRevived(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		small, err := r.PutMany(t.Context(), [][]byte{content(10, 1)})
		must(t, err)
		ids := []moot.BlobID{small[0].ID, r.put(content(100_000, 2)).ID}
		list := []doomed{{small[0], true}, {moot.Blob{ID: ids[1]}, false}}
		if hit, err := r.doom(list, time.Now().Add(time.Hour)); err != nil || len(hit) != 2 {
			t.Fatalf("doomed: %v, %v", hit, err)
		}
		r.dropAll(ids...)
		must(t, r.revive(list))
		if all, err := collect(r.Sizes(t.Context())); err != nil || len(all) > 0 {
			t.Errorf("revived: %v, %v", all, err)
		}
	})
}
