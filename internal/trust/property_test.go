package trust

import (
	"fmt"
	"slices"
	"testing"
)

// stateOfActs returns what a set of a sim's acts amounts to, forks included.
func (s *sim) stateOfActs(acts set) *State {
	var mask set
	for i := range acts.all() {
		a := s.w.acts[i]
		for n := range a.lines {
			mask = mask.with(a.first + n)
		}
	}
	return s.w.evaluate(mask, false)
}

// converges hands all acts to another World in another order (P1).
func (s *sim) converges() (bad []string) {
	v := New(s.w.space, s.w.config)
	v.weak = s.w.weak
	done := set{}
	todo := s.Perm(len(s.acts))
	for len(todo) > 0 {
		todo = slices.DeleteFunc(todo, func(i int) bool {
			a := s.acts[i]
			if !a.past.in(done) {
				return false
			}
			if a.fork {
				v.Fork(a.Device, a.At.Branch, a.parent)
			}
			if err := v.Add(a.Act); err != nil {
				bad = append(bad, fmt.Sprint("P1 refused there: ", err))
			}
			if s.IntN(3) == 0 {
				v.State()
			}
			done = done.clone(0).with(i)
			return true
		})
	}
	if got, want := s.describe(v.State(), nil), s.describe(s.w.State(), nil); got != want {
		bad = append(bad, "P1 convergence: "+got+" and "+want)
	}
	return bad
}

// check names the properties that a run violates.
func (s *sim) check(honest set) (bad []string) {
	w := s.w
	bad = s.converges()
	before, after := s.stateOfActs(honest), s.stateOfActs(firstOnes(len(s.acts)))
	bad = append(bad, s.taken(before, after)...)
	for x := range after.under.union(nil).all() {
		st := w.st[x]
		switch b := st.body.(type) {
		case Annul:
			if t := w.st[w.target(b)]; t.member != st.member && !st.power.above(t.power) {
				bad = append(bad, "P2 annulled from below")
			}
		case RoleBody:
			if b.Strict && st.power.rank < rankOwner {
				bad = append(bad, "P2 strict from below")
			}
		case Invite:
			bad = append(bad, s.uses(after, x, b)...)
		}
	}
	return append(bad, s.displaced(after)...)
}

// taken compares what the honest members made of the space with what the adversary made of
// that, if it was left no power (P4, P5).
func (s *sim) taken(before, after *State) []string {
	w, theirs := s.w, map[int]bool{}
	for d := range s.evil {
		root := w.devices[testKey(d)].acts[0].first
		m := w.st[root].member
		switch {
		case !s.evil[d] || m < 0:
			continue
		case s.evil[s.acts[w.st[m].act.number].device]:
			theirs[m] = true
			if before.mask.has(m) && before.admitted(m) && before.role(m).role.Rank() > Member.Rank() {
				return nil
			}
		case !before.mask.has(root) || before.device(root, false) >= 0 || len(before.bars(w.st[root].dev, m)) == 0:
			return nil // a stolen device that nobody has put out (L2)
		}
	}
	for x, st := range w.st {
		stolen := s.evil[s.acts[st.act.number].device] && st.member >= 0 && !s.evil[s.acts[w.st[st.member].act.number].device]
		if st.kind == KindDevice && stolen && after.inForce(x) && !before.inForce(x) {
			return nil // strikes back (L2)
		}
	}
	if !before.cont.empty() || !after.cont.empty() && after.cont.meets(before.under) {
		return nil // L3
	}
	for _, j := range w.index.joins {
		if !before.mask.has(j) && w.st[j].member == j && !theirs[j] {
			theirs[j] = true
		}
	}
	if a, b := s.describe(before, theirs), s.describe(after, theirs); a != b {
		return []string{"P4 taken: " + a + " became " + b}
	}
	return nil
}

// uses checks that an invitation admits no more joins for each device that witnesses (P8).
func (s *sim) uses(st *State, v int, b Invite) []string {
	quiet, devices := 0, map[*device]bool{}
	for _, j := range s.w.index.invitation(v).joins {
		n := 0
		for _, a := range st.admissions(j) {
			if line, ok := s.w.st[a].body.(Admission); ok && !line.Aloud {
				n, devices[s.w.st[a].dev] = 1, true
			}
		}
		quiet += n
	}
	for d := range devices {
		if d.forked() {
			return nil
		}
	}
	if quiet > b.Uses*len(devices) {
		return []string{"P8 uses"}
	}
	return nil
}

// displaced checks that the newest acts that lower nobody take nothing away (P3).
func (s *sim) displaced(after *State) (bad []string) {
	w := s.w
	all := firstOnes(len(s.acts))
	for _, a := range w.heads {
		if w.index.hitters.has(a.first) || a.dev.forked() || a.dev.acts[len(a.dev.acts)-1] != a {
			continue
		}
		all.without(a.number)
		st := s.stateOfActs(all)
		all = all.with(a.number)
		if !st.each.equal(after.each) || !st.cont.equal(after.cont) || !st.under.and(w.index.low).equal(after.under.and(w.index.low)) {
			continue // others built a removal on it, or it names a contested act
		}
		for _, m := range st.members() {
			if !after.admitted(m) {
				bad = append(bad, "P3 displaced")
			}
		}
	}
	return bad
}

// TestProperties plays an adversary against honest members.
func TestProperties(t *testing.T) {
	for seed := range uint64(600) {
		s := newSim(seed)
		if bad := s.check(s.run(30)); len(bad) > 0 {
			t.Errorf("seed %d: %v", seed, bad)
		}
	}
}

// TestPropertiesSeeWeakRules fails if the adversary of TestProperties gains nothing from a
// rule that is switched off.
func TestPropertiesSeeWeakRules(t *testing.T) {
	for _, rule := range []string{"demotion", "witness", "uses", "annul", "strict", "arrival"} {
		found := false
		for seed := uint64(0); seed < 3000 && !found; seed++ {
			s := newSim(seed, rule)
			found = len(s.check(s.run(30))) > 0
		}
		if !found {
			t.Errorf("no run sees that the rule %q is switched off", rule)
		}
	}
}
