package store

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"github.com/mootspace/moot/internal/blob"
)

// haveFile is the list of groups held of a download: the size of the blob (8 bytes,
// little-endian), then a bit for each group. The bytes in which something changes are written at once.
type haveFile struct {
	file file
	mu   sync.Mutex
	bits []byte
}

func haveSize(size int64) int64 { return 8 + (blob.Groups(size)+7)/8 }

// begin writes an empty list.
func (h *haveFile) begin(size int64) error {
	h.bits = make([]byte, haveSize(size)-8)
	_, err := h.file.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(size)), 0)
	return err
}

// load returns the groups listed; errNoPart if the list is for another size or cut short.
func (h *haveFile) load(size int64) ([]int64, error) {
	length, err := h.file.Size()
	if err != nil {
		return nil, err
	}
	if length != haveSize(size) {
		return nil, errNoPart
	}
	buf := make([]byte, length)
	if _, err := h.file.ReadAt(buf, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if int64(binary.LittleEndian.Uint64(buf)) != size {
		return nil, errNoPart
	}
	h.bits = buf[8:]
	var groups []int64
	for g := range blob.Groups(size) {
		if h.bits[g/8]&(1<<(g%8)) != 0 {
			groups = append(groups, g)
		}
	}
	return groups, nil
}

// add lists n groups.
func (h *haveFile) add(first, n int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for g := first; g < first+n; g++ {
		h.bits[g/8] |= 1 << (g % 8)
	}
	_, err := h.file.WriteAt(h.bits[first/8:(first+n-1)/8+1], 8+first/8)
	return err
}
