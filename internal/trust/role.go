package trust

import (
	"encoding/binary"
	"slices"
)

// standing is what a member has in a state (R7): its role, its power, and the act by which
// it rose to it; -1: none.
type standing struct {
	role  Role
	power Power
	by    int
}

func nobody() standing { return standing{power: powerless(), by: -1} }

// roleLog holds the role acts about one member that have the right, numbered from 0.
type roleLog struct {
	list   []int
	up     set   // those that raise
	under  []set // of each: those in its past that were not void there
	after  []set // of each: those that it is under
	memo   map[string]standing
	counts map[string]set
}

// maxMemo bounds the results of a kind that are remembered for one member.
const maxMemo = 1 << 13

func (l *roleLog) add(i int, a *act, low bool) {
	var under set
	n := len(l.list)
	for k, r := range l.list {
		if a.knows(r) && !a.void.has(r) {
			under = under.with(k)
			l.after[k] = l.after[k].with(n)
		}
	}
	if !low {
		l.up = l.up.with(n)
	}
	l.list, l.under, l.after = append(l.list, i), append(l.under, under), append(l.after, nil)
}

// roles are the role acts about a member that stand or are in force.
type roles struct {
	*World
	*roleLog
	member int
	base   standing
	cand   set // numbers in the log
}

// roles returns the role acts about a member in a state.
func (s *State) roles(m int) roles {
	l := &s.w.index.subject(m).roles
	var cand set
	for k, r := range l.list {
		if s.inForce(r) {
			cand = cand.with(k)
		}
	}
	return roles{World: s.w, roleLog: l, member: m, base: s.base(m), cand: cand}
}

// role returns what a member has (R8).
func (s *State) role(m int) standing {
	if r, ok := s.memo[m]; ok {
		return r
	}
	r := s.roles(m).winner()
	if s.memo == nil {
		s.memo = map[int]standing{}
	}
	s.memo[m] = r
	return r
}

// base returns what a member has by its admission alone.
func (s *State) base(m int) standing {
	w := s.w
	if m == w.index.founder {
		return standing{Founder, Power{rank: Founder.Rank()}, m}
	}
	role, by := Guest, -1 // only a role act keeps it
	for _, a := range w.index.subject(m).admissions {
		if !s.under.has(a) {
			continue
		}
		if by < 0 {
			by = a
		}
		if kind := w.st[a].kind; kind == kindAdmit || kind == KindJoin {
			role = w.invited(m)
			break
		}
	}
	if by < 0 {
		return nobody()
	}
	return w.risen(m, role, by)
}

// invited returns the role with which a member came.
func (w *World) invited(m int) Role {
	switch b := w.st[m].body.(type) {
	case Join:
		return w.invite(w.ref(b.Invite)).Role
	case AdoptedMember:
		return b.Role
	}
	return ""
}

// risen returns what a member has that rose to a role by a statement.
func (w *World) risen(m int, role Role, by int) standing {
	if by < 0 {
		return standing{role, powerless(), by}
	}
	s := w.st[by]
	return standing{role, Power{role.Rank(), s.act.height, s.id, w.memberID(m)}, by}
}

func (r roles) isOther(k int) bool  { return r.st[r.list[k]].member != r.member }
func (r roles) given(k int) Role    { return r.st[r.list[k]].body.(RoleBody).Role }
func (r roles) powerOf(k int) Power { return r.st[r.list[k]].power }
func (r roles) isLow(k int) bool    { return r.index.low.has(r.list[k]) }
func (r roles) winner() standing    { return r.lowest(r.counting()) }

// unaware leaves those that do not have a statement in their past.
func (r roles) unaware(x int) roles {
	r.cand = r.cand.clone(0)
	for k := range r.cand.all() {
		if r.st[r.list[k]].act.knows(x) {
			r.cand.without(k)
		}
	}
	return r
}

// counting returns those that count: an act on another only while its author's power is
// above what the member has by the counting acts before it. As no act is before one of lower
// number, it goes on from the greatest part known.
func (r roles) counting() (counts set) {
	var todo []int
	rest := r.cand.clone(0)
	for k := rest.top(); k >= 0; k = rest.top() {
		if known, ok := r.counts[r.key(rest)]; ok {
			counts = known.clone(0)
			break
		}
		todo = append(todo, k)
		rest.without(k)
	}
	for _, k := range slices.Backward(todo) {
		rest = rest.with(k)
		if !r.isOther(k) || r.powerOf(k).above(r.lowest(counts.and(r.under[k])).power) {
			counts = counts.with(k)
		}
		if len(r.counts) >= maxMemo || r.counts == nil {
			r.roleLog.counts = map[string]set{}
		}
		r.counts[r.key(rest)] = counts.clone(0)
	}
	return counts
}

