package trust

// evaluate returns what a set of statements amounts to (R10): the well-founded labelling.
func (w *World) evaluate(mask set, forks bool) *State {
	s := &State{w: w, mask: mask, forks: forks}
	s.findContested()
	list := make([]int, 0, len(w.st))
	for i := range mask.and(w.index.ok).all() {
		list = append(list, i)
	}
	over := s.stand(list, nil)
	for {
		s.under = s.stand(list, over.and(w.index.hitters))
		next := s.stand(list, s.under.and(w.index.hitters))
		if next.equal(over) {
			break
		}
		over = next
	}
	s.over = over
	if over.equal(s.under) {
		s.over = s.under
		return s
	}
	s.open = true
	s.findUndecided()
	return s
}

// findUndecided finds the lowering statements that are in force although it is open whether
// they stand.
func (s *State) findUndecided() {
	w := s.w
	open := s.over.minus(s.under)
	if w.weak["undecided"] {
		return
	}
	for r := range open.and(w.index.low).all() {
		st := w.st[r]
		if b, ok := st.body.(Device); ok {
			d := w.st[w.ref(b.Device)].dev
			if anyOf(d.said, st.hit.and(open)) {
				s.each = s.each.with(r)
				continue
			}
		}
		if !w.weak["limbo"] && s.certain(r) {
			s.each = s.each.with(r)
		}
	}
}

// certain reports whether an open statement rests on what stands alone, and only such
// statements hit it as are of the same member and whose authors do not stand for certain.
func (s *State) certain(r int) bool {
	w := s.w
	st := w.st[r]
	if !restsOn(st.author, s.under) || !s.hasAll(st.object) {
		return false
	}
	for h := range st.hit.and(s.over).and(w.index.hitters).all() {
		if w.st[h].member != st.member || restsOn(w.st[h].author, s.under) {
			return false
		}
	}
	return true
}

func restsOn(clauses [][]int, st set) bool {
	for _, c := range clauses {
		if !anyOf(c, st) {
			return false
		}
	}
	return true
}

func anyOf(list []int, st set) bool {
	for _, i := range list {
		if st.has(i) {
			return true
		}
	}
	return false
}

func (s *State) hasAll(list []int) bool { return allOf(list, s.under) }

func allOf(list []int, st set) bool {
	for _, i := range list {
		if !st.has(i) {
			return false
		}
	}
	return true
}

// stand returns what stands if just these removals are in force: the least such set. Sound
// is what is said by who stands, even if its object does not.
func (s *State) stand(list []int, eff set) set {
	w := s.w
	var st, sound set
	st, sound = make(set, (len(w.st)+63)>>6), make(set, (len(w.st)+63)>>6)
	for again := true; again; {
		again = false
		open := list[:0:0]
		for _, i := range list {
			x := w.st[i]
			if !w.authorStands(i, st) {
				open = append(open, i)
				continue
			}
			if s.cont.has(i) {
				continue
			}
			if x.hit.meets(eff) && !s.builtOn(i, eff, sound, st) {
				open = append(open, i)
				continue
			}
			again = again || !sound.has(i)
			sound = sound.with(i)
			if allOf(x.object, st) {
				st, again = st.with(i), true
			} else {
				open = append(open, i)
			}
		}
		list = open
	}
	return st
}

// authorStands reports whether what the author rests on stands. What needs rank 1 and is
// said by a member's first device may rest on a role given to it instead of on its
// admission: who was relied on stays.
func (w *World) authorStands(i int, st set) bool {
	s := w.st[i]
	for n, c := range s.author {
		if anyOf(c, st) {
			continue
		}
		if n != 1 || s.need > rankAny || !anyOf(w.index.subject(s.act.root).kept, st) {
			return false
		}
	}
	return true
}

// builtOn reports whether all that hits a statement is of its own member, and others vouch
// for it without knowing of that (R9).
func (s *State) builtOn(i int, eff, sound, st set) bool {
	w := s.w
	t := w.st[i]
	hits := t.hit.and(eff)
	for r := range hits.all() {
		if w.st[r].kind == KindAnnul || w.st[r].member != t.member {
			return false
		}
	}
	for a := range w.vouchers(i).all() {
		if !sound.has(a) || w.st[a].need <= rankAny && w.st[a].cast.meets(eff) {
			continue
		}
		if rise := w.st[a].rise; rise >= 0 && !st.has(rise) {
			continue
		}
		hits = hits.and(w.st[a].act.past)
		if hits.empty() {
			return true
		}
	}
	return false
}

// findContested finds what a fork makes void (R19, R20).
func (s *State) findContested() {
	w := s.w
	if w.forks == 0 {
		return
	}
	for _, d := range w.devices {
		if !d.forked() {
			continue
		}
		for _, i := range d.said {
			if s.mask.has(i) && w.contested(i, s.mask, s.forks) && !w.givesUp(i) && !s.goesOn(d, w.st[i].at) && !s.namedByOther(i) {
				s.cont = s.cont.with(i)
			}
		}
	}
}

// givesUp reports whether a statement is a lower role for its author: it holds on every branch (R18).
func (w *World) givesUp(i int) bool {
	b, ok := w.st[i].body.(RoleBody)
	return ok && w.st[i].ok && w.ref(b.Member) == w.st[i].member
}

// namedByOther reports whether an act of another device, with the right, has a statement in
// its past.
func (s *State) namedByOther(l int) bool {
	w := s.w
	if w.weak["fork"] {
		return false
	}
	for a := range s.mask.and(w.index.ok).all() {
		x := w.st[a]
		if a > l && x.act.knows(l) && x.dev != w.st[l].dev && x.kind != KindJoin {
			return true
		}
	}
	return false
}

// goesOn reports whether an entry is on the one branch that its forked device goes on with (R20).
func (s *State) goesOn(d *device, at Position) bool {
	w := s.w
	var first *act
	for _, i := range d.retires {
		if !s.mask.has(i) {
			continue
		}
		a := w.st[i].act
		switch {
		case first == nil || d.upTo(a.At, first.At):
			first = a
		case !d.upTo(first.At, a.At):
			return false
		}
	}
	return first != nil && d.upTo(at, first.At)
}
