package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/durable"
)

// blobSizes are of one group, of a photo, and of a film's part.
var blobSizes = []int{16 << 10, 4 << 20, 64 << 20}

// fresh makes content differ from all before it, so nothing is held already.
func fresh(data []byte, n *uint64) []byte {
	*n++
	binary.LittleEndian.PutUint64(data, *n)
	return data
}

func overSizes(b *testing.B, run func(b *testing.B, data []byte)) {
	for _, size := range blobSizes {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(size))
			run(b, content(size, 1))
		})
	}
}

// writeSynced is the least that a durable write costs: the bytes, one fsync.
func writeSynced(b *testing.B, path string, data []byte) {
	f, err := os.Create(path)
	must(b, err)
	defer f.Close()
	_, err = f.Write(data)
	must(b, err)
	must(b, f.Sync())
}

// BenchmarkWriteSynced is the reference of BenchmarkPut and BenchmarkFill.
func BenchmarkWriteSynced(b *testing.B) {
	overSizes(b, func(b *testing.B, data []byte) {
		path, n := filepath.Join(b.TempDir(), "file"), uint64(0)
		for b.Loop() {
			writeSynced(b, path, fresh(data, &n))
			must(b, os.Remove(path))
		}
	})
}

// BenchmarkWriteNamed also gives the bytes a name that survives: a rename, and the
// folder's fsync.
func BenchmarkWriteNamed(b *testing.B) {
	overSizes(b, func(b *testing.B, data []byte) {
		dir, n := b.TempDir(), uint64(0)
		path, name := filepath.Join(dir, "file"), filepath.Join(dir, "named")
		for b.Loop() {
			writeSynced(b, path, fresh(data, &n))
			must(b, os.Rename(path, name))
			must(b, durable.SyncFolder(dir))
			must(b, os.Remove(name))
		}
	})
}

// withFolders is a store that has all the folders of blobs, as any store
// soon has.
func withFolders(b *testing.B) *rig {
	r := diskRig(b)
	for i := range 256 {
		must(b, os.MkdirAll(filepath.Join(r.cfg.Blobs, "all", fmt.Sprintf("%02x", i)), 0o700))
	}
	must(b, durable.SyncFolder(filepath.Join(r.cfg.Blobs, "all")))
	return r
}

// BenchmarkPut stores a blob and its tree durably: two files, renamed, and a folder.
func BenchmarkPut(b *testing.B) {
	overSizes(b, func(b *testing.B, data []byte) {
		r, n := withFolders(b), uint64(0)
		for b.Loop() {
			name := r.put(fresh(data, &n))
			must(b, r.blobs.drop(name.ID))
		}
	})
}

// BenchmarkFill stores a blob as a download does: verified group by group, in
// another order, durable when it is complete.
func BenchmarkFill(b *testing.B) {
	overSizes(b, func(b *testing.B, data []byte) {
		r := diskRig(b)
		name := r.put(data)
		groups := decoded(b, r, name)
		must(b, r.blobs.drop(name.ID))
		for b.Loop() {
			fill(b, r, name, groups)
			must(b, r.blobs.drop(name.ID))
		}
	})
}

// decoded returns the groups of a blob, the last half of them first.
func decoded(b *testing.B, r *rig, name moot.Blob) (groups []blob.Group) {
	rc, err := r.Get(b.Context(), name.ID, moot.Whole)
	must(b, err)
	defer rc.Close()
	d := blob.NewDecoder(rc, name.ID, moot.Whole)
	for {
		g, err := d.Next()
		if err == io.EOF {
			half := len(groups) / 2
			return append(groups[half:len(groups):len(groups)], groups[:half]...)
		}
		must(b, err)
		groups = append(groups, blob.Group{Index: g.Index, Data: bytes.Clone(g.Data), Nodes: append([]blob.Node(nil), g.Nodes...)})
	}
}

func fill(b *testing.B, r *rig, name moot.Blob, groups []blob.Group) {
	p, err := r.Fill(b.Context(), name)
	must(b, err)
	for _, g := range groups {
		must(b, p.Write(g))
	}
	must(b, p.Complete(b.Context()))
	must(b, p.Close())
}

// BenchmarkReadFile is the reference of BenchmarkGet: the same bytes from the cache of
// the operating system, without verifying anything.
func BenchmarkReadFile(b *testing.B) {
	overSizes(b, func(b *testing.B, data []byte) {
		path := filepath.Join(b.TempDir(), "file")
		writeSynced(b, path, data)
		buf := make([]byte, 128<<10)
		for b.Loop() {
			f, err := os.Open(path)
			must(b, err)
			_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, buf)
			must(b, err)
			must(b, f.Close())
		}
	})
}

// BenchmarkGet reads a blob as it is served: each group is verified on its way out.
func BenchmarkGet(b *testing.B) {
	overSizes(b, func(b *testing.B, data []byte) {
		r := diskRig(b)
		name := r.put(data)
		for b.Loop() {
			must(b, serveOnce(b.Context(), r, name.ID, moot.Whole))
		}
	})
}

// BenchmarkGetRange serves one group of a large blob.
func BenchmarkGetRange(b *testing.B) {
	r := diskRig(b)
	name := r.put(content(64<<20, 1))
	b.SetBytes(blob.GroupSize)
	for b.Loop() {
		must(b, serveOnce(b.Context(), r, name.ID, moot.Range{Offset: 40 << 20, Length: blob.GroupSize}))
	}
}

func serveOnce(ctx context.Context, r *rig, id moot.BlobID, rng moot.Range) error {
	rc, err := r.Get(ctx, id, rng)
	if err != nil {
		return err
	}
	defer rc.Close()
	_, err = io.Copy(io.Discard, rc)
	return err
}
