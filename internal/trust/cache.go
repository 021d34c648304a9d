package trust

import (
	"maps"
	"slices"

	"github.com/mootspace/moot"
)

// maxStates bounds the States that are remembered: about those that authors who write at
// the same time see.
const maxStates = 64

// cache remembers States by their key, the oldest given up first.
type cache struct {
	states map[string]*State
	order  []string
}

func (c *cache) put(key string, s *State) {
	if c.states == nil {
		c.states = map[string]*State{}
	}
	if len(c.order) >= maxStates {
		delete(c.states, c.order[0])
		c.order = c.order[1:]
	}
	c.states[key], c.order = s, append(c.order, key)
}

// stateOf returns what a past amounts to.
func (w *World) stateOf(heads string, past set) *State {
	if s := w.cache.states[heads]; s != nil {
		return s
	}
	s := w.derive(w.cache.base(past), past, false)
	w.cache.put(heads, s)
	return s
}

// voidHitters returns what may hit, and is neither in force nor stands.
func (s *State) voidHitters() set {
	v := s.w.index.hitters.and(s.mask).minus(s.under).minus(s.each)
	if v.empty() {
		return nil
	}
	return v
}

// stateBefore returns what the past of a statement amounts to.
func (w *World) stateBefore(i int) *State { return w.stateOf(w.st[i].act.heads, w.st[i].act.past) }

// base returns the greatest remembered State of a part of a set; nil if there is none.
func (c *cache) base(past set) (best *State) {
	n, all := 0, past.count()
	for k := len(c.order) - 1; k >= 0 && n < all-8; k-- {
		s := c.states[c.order[k]]
		if s.size > n && s.size <= all && s.mask.in(past) {
			best, n = s, s.size
		}
	}
	return best
}

// derive adds to a State what it lacks of a set, one by one, as long as that changes nothing
// else; else it evaluates the set anew.
func (w *World) derive(base *State, mask set, forks bool) *State {
	if base == nil || base.forks != forks && w.forks > 0 {
		return w.anew(mask, forks)
	}
	s := &State{w: w, mask: mask, under: base.under.clone(len(mask) << 6), each: base.each, cont: base.cont, forks: forks, size: base.size,
		waits: base.waits, uses: maps.Clone(base.uses)}
	s.over, s.open = s.under, base.open
	if s.open {
		s.over = base.over.clone(len(mask) << 6)
	}
	for i := range mask.beyond(base.mask) {
		if !s.extend(i, base.mask) {
			return w.anew(mask, forks)
		}
	}
	return s
}

// anew evaluates a set, and finds what derive keeps.
func (w *World) anew(mask set, forks bool) *State {
	s := w.evaluate(mask, forks)
	s.size = mask.count()
	for _, j := range w.index.joins {
		if w.byInvitation(j) && s.under.has(j) && !s.admitted(j) {
			s.waits = append(s.waits, j)
		}
	}
	return s
}

// extend adds a statement that changes nothing else in a State that has all below it and a
// base; false if it may.
func (s *State) extend(i int, base set) bool {
	w := s.w
	x := w.st[i]
	if x.dev.forked() && (s.forks || w.contested(i, s.mask, false)) {
		return false
	}
	if x.ok {
		void, known := s.void(x)
		if !known || x.hits.meets(s.mask) || s.revives(i, base) {
			return false
		}
		if !void {
			s.stands(i, x)
		}
	}
	s.size++
	return true
}

// void reports whether what surely stands voids a statement; not known if that is open.
func (s *State) void(x *statement) (void, known bool) {
	hit := x.hit.and(s.mask)
	if hit.empty() {
		return false, true
	}
	for r := range hit.and(s.under).all() {
		if h := s.w.st[r]; h.kind == KindAnnul || h.member != x.member {
			return true, true
		}
	}
	return false, false
}

// revives reports whether a statement may make another stand: by vouching for it, by naming
// a contested one, or by giving its author a role.
func (s *State) revives(i int, base set) bool {
	w := s.w
	x, d := w.st[i], w.st[i].dev
	if x.kind != KindJoin {
		for l := range w.index.soft.and(s.mask).and(x.act.past).all() {
			if w.st[l].dev != d && !w.st[l].hit.and(s.mask).in(x.act.past) {
				return true
			}
		}
		for l := range s.cont.and(x.act.past).all() {
			if w.st[l].dev != d {
				return true
			}
		}
	}
	b, ok := x.body.(RoleBody)
	if !ok || b.Role == "" {
		return false
	}
	for _, l := range w.st[w.ref(b.Member)].dev.said {
		if (base.has(l) || l < i && s.mask.has(l)) && w.index.ok.has(l) && !s.under.has(l) {
			return true
		}
	}
	return false
}

// stands adds a statement that nothing hits to what stands, if what it rests on does.
func (s *State) stands(i int, x *statement) {
	if s.open && s.w.authorStands(i, s.over) && allOf(x.object, s.over) {
		s.over = s.over.with(i)
	}
	if s.w.authorStands(i, s.under) && allOf(x.object, s.under) {
		s.under = s.under.with(i)
		s.noteAdmission(i, x)
	}
	if !s.open {
		s.over = s.under
	}
}

// noteAdmission keeps what is known of joins that wait and of invitations used, by a
// statement that stands now.
func (s *State) noteAdmission(i int, x *statement) {
	w, j := s.w, x.admits
	if b, ok := x.body.(RoleBody); ok {
		j = w.ref(b.Member)
	}
	if w.byInvitation(i) && !s.admitted(i) {
		k, _ := slices.BinarySearch(s.waits, i)
		s.waits = slices.Insert(slices.Clone(s.waits), k, i)
		return
	}
	k, waited := slices.BinarySearch(s.waits, j)
	if !waited || !s.admitted(j) {
		return
	}
	s.waits = slices.Delete(slices.Clone(s.waits), k, k+1)
	v := w.ref(w.st[j].body.(Join).Invite)
	if n, known := s.uses[v]; known {
		s.uses[v] = n + 1
	}
}

// byInvitation reports whether a statement is a join by an invitation.
func (w *World) byInvitation(i int) bool {
	b, ok := w.st[i].body.(Join)
	return ok && b.Retire == moot.EntryID{}
}
