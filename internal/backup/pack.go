package backup

import (
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"os"

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
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if list, err = readIndex(f); err != nil {
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
