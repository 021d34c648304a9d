package blob

import (
	"encoding/binary"

	"github.com/mootspace/moot"
)

// LeadSize is the number of bytes that n parents and the size before them take at the
// beginning of a slice.
func LeadSize(n int64) int64 { return 8 + n*2*cvSize }

// Lead returns how the slice of a range begins: the blob's size, and the parents that
// lead from the root to the smallest subtree around the range, as far as both children
// of each are known. Whoever has it need not be sent it. n is the number of parents;
// known tells a verified node by its position in the tree.
func Lead(size int64, r moot.Range, known func(pos int64) (cv [cvSize]byte, ok bool)) (lead []byte, n int64) {
	first, end := groupsOf(r, size)
	lead = binary.LittleEndian.AppendUint64(nil, uint64(size))
	s := root(moot.Blob{Size: size})
	for s.groups > 1 {
		left, right := s.split()
		l, okLeft := known(left.pos)
		r, okRight := known(right.pos)
		if !okLeft || !okRight {
			break
		}
		lead = append(append(lead, l[:]...), r[:]...)
		n++
		switch {
		case !right.within(first, end):
			s = left
		case !left.within(first, end):
			s = right
		default:
			return lead, n // here the ways to the groups part
		}
	}
	return lead, n
}
