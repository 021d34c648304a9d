package blob

import (
	"encoding/binary"
	"io"

	"github.com/mootspace/moot"
)

// Encode writes the Bao slice of a range of blob b: its size (8 bytes, little
// endian), then in pre-order every parent on the path to a group of the range, as its
// two children's hashes, and the groups themselves. tree is what [Hasher] wrote;
// data and tree are read in that order, and only where they are needed.
//
// Every parent and group is checked against b.ID before it is written. Errors: kind
// Corrupt if data or tree do not belong to b, io.ErrUnexpectedEOF if they are too
// short, and those of data, tree and w as they are.
func Encode(w io.Writer, b moot.Blob, data, tree io.ReaderAt, r moot.Range) error {
	first, end := groupsOf(r, b.Size)
	e := encoder{w: w, blob: b, data: data, tree: nodes{src: tree, last: 2*Groups(b.Size) - 2}}
	var head [8]byte
	binary.LittleEndian.PutUint64(head[:], uint64(b.Size))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	top := root(b)
	todo := append(make([]span, 0, 64), top)
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if s.groups == 1 {
			if err := e.group(s, s.flags(top.groups)); err != nil {
				return err
			}
			continue
		}
		left, right, err := e.parent(s, s.flags(top.groups))
		if err != nil {
			return err
		}
		if right.within(first, end) {
			todo = append(todo, right)
		}
		if left.within(first, end) {
			todo = append(todo, left)
		}
	}
	return nil
}

type encoder struct {
	w    io.Writer
	blob moot.Blob
	data io.ReaderAt
	tree nodes
	buf  [GroupSize]byte
}

// group verifies and writes a group.
func (e *encoder) group(s span, flags uint32) error {
	p := e.buf[:s.size(e.blob.Size)]
	if len(p) > 0 {
		if err := readFull(e.data, p, s.first*GroupSize); err != nil {
			return err
		}
	}
	if leaf(&e.buf, len(p), s.first, flags) != s.cv {
		return moot.Errorf(moot.Corrupt, "bytes %d to %d do not belong to blob %v", s.first*GroupSize, s.first*GroupSize+int64(len(p)), e.blob.ID)
	}
	_, err := e.w.Write(p)
	return err
}

// parent verifies and writes a parent, and returns its children.
func (e *encoder) parent(s span, flags uint32) (left, right span, err error) {
	left, right = s.split()
	// The window may be older than the file: a mismatch counts only after a fresh read.
	for _, fresh := range []bool{false, true} {
		if left.cv, right.cv, err = e.tree.pair(left.pos, right.pos, fresh); err != nil {
			return left, right, err
		}
		if parent(left.cv, right.cv, flags) == s.cv {
			var both [2 * cvSize]byte
			l, r := bytesOf(&left.cv), bytesOf(&right.cv)
			copy(both[:cvSize], l[:])
			copy(both[cvSize:], r[:])
			_, err = e.w.Write(both[:])
			return left, right, err
		}
	}
	return left, right, moot.Errorf(moot.Corrupt, "the tree of blob %v is damaged above byte %d", e.blob.ID, s.first*GroupSize)
}

// nodes reads a tree through a small window, as neighbouring nodes are used together.
type nodes struct {
	src  io.ReaderAt
	last int64 // number of nodes
	from int64 // position of the first node in win
	win  []byte
	buf  [128 * cvSize]byte
}

func (n *nodes) pair(left, right int64, fresh bool) (l, r cv, err error) {
	if fresh {
		n.win = nil
	}
	if r, err = n.at(right); err == nil {
		l, err = n.at(left)
	}
	return l, r, err
}

// at returns a node. The window that is read for it ends with the node, because in
// post-order what is below a node comes before it.
func (n *nodes) at(pos int64) (cv, error) {
	off := (pos - n.from) * cvSize
	if off < 0 || off >= int64(len(n.win)) {
		n.from = max(0, pos+1-int64(len(n.buf)/cvSize))
		size := (pos + 1 - n.from) * cvSize
		n.win = nil
		if err := readFull(n.src, n.buf[:size], n.from*cvSize); err != nil {
			return cv{}, err
		}
		n.win = n.buf[:size]
		off = (pos - n.from) * cvSize
	}
	return cvOf((*[cvSize]byte)(n.win[off:])), nil
}
