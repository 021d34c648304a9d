package trust

import (
	"slices"

	"github.com/mootspace/moot"
)

// Invitation returns one that stands.
func (s *State) Invitation(id moot.EntryID) (Invitation, bool) {
	w := s.w
	v := w.ref(id)
	if v < 0 || !s.under.has(v) || w.st[v].kind != KindInvite {
		return Invitation{}, false
	}
	inv, used := w.invite(v), s.used(v)
	return Invitation{w.st[v].id, inv, w.memberID(w.st[v].member), used, used < inv.Uses && s.alive(v)}, true
}

// Admission returns the lowest standing witness act that admits a device, by its first entry.
func (s *State) Admission(first moot.EntryID) (moot.EntryID, bool) {
	j := s.w.ref(first)
	if j < 0 || !s.under.has(j) {
		return moot.EntryID{}, false
	}
	for _, a := range s.admissions(j) {
		if s.w.st[a].kind == kindAdmit {
			return s.w.st[a].id, true
		}
	}
	return moot.EntryID{}, false
}

// Lowered returns the act by which a member was removed or demoted last, of those in force.
func (s *State) Lowered(id moot.MemberID) (moot.EntryID, bool) {
	m := s.w.ref(id)
	if m < 0 {
		return moot.EntryID{}, false
	}
	for _, r := range slices.Backward(s.w.index.subject(m).roles.list) {
		if s.w.index.low.has(r) && s.inForce(r) {
			return s.w.st[r].id, true
		}
	}
	return moot.EntryID{}, false
}

// Changed returns the devices of which plain entries may count differently than in an
// earlier State of the same World.
func (s *State) Changed(since *State) []moot.Key {
	found := map[moot.Key]bool{}
	note := func(a, b set) {
		for i := range a.beyond(b) {
			if join := s.w.st[i].kind == KindJoin; !join || since.mask.has(i) || s.admitted(i) { // else nothing of it counted or does
				s.w.concerned(i, found)
			}
		}
	}
	for _, p := range [][2]set{{s.mask, since.mask}, {s.under, since.under}, {s.each, since.each}} {
		note(p[0], p[1])
		note(p[1], p[0])
	}
	keys := make([]moot.Key, 0, len(found))
	for k := range found {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b moot.Key) int { return slices.Compare(a[:], b[:]) })
	return keys
}

// concerned adds the devices of which plain entries may count or not by one statement
// (R15, R16, R19): those it admits, puts out, gives a role or names.
func (w *World) concerned(i int, found map[moot.Key]bool) {
	st := w.st[i]
	if !st.ok {
		return
	}
	if st.dev.forked() {
		found[st.dev.key] = true
	}
	switch b := st.body.(type) {
	case Space, Join, AdoptedMember:
		w.concernedBy(i, found)
	case Admission:
		w.concernedBy(w.ref(b.Join), found)
	case RoleBody:
		w.concernedBy(w.ref(b.Member), found)
	case Device:
		found[w.st[w.ref(b.Device)].dev.key] = true
	case Retire:
		found[st.dev.key] = true
	}
	list, _ := marks(st.body)
	for _, m := range list {
		if d := w.devices[m.Device]; d != nil && (d.forked() || w.mayUncover(st.act, d)) {
			found[m.Device] = true
		}
	}
}

// mayUncover reports whether an act's feeds may matter to what lowers a device's member or
// puts the device out: only if it did not know of that (R16).
func (w *World) mayUncover(a *act, d *device) bool {
	unknown := func(r int) bool { return !a.knows(r) }
	return slices.ContainsFunc(d.out, unknown) || slices.ContainsFunc(d.roots, func(t int) bool {
		return slices.ContainsFunc(w.index.subject(w.st[t].member).roles.list, unknown)
	})
}

// concernedBy adds the device of a join and, if it makes a member, that member's others.
func (w *World) concernedBy(join int, found map[moot.Key]bool) {
	if join < 0 {
		return
	}
	found[w.st[join].dev.key] = true
	if w.st[join].member == join {
		for _, j := range w.index.subject(join).devices {
			found[w.st[j].dev.key] = true
		}
	}
}
