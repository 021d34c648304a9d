package blob

import (
	"math/bits"

	"lukechampine.com/blake3/guts"

	"github.com/mootspace/moot"
)

// span is a subtree: a run of groups, and the position of its root in the tree,
// which is kept in post-order so that it can be written while a blob streams by.
type span struct {
	first, groups int64
	pos           int64
	cv            cv
}

// root returns the span of a whole blob. Its position is behind the end of the
// tree, because the root is not kept there.
func root(b moot.Blob) span {
	groups := Groups(b.Size)
	return span{groups: groups, pos: 2*groups - 2, cv: cvOf((*[cvSize]byte)(&b.ID))}
}

// flags returns BLAKE3's root flag if s is the whole blob.
func (s span) flags(total int64) uint32 {
	if s.groups == total {
		return guts.FlagRoot
	}
	return 0
}

// split returns the two halves of a span of at least two groups. The left one is
// the largest power of two that leaves something for the right one. In post-order
// the right half's root comes just before s, the left half's before the right half.
func (s span) split() (left, right span) {
	half := int64(1) << (bits.Len64(uint64(s.groups-1)) - 1)
	rest := s.groups - half
	left = span{first: s.first, groups: half, pos: s.pos - 2*rest}
	right = span{first: s.first + half, groups: rest, pos: s.pos - 1}
	return left, right
}

// within reports whether a span has any of the groups from first to before end.
func (s span) within(first, end int64) bool { return s.first < end && first < s.first+s.groups }

// size returns the bytes of the group that a span of one group is.
func (s span) size(total int64) int { return int(min(GroupSize, total-s.first*GroupSize)) }

// groupsOf returns the groups that hold a range, at least one: as in Bao an empty
// range stands for the group at its offset, and one past the end for the last group.
func groupsOf(r moot.Range, size int64) (first, end int64) {
	r = r.In(size)
	first = min(r.Offset/GroupSize, Groups(size)-1)
	return first, max(first+1, (r.End()+GroupSize-1)/GroupSize)
}
