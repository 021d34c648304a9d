package trust

import (
	"bytes"
	"slices"

	"github.com/mootspace/moot"
)

// State is what a set of acts amounts to. It does not change when acts are added to its
// World, and must not be used while they are.
type State struct {
	w     *World
	mask  set                // statements of the acts
	size  int                // of mask
	forks bool               // plain entries may contest, too: all that is held, not a past
	under set                // what stands
	over  set                // what stands or is open
	open  bool               // over is more than under
	each  set                // open, and in force
	cont  set                // void by R19
	waits []int              // joins by invitations that stand and that nobody has admitted, by number
	uses  map[int]int        // of invitations that many joined with: admitted joins
	memo  map[int]standing   // of members
	limit map[coverKey]cover // of plain entries
}

// State returns what all acts held amount to.
func (w *World) State() *State {
	if s := w.last; s != nil && s.size == len(w.st) {
		return s
	}
	if w.forks == 0 && len(w.heads) <= MaxCites { // what the next act that cites all knows
		past, heads, _ := w.past(slices.Clone(w.heads))
		w.last = w.stateOf(heads, past)
	} else {
		w.last = w.derive(w.last, firstOnes(len(w.st)), true)
	}
	return w.last
}

// inForce reports whether a statement takes effect: a lowering one may while it is open
// whether it stands (R10).
func (s *State) inForce(i int) bool {
	return s.under.has(i) || s.each.has(i) && s.w.index.low.has(i)
}

// admitted reports whether a join is admitted (R6).
func (s *State) admitted(j int) bool {
	return j == s.w.index.founder || s.under.has(j) && anyOf(s.w.index.subject(j).admissions, s.under)
}

// admissions returns the standing admissions of a join.
func (s *State) admissions(j int) (list []int) {
	for _, a := range s.w.index.subject(j).admissions {
		if s.under.has(a) {
			list = append(list, a)
		}
	}
	return list
}

// device returns the member that a device, by its first statement, acts for; -1: none. With
// ended, also the one that it acted for until it ended itself.
func (s *State) device(root int, ended bool) int {
	w := s.w
	t := w.st[root]
	if !s.mask.has(root) || !t.ok || !s.admitted(root) {
		return -1
	}
	m := t.member
	if len(s.bars(t.dev, m)) > 0 || !ended && anyOf(t.dev.ends, s.mask) {
		return -1
	}
	if !s.admitted(m) || s.role(m).role == "" {
		return -1
	}
	return m
}

// bars returns the acts in force that put a device of a member out (R6): one of another
// member only if its author was above what the member is by all that it did not know of.
func (s *State) bars(d *device, m int) (list []int) {
	w := s.w
	for _, r := range d.out {
		if s.inForce(r) && (w.st[r].member == m || w.weak["below"] || w.st[r].power.above(s.roles(m).unaware(r).winner().power)) {
			list = append(list, r)
		}
	}
	return list
}

// recovery returns the first statement of the device of a member's recovery code; -1: none.
func (s *State) recovery(m int) int {
	best := -1
	for _, j := range s.w.index.subject(m).devices {
		if s.mask.has(j) && s.w.marked(j) && s.device(j, false) == m && (best < 0 || s.w.compare(j, best) < 0) {
			best = j
		}
	}
	return best
}

// alive reports whether an invitation's author could still give it, and it is not withdrawn
// (R12: links end with the right to give them).
func (s *State) alive(v int) bool {
	w := s.w
	if anyOf(w.index.invitation(v).withdrawals, s.under) {
		return false
	}
	if w.weak["links"] {
		return true
	}
	a := s.device(w.st[v].act.root, true)
	if a < 0 {
		return false
	}
	rank := s.role(a).role.Rank()
	if inv := w.invite(v); inv.For.IsZero() {
		return rank >= max(rankAdmin, inv.Role.Rank())
	}
	return rank >= rankAny
}

// manyJoins is from how many joins by an invitation on their number is remembered.
const manyJoins = 32

