package store

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// fakePlaces are files that somebody else keeps.
type fakePlaces struct {
	mu     sync.Mutex
	paths  map[moot.BlobID]string
	sizes  map[moot.BlobID]int64
	broken map[moot.BlobID]int
	open   int
}

type countedFile struct {
	*os.File
	p *fakePlaces
}

func (f countedFile) Close() error {
	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	f.p.open--
	return f.File.Close()
}

func (p *fakePlaces) Open(id moot.BlobID) (PlacedFile, moot.Blob, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	path, ok := p.paths[id]
	if !ok {
		return nil, moot.Blob{}, false
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, moot.Blob{}, false
	}
	p.open++
	return countedFile{f, p}, moot.Blob{ID: id, Size: p.sizes[id]}, true
}

func (p *fakePlaces) Broken(id moot.BlobID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken[id]++
	delete(p.paths, id)
}

// placedRig is a store that serves one file from where it lies.
type placedRig struct {
	*rig
	places *fakePlaces
	path   string
	data   []byte
	blob   moot.Blob
}

// placedSizes are of a small blob of one group, of one of several, of one whose tree is
// computed when it is opened, and of one whose tree is stored.
var placedSizes = []int{100, 3 * blob.GroupSize, 10*blob.GroupSize + 1, maxQuickTree + 5}

func overPlaced(t *testing.T, test func(t *testing.T, r *placedRig)) {
	for _, size := range placedSizes {
		over(t, func(t *testing.T, r *rig) {
			p := &placedRig{rig: r, path: filepath.Join(t.TempDir(), "file"), data: content(size, 1)}
			p.places = &fakePlaces{paths: map[moot.BlobID]string{}, sizes: map[moot.BlobID]int64{}, broken: map[moot.BlobID]int{}}
			b, err := r.Hash(bytes.NewReader(p.data), size > maxQuickTree)
			must(t, err)
			p.blob = b
			p.write(p.data)
			r.SetPlaces(p.places)
			p.show()
			test(t, p)
			if p.places.open != 0 {
				t.Errorf("%d bytes: %d files are still open", size, p.places.open)
			}
		})
	}
}

func (r *placedRig) write(data []byte) {
	r.t.Helper()
	must(r.t, os.WriteFile(r.path, data, 0o600))
}

func (r *placedRig) show() {
	r.places.paths[r.blob.ID], r.places.sizes[r.blob.ID] = r.path, r.blob.Size
}

// altered returns the data with its last byte changed.
func (r *placedRig) altered() []byte {
	data := bytes.Clone(r.data)
	data[len(data)-1] ^= 1
	return data
}

// get returns the verified bytes of a stretch. When it returns the file is closed.
func (r *placedRig) get(id moot.BlobID, rng moot.Range) ([]byte, error) {
	rc, err := r.Get(r.t.Context(), id, rng)
	if err != nil {
		return nil, err
	}
	return received(rc, id, rng)
}

// received returns the verified bytes of a slice.
func received(rc io.ReadCloser, id moot.BlobID, rng moot.Range) ([]byte, error) {
	var slice bytes.Buffer
	_, sent := rc.(io.WriterTo).WriteTo(&slice)
	got, err := io.ReadAll(blob.NewDecoder(&slice, id, rng))
	return got, errors.Join(sent, err, rc.Close())
}

// notServed checks that the file is not offered any more, in any way.
func (r *placedRig) notServed(how string) {
	r.t.Helper()
	if r.places.broken[r.blob.ID] != 1 {
		r.t.Errorf("%s: said to be broken %d times", how, r.places.broken[r.blob.ID])
	}
	if _, err := r.get(r.blob.ID, moot.Whole); moot.KindOf(err) != moot.NotFound {
		r.t.Errorf("%s: %v", how, err)
	}
	if r.have(r.blob.ID)[0] || len(r.many(r.blob.ID)) > 0 {
		r.t.Errorf("%s: it is said to be held", how)
	}
}

func TestAPlacedFileIsServed(t *testing.T) {
	overPlaced(t, func(t *testing.T, r *placedRig) {
		for range 2 { // the second time with the stored tree
			got, err := r.get(r.blob.ID, moot.Whole)
			must(t, err)
			if !bytes.Equal(got, r.data) {
				t.Fatal("it differs")
			}
		}
		rng := moot.Range{Offset: r.blob.Size - 10, Length: 10}
		if got, err := r.get(r.blob.ID, rng); err != nil || !bytes.Equal(got, r.data[rng.Offset:]) {
			t.Errorf("a stretch: %v", err)
		}
		if !r.have(r.blob.ID)[0] {
			t.Error("it is not held")
		}
		small := r.blob.Size <= moot.MaxSmall
		if got := r.many(r.blob.ID); small && got[r.blob.ID] != string(r.data) || !small && len(got) > 0 {
			t.Error("many: it differs")
		}
		if all, err := collect(r.Blobs(t.Context())); err != nil || len(all) > 0 {
			t.Errorf("it was stored: %v, %v", all, err)
		}
		if err := os.Remove(r.path); err != nil || r.have(r.blob.ID)[0] {
			t.Errorf("gone, it is said to be held, %v", err)
		}
	})
}

