package blob

import (
	"errors"
	"io"
	"math/bits"

	"lukechampine.com/blake3/guts"

	"github.com/mootspace/moot"
)

// Hasher computes the ID and the tree of a blob that streams through it.
type Hasher struct {
	tree  io.Writer
	buf   [GroupSize]byte
	n     int   // bytes in buf: a group is held back, because the last one is hashed differently
	count int64 // groups before it
	stack []cv  // roots of complete subtrees, the largest first
	out   []byte
	err   error
}

// NewHasher returns a Hasher that writes the nodes of the tree, in post-order, as
// soon as they are known. tree may be nil.
func NewHasher(tree io.Writer) *Hasher {
	if tree == nil {
		tree = io.Discard
	}
	return &Hasher{tree: tree}
}

// Write implements io.Writer. It fails only if the tree could not be written.
func (h *Hasher) Write(p []byte) (int, error) {
	total := len(p)
	for h.err == nil && h.n+len(p) > GroupSize {
		n := copy(h.buf[h.n:], p)
		p = p[n:]
		h.push(leaf(&h.buf, GroupSize, h.count, 0))
		h.n = 0
	}
	if h.err != nil {
		return 0, h.err
	}
	h.n += copy(h.buf[h.n:], p)
	h.flush(cvSize << 10)
	return total, h.err
}

// push takes in a group that is not the last one, and merges the subtrees that it
// completes.
func (h *Hasher) push(v cv) {
	h.count++
	h.emit(&v)
	for range bits.TrailingZeros64(uint64(h.count)) {
		v = parent(h.pop(), v, 0)
		h.emit(&v)
	}
	h.stack = append(h.stack, v)
	h.flush(cvSize << 10)
}

func (h *Hasher) pop() cv {
	last := len(h.stack) - 1
	v := h.stack[last]
	h.stack = h.stack[:last]
	return v
}

func (h *Hasher) emit(v *cv) {
	b := bytesOf(v)
	h.out = append(h.out, b[:]...)
}

// flush writes the buffered nodes, if they are at least so many bytes.
func (h *Hasher) flush(atLeast int) {
	if h.err == nil && len(h.out) >= max(atLeast, 1) {
		_, h.err = h.tree.Write(h.out)
		h.out = h.out[:0]
	}
}

// Sum ends the blob and returns its ID and size. The Hasher must not be used any more.
func (h *Hasher) Sum() (moot.Blob, error) {
	b := moot.Blob{Size: h.count*GroupSize + int64(h.n)}
	if len(h.stack) == 0 {
		v := leaf(&h.buf, h.n, 0, guts.FlagRoot)
		b.ID = bytesOf(&v)
		return b, h.err
	}
	v := leaf(&h.buf, h.n, h.count, 0)
	for len(h.stack) > 0 {
		h.emit(&v)
		left := h.pop()
		var flags uint32
		if len(h.stack) == 0 {
			flags = guts.FlagRoot
		}
		v = parent(left, v, flags)
	}
	b.ID = bytesOf(&v)
	h.flush(0)
	return b, h.err
}

// Hash reads r to its end and returns its ID and size.
func Hash(r io.Reader) (moot.Blob, error) {
	h := NewHasher(nil)
	if _, err := io.CopyBuffer(onlyWriter{h}, r, make([]byte, 16*GroupSize)); err != nil {
		return moot.Blob{}, err
	}
	return h.Sum()
}

// onlyWriter hides other methods from io.Copy, so that the buffer is used.
type onlyWriter struct{ io.Writer }

// readFull reads exactly len(p) bytes at off; the end of the data is an error.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
