package trust

import (
	"cmp"
	"slices"

	"github.com/mootspace/moot"
)

// claimed returns the name that a statement claims.
func (w *World) claimed(i int) string {
	switch b := w.st[i].body.(type) {
	case Join:
		return b.Name
	case Rename:
		return b.Name
	case AdoptedMember:
		return b.Name
	}
	return ""
}

// lastClaim returns a member's last standing claim; -1: none (R17).
func (s *State) lastClaim(m int) int {
	list := s.w.index.subject(m).claims
	for _, c := range slices.Backward(list) {
		if s.under.has(c) {
			return c
		}
	}
	return -1
}

// confirmed returns a member's last confirmed claim, and its confirmation of greatest power;
// -1: none.
func (s *State) confirmed(m int) (claim, by int) {
	w := s.w
	x := w.index.subject(m)
	for _, c := range slices.Backward(x.withConf) {
		best := -1
		for _, a := range x.confirmed[c] {
			if s.under.has(a) && (best < 0 || w.better(a, best)) {
				best = a
			}
		}
		if best >= 0 {
			return c, best
		}
	}
	return -1, -1
}

// better orders confirmations: of greater power, then lower, then of higher ID.
func (w *World) better(a, b int) bool {
	x, y := w.st[a], w.st[b]
	c := cmp.Or(x.power.Compare(y.power), cmp.Compare(y.act.height, x.act.height), slices.Compare(x.id[:], y.id[:]), cmp.Compare(b-y.act.first, a-x.act.first))
	return c > 0
}

// holding is a member whose last confirmed claim is a name.
type holding struct{ member, by int }

// holder returns who holds a name, by its mail form; -1: nobody.
func (s *State) holder(form string) int {
	w := s.w
	var all []holding
	for _, m := range w.index.names[form] {
		if !s.mask.has(m) || !s.admitted(m) {
			continue
		}
		c, by := s.confirmed(m)
		if c >= 0 && MailForm(w.claimed(c)) == form && s.role(m).role != "" {
			all = append(all, holding{m, by})
		}
	}
	if len(all) == 0 {
		return -1
	}
	top := slices.DeleteFunc(slices.Clone(all), func(h holding) bool {
		return slices.ContainsFunc(all, func(o holding) bool { return o != h && s.yields(h, o) })
	})
	if len(top) == 0 {
		top = all
	}
	best := top[0]
	for _, h := range top[1:] {
		if w.better(h.by, best.by) {
			best = h
		}
	}
	return best.member
}

// yields reports whether of two who hold one name the first gives way: to who was given it
// in full knowledge, or to who had it and was removed, or had no standing confirmation, when
// the first was given it.
func (s *State) yields(h, o holding) bool {
	w := s.w
	gone := func(x int, y holding) bool {
		p := w.stateBefore(x)
		return (p.role(y.member).role == "" || !p.under.has(y.by)) && !w.weak["takeover"]
	}
	return w.st[o.by].act.knows(h.by) && !gone(o.by, h) || w.st[h.by].act.knows(o.by) && gone(h.by, o)
}

// Lookup returns who holds a name, compared by mail form (R17).
func (s *State) Lookup(name string) (moot.MemberID, bool) {
	m := s.holder(MailForm(name))
	if m < 0 {
		return moot.MemberID{}, false
	}
	return s.w.memberID(m), true
}

// Claim is a rename that no witness has confirmed.
type Claim struct {
	ID     moot.EntryID
	Member moot.MemberID
	Name   string
}

// Claims returns what a witness could confirm: each member's last rename, if it is not
// confirmed and nobody else has the name.
func (s *State) Claims() (list []Claim) {
	w := s.w
	for _, m := range s.members() {
		c := s.lastClaim(m)
		if c < 0 || w.st[c].kind != KindRename || s.role(m).role == "" || anyOf(w.index.subject(m).confirmed[c], s.under) {
			continue
		}
		if h := s.holder(MailForm(w.claimed(c))); h < 0 || h == m {
			list = append(list, Claim{w.st[c].id, w.memberID(m), w.claimed(c)})
		}
	}
	return list
}
