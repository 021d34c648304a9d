package backup

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// A pack is its magic, the number of blobs, their IDs and sizes, and their bytes.
const (
	packMagic = "mootpak1"
	packSize  = 16 << 20 // bytes after which another is begun
	rowSize   = len(moot.BlobID{}) + 4
	maxRows   = 1 << 20
)

func encodePack(blobs []moot.Small) []byte {
	out := binary.BigEndian.AppendUint32([]byte(packMagic), uint32(len(blobs)))
	for _, b := range blobs {
		out = binary.BigEndian.AppendUint32(append(out, b.ID[:]...), uint32(len(b.Data)))
	}
	for _, b := range blobs {
		out = append(out, b.Data...)
	}
	return out
}

// readIndex reads which blobs a pack has. Kind Corrupt.
func readIndex(r io.Reader) (list []moot.Blob, err error) {
	bad := moot.Errorf(moot.Corrupt, "the pack's index is damaged")
	head := make([]byte, len(packMagic)+4)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:len(packMagic)]) != packMagic {
		return nil, bad
	}
	n := binary.BigEndian.Uint32(head[len(packMagic):])
	if n > maxRows {
		return nil, bad
	}
	row := make([]byte, rowSize)
	for range n {
		if _, err := io.ReadFull(r, row); err != nil {
			return nil, bad
		}
		size := binary.BigEndian.Uint32(row[rowSize-4:])
		if size > moot.MaxSmall {
			return nil, bad
		}
		list = append(list, moot.Blob{ID: moot.BlobID(row[:rowSize-4]), Size: int64(size)})
	}
	return list, nil
}

// Small yields the blobs of a pack, verified one by one: each that is damaged is an error
// of kind Corrupt that names it, and does not end it.
func Small(r io.Reader) iter.Seq2[moot.Small, error] {
	return func(yield func(moot.Small, error) bool) {
		index, err := readIndex(r)
		if err != nil {
			yield(moot.Small{}, err)
			return
		}
		for _, b := range index {
			data := make([]byte, b.Size)
			if _, err := io.ReadFull(r, data); err != nil {
				yield(moot.Small{}, moot.Errorf(moot.Corrupt, "the pack is cut off: %w", err))
				return
			}
			err = nil
			if blob.IDOf(data) != b.ID {
				err = moot.Errorf(moot.Corrupt, "blob %v is damaged", b.ID)
			}
			if !yield(moot.Small{ID: b.ID, Data: data}, err) {
				return
			}
		}
	}
}

// indexOf reads the index of a pack file whose size fits it.
func indexOf(path string) (list []moot.Blob, err error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if list, err = readIndex(bufio.NewReader(f)); err != nil {
		return nil, err
	}
	size := int64(len(packMagic) + 4 + rowSize*len(list))
	for _, b := range list {
		size += b.Size
	}
	info, err := f.Stat()
	if err == nil && info.Size() != size {
		err = moot.Errorf(moot.Corrupt, "the pack is cut off")
	}
	return list, err
}

// packer gathers small blobs, and writes those that no pack has yet.
type packer struct {
	w       *writer
	folder  string
	known   map[moot.BlobID]moot.Blob // small blob → its pack; zero while it is gathered
	used    map[moot.BlobID]moot.Blob // packs that the list is to name
	pending []moot.Small
	size    int
}

func newPacker(w *writer, folder string) packer {
	return packer{w: w, folder: folder, known: map[moot.BlobID]moot.Blob{}, used: map[moot.BlobID]moot.Blob{}}
}

func packPath(dir, folder string, id moot.BlobID) string {
	return filepath.Join(dir, folder, id.String())
}

// find learns what former backups have written.
func (p *packer) find() error {
	folder := filepath.Join(p.w.dir, p.folder)
	found, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, f := range found {
		id, err := moot.ParseBlobID(f.Name())
		if err != nil {
			continue
		}
		list, err := indexOf(filepath.Join(folder, f.Name()))
		info, serr := f.Info()
		if err != nil || serr != nil {
			continue // damaged: what it has is written again
		}
		for _, b := range list {
			p.known[b.ID] = moot.Blob{ID: id, Size: info.Size()}
		}
	}
	p.w.dirs[folder] = true // names in it may come from a backup that was interrupted
	return nil
}

// has reports whether a small blob need not be added, and has the list name its pack.
func (p *packer) has(id moot.BlobID) bool {
	pack, ok := p.known[id]
	if ok && pack != (moot.Blob{}) {
		p.used[pack.ID] = pack
	}
	return ok
}

func (p *packer) add(b moot.Small) error {
	p.known[b.ID] = moot.Blob{}
	p.pending, p.size = append(p.pending, b), p.size+len(b.Data)
	if p.size < packSize && len(p.pending) < maxRows {
		return nil
	}
	return p.flush()
}

// flush writes a pack of what was gathered.
func (p *packer) flush() error {
	if len(p.pending) == 0 {
		return nil
	}
	tmp, pack, err := p.w.partial(func(out io.Writer) error {
		_, err := out.Write(encodePack(p.pending))
		return err
	})
	if err != nil {
		return err
	}
	for _, b := range p.pending {
		p.known[b.ID] = pack
	}
	p.used[pack.ID] = pack
	p.pending, p.size = nil, 0
	return p.w.install(tmp, packPath(p.w.dir, p.folder, pack.ID), pack.Size)
}

// named returns the packs that the list is to name.
func (p *packer) named() []moot.Blob {
	return slices.SortedFunc(maps.Values(p.used), func(a, b moot.Blob) int { return slices.Compare(a.ID[:], b.ID[:]) })
}
