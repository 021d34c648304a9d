package store

import (
	"bytes"
	"errors"
	"io"
	"path"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/durable"
)

// blobs keeps whole blobs on a disk:
//
//	all/ab/<hex>        the bytes of the blob whose ID starts with ab
//	all/ab/<hex>.tree   its tree, unless it has but one group
//	bad/<hex>           quarantined: bytes that no longer match their ID
//	doomed/<hex>        bytes that are about to be collected
//	part/…              downloads under way, see part
//	tmp/…               being written; removed when the store opens
//
// The tree gets its name before the bytes get theirs: bytes under their final name
// are complete, durable and have their tree.
type blobs struct {
	disk disk
	fail func(error) error // called after a failed fsync; see Store.stop
	next atomic.Uint64     // number of the next temporary file
	mu   sync.Mutex        // held while a blob's names change
}

func (b *blobs) name(id moot.BlobID) string { return "all/" + id.String()[:2] + "/" + id.String() }

func treeOf(name string) string { return name + ".tree" }

// clean removes what a crash has left behind.
func (b *blobs) clean() error {
	names, err := b.disk.list("tmp")
	for _, name := range names {
		if err := b.disk.remove("tmp/" + name); err != nil {
			return err
		}
	}
	return err
}

// held is a blob opened for reading.
type held struct {
	moot.Blob
	data, tree io.ReaderAt
	set        *blob.Set // groups held; nil means all
	close      func()
	broken     func() // to be called if the bytes do not match the ID
}

// open opens a whole blob. The error is of kind NotFound if there is none.
func (b *blobs) open(id moot.BlobID) (*held, error) {
	data, err := b.disk.open(b.name(id))
	if err != nil {
		return nil, durable.Error("blob "+id.String(), err)
	}
	size, err := data.Size()
	if err != nil {
		data.Close()
		return nil, durable.Error("blob "+id.String(), err)
	}
	tree, closeTree, err := b.openTree(id, size)
	if err != nil {
		data.Close()
		return nil, err
	}
	return &held{
		Blob: moot.Blob{ID: id, Size: size}, data: data, tree: tree,
		close:  func() { data.Close(); closeTree() },
		broken: func() { b.quarantine(id) },
	}, nil
}

func (b *blobs) openTree(id moot.BlobID, size int64) (io.ReaderAt, func(), error) {
	if size <= blob.GroupSize {
		return bytes.NewReader(nil), func() {}, nil
	}
	tree, err := b.disk.open(treeOf(b.name(id)))
	if err != nil {
		return nil, nil, durable.Error("tree of blob "+id.String(), err)
	}
	return tree, func() { tree.Close() }, nil
}

// quarantine renames damaged bytes, so that they are not offered again. They are verified
// once more under the lock: the blob may have been put anew meanwhile.
func (b *blobs) quarantine(id moot.BlobID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h, err := b.open(id)
	if err != nil {
		return
	}
	err = blob.Encode(io.Discard, h.Blob, h.data, h.tree, moot.Whole)
	h.close()
	if moot.KindOf(err) == moot.Corrupt && b.disk.rename(b.name(id), "bad/"+id.String()) == nil {
		_ = b.disk.syncDir(path.Dir(b.name(id))) // after a crash it may be found damaged once more
	}
}

// setAside writes damaged bytes where they are not offered.
func (b *blobs) setAside(id moot.BlobID, data []byte) error {
	f, err := b.disk.create("bad/" + id.String())
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	return errors.Join(err, f.Close())
}

// drop removes a blob, also one that is about to be collected; none is no error.
func (b *blobs) drop(id moot.BlobID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := b.name(id)
	for _, n := range []string{name, doomedName(id.String()), treeOf(name)} {
		if err := b.disk.remove(n); err != nil {
			return err
		}
	}
	return nil
}

// each calls f with every whole blob until it returns false.
func (b *blobs) each(f func(moot.BlobID) bool) error {
	shards, err := b.disk.list("all")
	if err != nil {
		return err
	}
	for _, shard := range shards {
		names, err := b.disk.list("all/" + shard)
		if err != nil {
			return err
		}
		for _, name := range names {
			id, err := moot.ParseBlobID(name)
			if err == nil && !f(id) {
				return nil
			}
		}
	}
	return nil
}

// tmp returns an unused name for a temporary file.
func (b *blobs) tmp() string { return "tmp/" + strconv.FormatUint(b.next.Add(1), 36) }

// commit makes finished temporary files a blob: fsync, rename, fsync of the folder.
// An empty name stands for a file that is not wanted: the tree of a small blob, or
// the bytes of one shared in place.
func (b *blobs) commit(id moot.BlobID, data, tree file, dataName, treeName string) error {
	for _, f := range []file{tree, data} {
		if f == nil {
			continue
		}
		if err := f.Sync(); err != nil {
			return b.fail(err)
		}
	}
	if err := b.rename(b.name(id), dataName, treeName); err != nil {
		return err
	}
	if err := b.disk.syncDir(path.Dir(b.name(id))); err != nil {
		return b.fail(err)
	}
	return nil
}

func (b *blobs) rename(to, dataName, treeName string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if treeName != "" {
		if err := b.disk.rename(treeName, treeOf(to)); err != nil {
			return err
		}
	}
	if dataName == "" {
		return nil
	}
	return b.disk.rename(dataName, to)
}

// found returns a whole blob and when it was last used.
func (b *blobs) found(id moot.BlobID) (f found, ok bool) {
	size, used, err := b.disk.stat(b.name(id))
	return found{moot.Blob{ID: id, Size: size}, used}, err == nil
}

// touch renews a blob's lease.
func (b *blobs) touch(id moot.BlobID, now time.Time) {
	b.mu.Lock() // a blob is doomed either before, or not at all
	defer b.mu.Unlock()
	if used, err := b.disk.used(b.name(id)); err == nil && now.Sub(used) > usedEvery {
		_ = b.disk.use(b.name(id), now) // at the worst it is sent again
	}
}
