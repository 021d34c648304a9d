package trust

import (
	"slices"

	"github.com/mootspace/moot"
)

// coverKey names what an act says of a device.
type coverKey struct {
	act int
	dev *device
}

// cover is what of a device's feed an act leaves in its place: the entries up to any of the
// marks and, of those that no fork contests, up to any of the acts known.
type cover struct {
	marks []Position
	acts  []Position
}

// covers reports whether an act on a device's member pins an entry as said before it (R16).
func (s *State) covers(r int, d *device, at Position) bool {
	key := coverKey{r, d}
	c, ok := s.limit[key]
	if !ok {
		c = s.cover(r, d)
		if s.limit == nil {
			s.limit = map[coverKey]cover{}
		}
		s.limit[key] = c
	}
	upTo := func(p Position) bool { return d.upTo(at, p) }
	return slices.ContainsFunc(c.marks, upTo) || !d.contested(at) && slices.ContainsFunc(c.acts, upTo)
}

func (s *State) cover(r int, d *device) (c cover) {
	w := s.w
	st := w.st[r]
	if n, ok := st.act.pin(d.key); ok {
		c.marks = d.furthest(c.marks, n.At)
	}
	for _, a := range d.acts {
		if st.act.knows(a.first) {
			c.acts = d.furthest(c.acts, a.At)
		}
	}
	if b, ok := st.body.(RoleBody); ok && b.Strict || w.weak["pins"] {
		return c
	}
	for _, g := range d.given {
		if y := s.ownerOf(d, g.at); g.feed && s.under.has(g.by) && w.st[g.by].member != y && !w.st[g.by].act.knows(r) {
			c.marks = d.furthest(c.marks, g.at)
		}
	}
	return c
}

// furthest adds a position to a list without those before others.
func (d *device) furthest(list []Position, p Position) []Position {
	for i, q := range list {
		switch {
		case d.upTo(p, q):
			return list
		case d.upTo(q, p):
			list[i] = p
			return list
		}
	}
	return append(list, p)
}

// rootAt returns the first statement of the feed with a position; -1 if there is none.
func (w *World) rootAt(d *device, at Position) int {
	if a := d.lastAct(at); a != nil {
		return a.root
	}
	return w.index.adopted(d.key)
}

// ownerOf returns the member whose device wrote an entry; -1: nobody's.
func (s *State) ownerOf(d *device, at Position) int {
	root := s.w.rootAt(d, at)
	if root < 0 {
		return -1
	}
	return s.w.st[root].member
}

// Counts reports whether a plain entry at a position counts (R15), and its author's member
// and role there; a guest's counts only if it is a receipt.
func (s *State) Counts(key moot.Key, at Position) (moot.MemberID, Role, bool) {
	w := s.w
	d := w.devices[key]
	if d == nil {
		return moot.MemberID{}, "", false
	}
	root := w.rootAt(d, at)
	if root < 0 || !s.mask.has(root) || !w.st[root].ok || !s.admitted(root) {
		return moot.MemberID{}, "", false
	}
	m := w.st[root].member
	id := w.memberID(m)
	for _, r := range s.bars(d, m) {
		if !s.covers(r, d, at) {
			return id, "", false
		}
	}
	for _, e := range d.ends {
		if end := w.st[e].at; end != at && d.upTo(end, at) {
			return id, "", false
		}
	}
	if d.contested(at) && !s.countsContested(d, at) || !s.admitted(m) {
		return id, "", false
	}
	role := s.roleAt(m, d, at)
	return id, role, role != ""
}

// roleAt returns the role that a member had when it wrote a plain entry: by those role acts
// that do not cover it.
func (s *State) roleAt(m int, d *device, at Position) Role {
	if len(s.w.index.subject(m).roles.list) == 0 {
		return s.role(m).role
	}
	r := s.roles(m)
	for k := range r.cand.clone(0).all() {
		if s.covers(r.list[k], d, at) {
			r.cand.without(k)
		}
	}
	return r.winner().role
}

// countsContested reports whether a contested plain entry counts: some standing act of
// another device gives it in pins or feeds, or a standing one follows it on its branch, or
// its device goes on there (R19, R20).
func (s *State) countsContested(d *device, at Position) bool {
	if s.goesOn(d, at) {
		return true
	}
	for _, g := range d.given {
		if s.under.has(g.by) && s.w.st[g.by].dev != d && d.upTo(at, g.at) {
			return true
		}
	}
	for _, a := range d.acts {
		for i := a.first; i < a.first+a.lines; i++ {
			if s.under.has(i) && d.upTo(at, a.At) {
				return true
			}
		}
	}
	return false
}

// PlainLimit returns the greatest seq up to which a branch of a feed is taken in (R21).
func (s *State) PlainLimit(key moot.Key, branch int) uint64 {
	last := uint64(0)
	if d := s.w.devices[key]; d != nil {
		for _, g := range d.given {
			if s.under.has(g.by) && d.upTo(Position{branch, 1}, Position{branch, g.at.Seq}) && (g.at.Branch == branch || d.upTo(g.at, Position{branch, never})) {
				last = max(last, g.at.Seq)
			}
		}
	}
	return last + MaxBeyond
}
