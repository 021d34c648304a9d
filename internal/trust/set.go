package trust

import (
	"encoding/binary"
	"iter"
	"math/bits"
)

// set is a bit set of statements, by their number.
type set []uint64

func (s set) has(i int) bool { return i >= 0 && i>>6 < len(s) && s[i>>6]>>(i&63)&1 == 1 }

// with returns s and i, in place where there is room.
func (s set) with(i int) set {
	s = s.grown(i + 1)
	s[i>>6] |= 1 << (i & 63)
	return s
}

// grown returns s with room for members below n.
func (s set) grown(n int) set {
	if more := (n+63)>>6 - len(s); more > 0 {
		s = append(s, make(set, more)...)
	}
	return s
}

// firstOnes returns the set of all below n.
func firstOnes(n int) set {
	s := make(set, (n+63)>>6)
	for k := range s {
		s[k] = ^uint64(0)
	}
	if n&63 != 0 {
		s[n>>6] = 1<<(n&63) - 1
	}
	return s
}

func (s set) without(i int) {
	if s.has(i) {
		s[i>>6] &^= 1 << (i & 63)
	}
}

// union returns s and t, in place where there is room.
func (s set) union(t set) set {
	s = s.grown(len(t) << 6)
	for k, word := range t {
		s[k] |= word
	}
	return s
}

// clone returns a copy with room for members below n.
func (s set) clone(n int) set {
	c := make(set, max(len(s), (n+63)>>6))
	copy(c, s)
	return c
}

func (s set) and(t set) set {
	c := make(set, min(len(s), len(t)))
	for k := range c {
		c[k] = s[k] & t[k]
	}
	return c
}

func (s set) minus(t set) set {
	c := s.clone(0)
	for k := range min(len(s), len(t)) {
		c[k] &^= t[k]
	}
	return c
}

func (s set) empty() bool {
	for _, word := range s {
		if word != 0 {
			return false
		}
	}
	return true
}

func (s set) meets(t set) bool {
	for k := range min(len(s), len(t)) {
		if s[k]&t[k] != 0 {
			return true
		}
	}
	return false
}

// in reports whether all of s is in t.
func (s set) in(t set) bool {
	for k, word := range s {
		if k < len(t) {
			word &^= t[k]
		}
		if word != 0 {
			return false
		}
	}
	return true
}

func (s set) equal(t set) bool { return s.in(t) && t.in(s) }

func (s set) count() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// top returns the greatest member; -1 if there is none.
func (s set) top() int {
	for k := len(s) - 1; k >= 0; k-- {
		if s[k] != 0 {
			return k<<6 + 63 - bits.LeadingZeros64(s[k])
		}
	}
	return -1
}

// beyond yields the members that are not in t, lowest first.
func (s set) beyond(t set) iter.Seq[int] {
	return func(yield func(int) bool) {
		for k, word := range s {
			if k < len(t) {
				word &^= t[k]
			}
			for ; word != 0; word &= word - 1 {
				if !yield(k<<6 + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}

// all yields the members, lowest first.
func (s set) all() iter.Seq[int] { return s.beyond(nil) }

// key returns the set as a key of maps.
func (s set) key() string {
	n := len(s)
	for n > 0 && s[n-1] == 0 {
		n--
	}
	b := make([]byte, 0, 8*n)
	for _, word := range s[:n] {
		b = binary.LittleEndian.AppendUint64(b, word)
	}
	return string(b)
}