// used returns how many joins are admitted with an invitation.
func (s *State) used(v int) (n int) {
	joins := s.w.index.invitation(v).joins
	if n, known := s.uses[v]; known {
		return n
	}
	for _, j := range joins {
		if s.admitted(j) {
			n++
		}
	}
	if len(joins) >= manyJoins {
		if s.uses == nil {
			s.uses = map[int]int{}
		}
		s.uses[v] = n
	}
	return n
}

// usedUp reports whether so many joins are admitted with an invitation, with lines before.
func (s *State) usedUp(v, uses int, before []*statement) bool {
	w := s.w
	if len(w.index.invitation(v).joins)+len(before) < uses {
		return false
	}
	n := s.used(v)
	for _, b := range before {
		if b.ok && b.admits >= 0 && w.ref(w.st[b.admits].body.(Join).Invite) == v {
			n++
		}
	}
	return n >= uses
}

// actingDevices returns how many devices act for a member, with lines before.
func (s *State) actingDevices(m int, before []*statement) (n int) {
	for _, j := range s.w.index.subject(m).devices {
		if s.device(j, false) >= 0 {
			n++
		}
	}
	for _, b := range before {
		if b.ok && b.admits >= 0 && s.w.st[b.admits].member == m {
			n++
		}
	}
	return n
}

func (w *World) memberID(m int) moot.MemberID { return moot.MemberID(w.st[m].id) }

// statementsOf returns the statements of an act that the state holds.
func (s *State) statementsOf(id moot.EntryID) (first, end int) {
	a := s.w.byID[id]
	if a == nil || !s.mask.has(a.first) {
		return 0, 0
	}
	return a.first, a.first + a.lines
}

func (s *State) anyLine(id moot.EntryID, f func(i int) bool) bool {
	first, end := s.statementsOf(id)
	for i := first; i < end; i++ {
		if f(i) {
			return true
		}
	}
	return false
}

// Standing reports whether an act stands (R4); of a witness act, whether any line does.
func (s *State) Standing(id moot.EntryID) bool { return s.anyLine(id, s.under.has) }

// InForce reports whether a lowering act is in force (R10).
func (s *State) InForce(id moot.EntryID) bool {
	return s.anyLine(id, func(i int) bool { return s.w.index.low.has(i) && s.inForce(i) })
}

// Dead reports whether an act never has an effect; of a witness act, whether no line has.
func (s *State) Dead(id moot.EntryID) bool {
	first, end := s.statementsOf(id)
	return first < end && !s.anyLine(id, s.w.index.ok.has)
}

// Why returns why an act has not the right, in words; nil if it has.
func (s *State) Why(id moot.EntryID) error {
	first, end := s.statementsOf(id)
	for i := first; i < end; i++ {
		if st := s.w.st[i]; !st.ok {
			return st.denied
		}
	}
	return nil
}

// Heads returns the acts that the next act of a node that holds all of this cites: those
// that no act names, the newest MaxCites. Joins that nobody has admitted are not among them:
// a witness that admits one cites it besides.
func (s *State) Heads() []moot.EntryID {
	w := s.w
	var list []*act
	for _, a := range w.heads {
		if st := w.st[a.first]; st.kind == KindJoin && !s.admitted(a.first) {
			continue
		}
		list = append(list, a)
	}
	list = slices.DeleteFunc(list, func(a *act) bool { // known to a join that was admitted
		return slices.ContainsFunc(list, func(b *act) bool { return b.Kind == KindJoin && b.knows(a.first) })
	})
	slices.SortFunc(list, func(a, b *act) int {
		if x, y := s.under.has(a.first), s.under.has(b.first); x != y {
			if x {
				return -1
			}
			return 1
		}
		if a.height != b.height {
			return b.height - a.height
		}
		return bytes.Compare(a.ID[:], b.ID[:])
	})
	ids := make([]moot.EntryID, 0, min(len(list), MaxCites))
	for _, a := range list[:min(len(list), MaxCites)] {
		ids = append(ids, a.ID)
	}
	return ids
}
