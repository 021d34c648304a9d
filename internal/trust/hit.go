package trust

import "slices"

// addHits relates a new statement to those that it hits and that hit it (R9). What hits
// what is fixed by the two alone.
func (w *World) addHits(i int) {
	s := w.st[i]
	if w.index.hitters.has(i) {
		for _, l := range w.targets(s) {
			w.relate(i, l)
		}
	}
	for _, r := range w.index.subject(s.member).roles.list {
		if r != i && (!s.act.knows(r) || s.act.void.has(r)) {
			w.relate(r, i)
		}
	}
	for _, r := range s.dev.out {
		if r != i && (!s.act.knows(r) || s.act.void.has(r)) {
			w.relate(r, i)
		}
	}
}

// targets returns those that a new hitter may hit.
func (w *World) targets(s *statement) (list []int) {
	var about []int
	switch b := s.body.(type) {
	case Annul:
		return []int{w.target(b)}
	case RoleBody:
		about = w.index.subject(w.ref(b.Member)).said
	case Device:
		about = w.st[w.ref(b.Device)].dev.said
	}
	branch := w.pinsBranch(s)
	for _, l := range about {
		if w.index.ok.has(l) && (branch || !s.act.knows(l)) {
			list = append(list, l)
		}
	}
	return list
}

// pinsBranch reports whether a hitter pins an entry of a forked device: then it may hit what it knew.
func (w *World) pinsBranch(s *statement) bool {
	list, _ := marks(s.body)
	return slices.ContainsFunc(list, func(m Mark) bool {
		d := w.devices[m.Device]
		return d != nil && d.forked()
	})
}

func (w *World) relate(r, l int) {
	hits, casts := w.hits(r, l, 0), w.hits(r, l, rankAny+1)
	h, t := w.st[r], w.st[l]
	if hits {
		t.hit = t.hit.with(r)
		if h.kind != KindAnnul && h.member == t.member {
			w.index.soft = w.index.soft.with(l)
		}
	}
	if casts {
		t.cast = t.cast.with(r)
	}
	if hits || casts {
		h.hits = h.hits.with(l)
	}
}

// hits reports whether r voids l, if l needs at least so much rank: l did not know r as
// valid, r did not know l, r is about l's author, and above it.
func (w *World) hits(r, l, least int) bool {
	h, t := w.st[r], w.st[l]
	need := max(t.need, least)
	if r == l || t.act.knows(r) && (!t.act.void.has(r) || w.weak["revived"]) {
		return false
	}
	switch b := h.body.(type) {
	case Annul:
		return w.target(b) == l
	case RoleBody:
		if !w.roleHits(h, t, b, need) {
			return false
		}
	case Device:
		if w.st[w.ref(b.Device)].dev != t.dev || w.elder(h, t) {
			return false
		}
	}
	if h.act.knows(l) && !otherBranch(h.act, t) {
		return false
	}
	return h.member == t.member || h.power.above(t.power) || w.weak["power"]
}

// roleHits reports whether a role act is about a statement with so much need.
func (w *World) roleHits(h, t *statement, b RoleBody, need int) bool {
	y := w.ref(b.Member)
	switch {
	case w.weak["demotion"] && b.Role != "", w.weak["leave"] && h.member == y:
		return false
	case t.member != y:
		return false
	case need <= rankAny && (b.Role != "" || h.member == y):
		return false
	case !h.low:
		return t.power.rank > b.Role.Rank() && !w.weak["raise"]
	}
	return true
}

// elder reports whether t puts out the device of h and was said by a device from which that
// one was linked: it holds for good.
func (w *World) elder(h, t *statement) bool {
	b, ok := t.body.(Device)
	return ok && w.st[w.ref(b.Device)].dev == h.dev && slices.Contains(w.linkers(h.act.root), t.act.root) && !w.weak["elder"]
}

// otherBranch reports whether an act pins an entry of another's device that is neither
// before nor after that one.
func otherBranch(r *act, l *statement) bool {
	n, ok := r.pin(l.dev.key)
	return ok && l.dev.rootBranch(n.At.Branch) == l.dev.rootBranch(l.at.Branch) && !l.dev.comparable(n.At, l.at)
}

// linkers returns the devices, by their first statements, that a device comes from: the one
// that linked it, that one's, and so on.
func (w *World) linkers(root int) (list []int) {
	for root >= 0 {
		b, ok := w.st[root].body.(Join)
		if !ok {
			break
		}
		by := w.ref(b.Retire)
		if by < 0 {
			by = w.ref(b.Invite)
			if by < 0 || w.invite(by).For.IsZero() {
				break
			}
		}
		root = w.st[by].act.root
		list = append(list, root)
	}
	return list
}

// invite returns the body of an invitation's statement; the zero Invite of any other.
func (w *World) invite(i int) Invite {
	if i < 0 {
		return Invite{}
	}
	b, _ := w.st[i].body.(Invite)
	return b
}

// marked reports whether a device, by its first statement, is a recovery code's (R18).
func (w *World) marked(root int) bool {
	b, ok := w.st[root].body.(Join)
	return ok && w.invite(w.ref(b.Invite)).Recovery && !w.weak["recovery"]
}

// contested reports whether a statement is not before or after every other act of its
// device in a set; with forks, every other entry held (R19).
func (w *World) contested(l int, mask set, forks bool) bool {
	s := w.st[l]
	if forks {
		return s.dev.contested(s.at)
	}
	return slices.ContainsFunc(s.dev.acts, func(x *act) bool {
		return mask.has(x.first) && !s.dev.comparable(x.At, s.at)
	})
}

// vouchers returns those that build on l by another device, as witnesses and with no less
// power than l's author unless l puts out a device (R9).
func (w *World) vouchers(l int) set {
	t := w.st[l]
	for _, x := range w.index.ranked[t.ranked:] {
		if x > l && w.mayVouch(w.st[x], t, l) {
			t.vouchers = t.vouchers.with(x)
		}
	}
	t.ranked = len(w.index.ranked)
	return t.vouchers
}

func (w *World) mayVouch(a, t *statement, l int) bool {
	if a.dev == t.dev || !a.act.knows(l) {
		return false
	}
	if w.weak["vouch"] {
		return a.power.Rank() >= t.need
	}
	return a.power.rank >= rankWitness && (!t.power.above(a.power) || a.member == t.member || t.kind == KindDevice)
}
