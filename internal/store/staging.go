package store

import (
	"io"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// staging is the files of a blob that is being written and has no name yet.
type staging struct {
	b          *blobs
	data, tree *lazyFile
}

// lazyFile is a temporary file made by the first byte written to it: most trees
// are empty, and blobs shared in place need no copy.
type lazyFile struct {
	b    *blobs
	name string // "" until it exists
	file file
	out  *durable.Sparse
}

func (l *lazyFile) Write(p []byte) (int, error) {
	if err := l.make(); err != nil {
		return 0, err
	}
	return l.out.Write(p)
}

func (l *lazyFile) make() (err error) {
	if l.file != nil {
		return nil
	}
	name := l.b.tmp()
	if l.file, err = l.b.disk.create(name); err == nil {
		l.name, l.out = name, durable.NewSparse(l.file)
	}
	return err
}

func (l *lazyFile) discard() {
	if l.file != nil {
		l.file.Close()
		_ = l.b.disk.remove(l.name) // after a rename there is nothing of that name
	}
}

func (b *blobs) stage() *staging { return &staging{b, &lazyFile{b: b}, &lazyFile{b: b}} }

// commit gives the blob its name, durably.
func (d *staging) commit(id moot.BlobID) error {
	if err := d.data.make(); err != nil { // the empty blob is a file, too
		return err
	}
	if err := d.data.out.Finish(); err != nil {
		return err
	}
	return d.b.commit(id, d.data.file, d.tree.file, d.data.name, d.tree.name)
}

// commitTree gives only the tree its name.
func (d *staging) commitTree(id moot.BlobID) error {
	if d.tree.file == nil {
		return nil
	}
	return d.b.commit(id, nil, d.tree.file, "", d.tree.name)
}

// discard closes the files and removes those that were not committed.
func (d *staging) discard() {
	d.data.discard()
	d.tree.discard()
}

var _ io.Writer = (*lazyFile)(nil)