// key names a set of role acts together with the base.
func (r roles) key(s set) string {
	return string(binary.AppendVarint([]byte(r.base.role), int64(r.base.by))) + s.key()
}

// lowest returns the lowest role of those that no other is after, each within its author's
// power; what its author may not give hides nothing.
func (r roles) lowest(cand set) standing {
	if cand.empty() {
		return r.base
	}
	key := r.key(cand)
	if s, ok := r.memo[key]; ok {
		return s
	}
	c := cand.clone(0)
	for {
		s, struck := r.merge(c)
		if struck < 0 {
			if len(r.memo) >= maxMemo || r.memo == nil {
				r.roleLog.memo = map[string]standing{}
			}
			r.memo[key] = s
			return s
		}
		c.without(struck)
	}
}

// merge goes through the newest of the candidates, that of greatest power first; struck is
// one whose author may not give it, or -1.
func (r roles) merge(cand set) (cur standing, struck int) {
	if cand.empty() {
		return r.base, -1
	}
	for n, k := range r.tops(cand) {
		before := r.lowest(cand.and(r.under[k]))
		role := r.given(k)
		own, rank := !r.isOther(k), role.Rank()
		if own && rank > before.role.Rank() || !own && rank < before.role.Rank() && !r.isLow(k) {
			role, rank = before.role, before.role.Rank() // lowering oneself gives nothing, and what raised takes nothing
		}
		switch {
		case n == 0 || rank < cur.role.Rank() && (own || r.powerOf(k).above(cur.power)):
			by := before.by
			if rank > before.role.Rank() {
				by = r.list[k]
			}
			cur = r.risen(r.member, role, by)
		case rank < cur.role.Rank():
			return cur, k
		}
	}
	return cur, -1
}

// tops returns those of the candidates that no other is after, others' first, by power.
func (r roles) tops(cand set) (list []int) {
	var known set
	for k := range cand.all() {
		known = known.union(r.under[k])
	}
	list = slices.Collect(cand.minus(known).all())
	if r.weak["arrival"] {
		list = list[:1]
	}
	slices.SortFunc(list, func(a, b int) int {
		switch {
		case r.isOther(a) != r.isOther(b):
			if r.isOther(a) {
				return -1
			}
			return 1
		case r.powerOf(a) != r.powerOf(b):
			return r.powerOf(b).Compare(r.powerOf(a))
		}
		return r.compareID(r.list[b], r.list[a])
	})
	return list
}

// lowered returns the acts by others that count and gave less than a role, since the member
// was last raised by another.
func (s *State) lowered(m int, to Role) (list []int) {
	r := s.roles(m)
	counts := r.counting()
	var up set // by others
	for k := range counts.and(r.up).all() {
		if r.isOther(k) {
			up = up.with(k)
		}
	}
	for k := range counts.minus(r.up).all() {
		if r.isOther(k) && r.given(k).Rank() < to.Rank() && !r.after[k].meets(up) {
			list = append(list, r.list[k])
		}
	}
	return list
}

// raisedAgain returns, for each act by another that would leave a member too little for a
// need, those that raised it after that (R5): the least such sets, as they imply the others.
func (s *State) raisedAgain(m, need int) (lists [][]int) {
	r := s.roles(m)
	if r.cand.empty() {
		return nil
	}
	var least []set
	counts := r.counting()
	up := counts.and(r.up)
	for k := range counts.minus(r.up).all() {
		if !r.isOther(k) || r.given(k).Rank() >= need {
			continue
		}
		after := r.after[k].and(up)
		if after.empty() || slices.ContainsFunc(least, func(l set) bool { return l.in(after) }) {
			continue
		}
		least = append(slices.DeleteFunc(least, after.in), after)
	}
	for _, l := range least {
		var list []int
		for u := range l.all() {
			list = append(list, r.list[u])
		}
		lists = append(lists, list)
	}
	return lists
}
