package blob

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/mootspace/moot"
)

// Set is a bitmap of the groups of a blob. It is not safe for concurrent use.
type Set struct {
	size  int64
	words []uint64
	count int64
}

// NewSet returns an empty set for a blob of size bytes.
func NewSet(size int64) *Set {
	return &Set{size: size, words: make([]uint64, (Groups(size)+63)/64)}
}

// Add adds a group; one that the blob does not have is ignored.
func (s *Set) Add(group int64) {
	if group < 0 || group >= Groups(s.size) || s.Has(group) {
		return
	}
	s.words[group/64] |= 1 << (group % 64)
	s.count++
}

// AddNew adds the groups of ranges, and returns those that were new, as byte ranges.
func (s *Set) AddNew(ranges []moot.Range) (added []moot.Range) {
	for _, r := range ranges {
		for _, m := range s.Missing(r) {
			added = append(added, m)
			for g := range Groups(m.Length) {
				s.Add(m.Offset/GroupSize + g)
			}
		}
	}
	return added
}

// Has reports whether the group is in the set.
func (s *Set) Has(group int64) bool {
	return group >= 0 && group < Groups(s.size) && s.words[group/64]&(1<<(group%64)) != 0
}

// Count returns how many groups are in the set.
func (s *Set) Count() int64 { return s.count }

// Complete reports whether all groups are in the set.
func (s *Set) Complete() bool { return s.count == Groups(s.size) }

// Clone returns a copy.
func (s *Set) Clone() *Set {
	return &Set{s.size, slices.Clone(s.words), s.count}
}

// Ranges returns the bytes of the groups in the set: sorted, disjoint, non-adjacent.
func (s *Set) Ranges() []moot.Range { return s.runs(0, Groups(s.size), true) }

// Missing returns the bytes of the groups that a range needs and the set lacks, as
// whole groups. A missing empty blob is one empty range.
func (s *Set) Missing(r moot.Range) []moot.Range {
	first, end := groupsOf(r, s.size)
	return s.runs(first, end, false)
}

// runs returns the ranges from first to before end that are, or are not, in the set.
func (s *Set) runs(first, end int64, held bool) (ranges []moot.Range) {
	for g := first; g < end; {
		from := s.next(g, end, held)
		if from == end {
			break
		}
		g = s.next(from, end, !held)
		ranges = append(ranges, moot.Range{Offset: from * GroupSize, Length: (g - from) * GroupSize}.In(s.size))
	}
	return ranges
}

// next returns the first group from g on that is, or is not, in the set; end if none is.
func (s *Set) next(g, end int64, held bool) int64 {
	for g < end {
		word := s.words[g/64]
		if !held {
			word = ^word
		}
		if word >>= g % 64; word != 0 {
			return min(g+int64(bits.TrailingZeros64(word)), end)
		}
		g += 64 - g%64
	}
	return end
}

// MarshalBinary returns the blob's size and the bitmap, little-endian.
func (s *Set) MarshalBinary() ([]byte, error) {
	b := binary.LittleEndian.AppendUint64(nil, uint64(s.size))
	for _, word := range s.words {
		b = binary.LittleEndian.AppendUint64(b, word)
	}
	return b, nil
}

// UnmarshalBinary reads what MarshalBinary wrote. The error is of kind Invalid.
func (s *Set) UnmarshalBinary(b []byte) error {
	if len(b) < 8 {
		return moot.Errorf(moot.Invalid, "a group set has at least 8 bytes, not %d", len(b))
	}
	size := binary.LittleEndian.Uint64(b)
	if size > MaxSize || int64(len(b)-8) != (Groups(int64(size))+63)/64*8 {
		return moot.Errorf(moot.Invalid, "a group set for %d bytes does not have %d bytes", size, len(b))
	}
	t := NewSet(int64(size))
	for i := range t.words {
		t.words[i] = binary.LittleEndian.Uint64(b[8+8*i:])
		t.count += int64(bits.OnesCount64(t.words[i]))
	}
	if used := Groups(t.size) % 64; used != 0 && t.words[len(t.words)-1]>>used != 0 {
		return moot.Errorf(moot.Invalid, "a group set contains groups beyond the blob")
	}
	*s = *t
	return nil
}
