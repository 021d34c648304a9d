package blob

import (
	"encoding/binary"

	"github.com/mootspace/moot"
)

// ProofPrefixSize is the size in bytes of a proof prefix of n parents.
func ProofPrefixSize(n int64) int64 { return 8 + n*2*cvSize }

// ProofPrefix returns the beginning of a range's slice: the blob's size, and the n
// parents from the root to the smallest subtree around the range, as far as both
// children of each are known. The receiver can skip this prefix. known returns the
// verified node at a position of the tree.
func ProofPrefix(size int64, r moot.Range, known func(pos int64) (cv [cvSize]byte, ok bool)) (prefix []byte, n int64) {
	first, end := groupsOf(r, size)
	prefix = binary.LittleEndian.AppendUint64(nil, uint64(size))
	s := root(moot.Blob{Size: size})
	for s.groups > 1 {
		left, right := s.split()
		l, okLeft := known(left.pos)
		r, okRight := known(right.pos)
		if !okLeft || !okRight {
			break
		}
		prefix = append(append(prefix, l[:]...), r[:]...)
		n++
		switch {
		case !right.within(first, end):
			s = left
		case !left.within(first, end):
			s = right
		default:
			return prefix, n // below, the paths to the groups part
		}
	}
	return prefix, n
}
