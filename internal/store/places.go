package store

import (
	"bytes"
	"io"
	"os"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// Places finds files of this machine that others keep, whose content a blob is said to be.
// The store verifies what it reads of them: they may be changed at any time.
type Places interface {
	// Open opens a file with the content of a blob.
	Open(id moot.BlobID) (f PlacedFile, b moot.Blob, ok bool)
	// Broken says that what was opened is not the blob.
	Broken(id moot.BlobID)
}

// PlacedFile is a file that is read.
type PlacedFile interface {
	io.ReaderAt
	io.Closer
}

// SetPlaces has blobs served from files that others keep, too.
func (s *Store) SetPlaces(p Places) { s.places.Store(&p) }

func (s *Store) placed(id moot.BlobID) (PlacedFile, moot.Blob, Places) {
	p := s.places.Load()
	if p == nil {
		return nil, moot.Blob{}, nil
	}
	f, b, ok := (*p).Open(id)
	if !ok {
		return nil, b, nil
	}
	return f, b, *p
}

// maxQuickTree is the size in bytes up to which the tree of a placed file is computed
// when it is opened; of larger ones it is stored.
const maxQuickTree = 1 << 20

// openPlaced opens a file that lies elsewhere.
func (s *Store) openPlaced(id moot.BlobID) (*held, error) {
	f, b, from := s.placed(id)
	if f == nil {
		return nil, moot.NotFound
	}
	tree, closeTree, err := s.placedTree(f, b)
	if err != nil {
		_ = f.Close() // it was only read
		if moot.KindOf(err) == moot.Corrupt {
			from.Broken(id)
		}
		return nil, moot.NotFound
	}
	return &held{
		Blob: b, data: f, tree: tree,
		close:  func() { _ = f.Close(); closeTree() },
		broken: func() { s.brokenPlaced(f, b, from) },
	}, nil
}

// brokenPlaced finds out whether a file is at fault, or its stored tree: that is made anew.
func (s *Store) brokenPlaced(f PlacedFile, b moot.Blob, from Places) {
	_, closeTree, err := s.makeTree(f, b)
	if err != nil {
		from.Broken(b.ID)
		return
	}
	closeTree()
}

func (s *Store) placedTree(f PlacedFile, b moot.Blob) (io.ReaderAt, func(), error) {
	if tree, closeTree, err := s.blobs.openTree(b.ID, b.Size); err == nil {
		return tree, closeTree, nil
	}
	return s.makeTree(f, b)
}

// makeTree computes the tree of a file, and stores it unless that is quick. Kind Corrupt if
// the file is another one.
func (s *Store) makeTree(f PlacedFile, b moot.Blob) (io.ReaderAt, func(), error) {
	var quick bytes.Buffer
	var out io.Writer = &quick
	var d *staging
	if b.Size > maxQuickTree {
		d = s.blobs.stage()
		defer d.discard()
		out = d.tree
	}
	h := blob.NewHasher(out)
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, io.NewSectionReader(f, 0, b.Size), make([]byte, copySize)); err != nil {
		return nil, nil, err
	}
	now, err := h.Sum()
	if err == nil && now.ID != b.ID {
		err = moot.Errorf(moot.Corrupt, "a file is no longer blob %s", b.ID)
	}
	if err != nil || d == nil {
		return bytes.NewReader(quick.Bytes()), func() {}, err
	}
	if err := s.blobs.nameTree(b.ID, d); err != nil {
		return nil, nil, err
	}
	return s.blobs.openTree(b.ID, b.Size)
}

// nameTree gives a tree its name. It is not made durable: it can be computed again.
func (b *blobs) nameTree(id moot.BlobID, d *staging) error {
	if d.tree.file == nil {
		return nil
	}
	return b.rename(b.name(id), "", d.tree.name)
}

// getPlaced returns a small blob that lies elsewhere, verified.
func (s *Store) getPlaced(id moot.BlobID) []byte {
	f, b, from := s.placed(id)
	if f == nil {
		return nil
	}
	defer f.Close()
	if b.Size > moot.MaxSmall {
		return nil
	}
	data := make([]byte, b.Size)
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, b.Size), data); err != nil || blob.IDOf(data) != id {
		from.Broken(id)
		return nil
	}
	return data
}

// Hash names the bytes of a file. With tree its tree is stored, so that it can be served
// from where it lies.
func (s *Store) Hash(r io.Reader, tree bool) (moot.Blob, error) {
	d := s.blobs.stage()
	defer d.discard()
	var out io.Writer
	if tree {
		out = d.tree
	}
	h := blob.NewHasher(out)
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{r}, make([]byte, copySize)); err != nil {
		return moot.Blob{}, err
	}
	b, err := h.Sum()
	if err == nil {
		err = s.blobs.nameTree(b.ID, d)
	}
	return b, err
}

var _ PlacedFile = (*os.File)(nil)