func TestAPlacedFileThatChanged(t *testing.T) {
	for how, change := range map[string]func(t *testing.T, r *placedRig){
		"in place": func(t *testing.T, r *placedRig) { r.write(r.altered()) },
		"replaced": func(t *testing.T, r *placedRig) {
			must(t, os.WriteFile(r.path+".new", r.altered(), 0o600))
			must(t, os.Rename(r.path+".new", r.path))
		},
		"truncated": func(t *testing.T, r *placedRig) { must(t, os.Truncate(r.path, r.blob.Size/2)) },
		"emptied":   func(t *testing.T, r *placedRig) { must(t, os.Truncate(r.path, 0)) },
	} {
		t.Run(how, func(t *testing.T) {
			overPlaced(t, func(t *testing.T, r *placedRig) {
				change(t, r)
				got, err := r.get(r.blob.ID, moot.Whole)
				if err == nil || !bytes.HasPrefix(r.data, got) {
					t.Errorf("%d bytes were served: %v", len(got), err)
				}
				r.notServed("one")
				r.places.broken = map[moot.BlobID]int{}
				r.show()
				if r.blob.Size <= moot.MaxSmall {
					if got := r.many(r.blob.ID); len(got) > 0 {
						t.Error("many: it was served")
					}
					r.notServed("many")
				}
			})
		})
	}
}

// TestAPlacedFileThatChangesWhileItIsServed: what was sent before is right, and the rest is
// an error.
func TestAPlacedFileThatChangesWhileItIsServed(t *testing.T) {
	overPlaced(t, func(t *testing.T, r *placedRig) {
		for _, change := range []func(){
			func() { r.write(r.altered()) },
			func() { must(t, os.Truncate(r.path, r.blob.Size/2)) },
		} {
			r.write(r.data)
			r.show()
			r.places.broken = map[moot.BlobID]int{}
			rc, err := r.Get(t.Context(), r.blob.ID, moot.Whole)
			must(t, err)
			change()
			got, err := received(rc, r.blob.ID, moot.Whole)
			if err == nil || !bytes.HasPrefix(r.data, got) {
				t.Errorf("%d bytes were served: %v", len(got), err)
			}
			r.notServed("changed")
		}
	})
}

// TestAPlacedFileWithADamagedTree is computed anew: the file is what it was.
func TestAPlacedFileWithADamagedTree(t *testing.T) {
	for how, damage := range map[string]func(f file, size int64) error{
		"changed": func(f file, _ int64) error { _, err := f.WriteAt(make([]byte, 64), 0); return err },
		"cut":     func(f file, size int64) error { return f.Truncate(size / 2) },
	} {
		t.Run(how, func(t *testing.T) {
			overPlaced(t, func(t *testing.T, r *placedRig) {
				if r.blob.Size <= maxQuickTree {
					return // its tree is not stored
				}
				f, err := r.blobs.disk.edit(treeOf(r.blobs.name(r.blob.ID)))
				must(t, err)
				must(t, damage(f, blob.TreeSize(r.blob.Size)))
				must(t, f.Close())
				got, err := r.get(r.blob.ID, moot.Whole)
				if !bytes.HasPrefix(r.data, got) {
					t.Errorf("wrong bytes were served: %v", err)
				}
				if got, err := r.get(r.blob.ID, moot.Whole); err != nil || !bytes.Equal(got, r.data) {
					t.Errorf("asked for again: %d bytes, %v", len(got), err)
				}
				if r.places.broken[r.blob.ID] != 0 {
					t.Error("the file is said to be broken")
				}
			})
		})
	}
}

// TestATreeOfAPlacedFileIsComputedAndStored when there is none.
func TestATreeOfAPlacedFileIsComputedAndStored(t *testing.T) {
	overPlaced(t, func(t *testing.T, r *placedRig) {
		tree := treeOf(r.blobs.name(r.blob.ID))
		must(t, r.blobs.disk.remove(tree))
		got, err := r.get(r.blob.ID, moot.Whole)
		must(t, err)
		if !bytes.Equal(got, r.data) {
			t.Error("it differs")
		}
		size, _, err := r.blobs.disk.stat(tree)
		if stored := err == nil && size == blob.TreeSize(r.blob.Size); stored != (r.blob.Size > maxQuickTree) {
			t.Errorf("%d bytes: a tree of %d, %v", r.blob.Size, size, err)
		}
		must(t, r.blobs.disk.remove(tree))
		r.write(r.altered())
		if _, err := r.get(r.blob.ID, moot.Whole); err == nil {
			t.Error("a changed file was served")
		}
		if _, _, err := r.blobs.disk.stat(tree); err == nil {
			t.Error("a changed file's tree was stored")
		}
		r.notServed("changed")
	})
}
