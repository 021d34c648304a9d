package backup

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
	"os"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// ReadFile writes a file of the home to w, verified part by part. Kind Corrupt.
func ReadFile(ctx context.Context, dir string, l List, f File, w io.Writer) error {
	p := newParts(dir, l)
	defer p.close()
	left := f.Size
	for _, id := range f.Parts {
		data, err := p.read(id)
		if err == nil {
			err = ctx.Err()
		}
		if left -= int64(len(data)); err == nil && left < 0 {
			err = moot.Errorf(moot.Corrupt, "it has more bytes than its list says")
		}
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			return moot.Wrap(f.Name, err)
		}
	}
	return nil
}

// SmallBlobs yields the small blobs of a list, verified. What is damaged or missing is an
// error of kind Corrupt, and does not end it.
func SmallBlobs(dir string, l List) iter.Seq2[moot.Small, error] {
	return func(yield func(moot.Small, error) bool) {
		for _, pack := range l.Packs {
			if !eachSmall(packPath(dir, packsFolder, pack.ID), yield) {
				return
			}
		}
	}
}

func eachSmall(path string, yield func(moot.Small, error) bool) (more bool) {
	f, err := openFile(path)
	if err != nil {
		return yield(moot.Small{}, moot.Errorf(moot.Corrupt, "a pack cannot be read: %w", err))
	}
	defer f.Close()
	for b, err := range Small(bufio.NewReader(f)) {
		if !yield(b, moot.Wrap(path, err)) {
			return false
		}
	}
	return true
}

// LargeBlob opens a blob of more than moot.MaxSmall bytes: who reads it compares it with its
// name. Kind Corrupt if there is none of its size.
func LargeBlob(dir string, b moot.Blob) (io.ReadCloser, error) {
	f, err := openFile(blobPath(dir, b.ID))
	if err != nil {
		return nil, moot.Errorf(moot.Corrupt, "blob %v cannot be read: %w", b.ID, err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != b.Size {
		return nil, errors.Join(moot.Errorf(moot.Corrupt, "blob %v has another size", b.ID), f.Close())
	}
	return f, nil
}

// openFile opens a file of a backup, which must be one: a pipe would be waited for, and a
// link leads elsewhere.
func openFile(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, moot.Errorf(moot.Corrupt, "%s is no regular file", path)
	}
	return os.Open(path)
}

// parts finds parts of files in the packs of a list.
type parts struct {
	files []*os.File
	at    map[moot.BlobID]place
}

type place struct {
	in     *os.File
	offset int64
	size   int64
}

// newParts opens all packs that can be read; parts of others are missing.
func newParts(dir string, l List) *parts {
	p := &parts{at: map[moot.BlobID]place{}}
	for _, pack := range l.Parts {
		path := packPath(dir, partsFolder, pack.ID)
		index, err := indexOf(path)
		if err != nil {
			continue
		}
		f, err := openFile(path)
		if err != nil {
			continue
		}
		p.files = append(p.files, f)
		offset := int64(len(packMagic) + 4 + rowSize*len(index))
		for _, b := range index {
			p.at[b.ID] = place{f, offset, b.Size}
			offset += b.Size
		}
	}
	return p
}

func (p *parts) read(id moot.BlobID) ([]byte, error) {
	at, ok := p.at[id]
	if !ok {
		return nil, moot.Errorf(moot.Corrupt, "it is not whole")
	}
	data := make([]byte, at.size)
	if _, err := at.in.ReadAt(data, at.offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if blob.IDOf(data) != id {
		return nil, moot.Errorf(moot.Corrupt, "it is damaged")
	}
	return data, nil
}

func (p *parts) close() {
	for _, f := range p.files {
		_ = f.Close() // they were only read
	}
}
