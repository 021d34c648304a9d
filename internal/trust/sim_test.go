package trust

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/mootspace/moot"
)

// sim plays honest members behind partitions, and an adversary whose devices know all,
// withhold, fork, and cite as they like.
type sim struct {
	*rand.Rand
	w      *World
	acts   []simAct
	know   map[int]set // device to acts that reached it
	tip    map[int]int // device to the act at the end of its feed
	evil   map[int]bool
	forks  map[int]int // branches of a device
	next   map[int]bool
	device int // last one
	made   int // acts, for their IDs
}

// simAct is an act that was taken in, with all that was before it.
type simAct struct {
	Act
	device int
	parent Position
	fork   bool
	past   set
}

func newSim(seed uint64, weak ...string) *sim {
	s := &sim{Rand: rand.New(rand.NewPCG(seed, 7)), know: map[int]set{}, tip: map[int]int{}, evil: map[int]bool{}, forks: map[int]int{}, next: map[int]bool{}}
	s.w = New(moot.SpaceID(testID(0)), Config{Budget: 12, WitnessBudget: 12})
	s.w.weak = map[string]bool{}
	for _, rule := range weak {
		s.w.weak[rule] = true
	}
	s.say(0, KindSpace, Space{Name: "test"}, nil, -1)
	for range 2 + s.IntN(4) {
		v := s.say(0, KindInvite, Invite{Key: testKey(-1), Role: pick(s, Guest, Member, Server, Admin, Admin, Owner), Uses: 1}, s.know[0], s.tip[0])
		d := s.join(v, s.know[0], s.IntN(3) == 0)
		s.know[0] = s.know[0].with(s.tip[d])
		s.say(0, KindWitness, Witness{Admits: []Admission{{Join: s.acts[s.tip[d]].ID}}}, s.know[0], s.tip[0])
		s.know[d] = s.know[d].union(s.know[0])
	}
	return s
}

func pick[T any](s *sim, list ...T) T { return list[s.IntN(len(list))] }

// make returns an act of a device that knows what is given, after the act prev; -1: none.
func (s *sim) make(device int, kind string, body any, know set, prev int) simAct {
	a := simAct{Act: Act{ID: testID(s.made), Device: testKey(device), At: Position{Seq: 1}, Kind: kind, Body: body, Named: map[moot.EntryID]Named{}}, device: device}
	s.made++
	below := set{}
	for i := range know.all() {
		below = below.union(s.acts[i].past)
	}
	a.past = know.clone(0).union(below)
	for i := range know.minus(below).all() {
		if len(a.Cites) < MaxCites {
			a.Cites = append(a.Cites, s.acts[i].ID)
		}
	}
	if prev >= 0 {
		a.parent = s.acts[prev].At
		a.At = Position{a.parent.Branch, a.parent.Seq + 1}
		a.past = a.past.union(s.acts[prev].past).with(prev)
	}
	if s.next[s.after(device, prev)] {
		a.fork, a.At.Branch = true, s.forks[device]+1
	}
	list, _ := marks(body)
	for _, m := range list {
		for i := range s.acts {
			if s.acts[i].ID == m.ID {
				a.Named[m.ID] = Named{s.acts[i].Device, s.acts[i].At}
				a.past = a.past.union(s.acts[i].past).with(i)
			}
		}
	}
	return a
}

func (s *sim) after(device, prev int) int { return device<<20 + prev + 1 }

// say adds an act, and returns its ID; zero if it is refused.
func (s *sim) say(device int, kind string, body any, know set, prev int) moot.EntryID {
	a := s.make(device, kind, body, know, prev)
	if a.fork {
		s.w.Fork(a.Device, a.At.Branch, a.parent)
	}
	if s.w.Add(a.Act) != nil {
		return moot.EntryID{}
	}
	if a.fork {
		s.forks[device]++
	}
	s.next[s.after(device, prev)] = true
	n := len(s.acts)
	s.acts = append(s.acts, a)
	s.tip[device] = n
	s.know[device] = s.know[device].clone(0).union(a.past).with(n)
	return a.ID
}

// join adds a device that joins by an invitation.
func (s *sim) join(v moot.EntryID, know set, evil bool) int {
	s.device++
	s.evil[s.device] = evil
	name := pick(s, "a", "b", "c", "d")
	if !s.w.invite(s.w.ref(v)).For.IsZero() {
		name = ""
	}
	s.say(s.device, KindJoin, Join{Invite: v, Name: name}, know, -1)
	return s.device
}

// known returns the statements of acts that have the right and are of a kind.
func (s *sim) known(know set, kind string) (list []int) {
	for i := range know.all() {
		a := s.w.acts[i]
		for n := a.first; n < a.first+a.lines; n++ {
			if s.w.index.ok.has(n) && s.w.st[n].kind == kind {
				list = append(list, n)
			}
		}
	}
	return list
}

func (s *sim) pins(know set, member int) (list []Mark) {
	for _, j := range s.w.index.subject(member).devices {
		for _, a := range slices.Backward(s.w.st[j].dev.acts) {
			if know.has(a.number) {
				list = append(list, Mark{Device: a.Device, ID: a.ID})
				break
			}
		}
	}
	slices.SortFunc(list, func(a, b Mark) int { return slices.Compare(a.Device[:], b.Device[:]) })
	return slices.CompactFunc(list, func(a, b Mark) bool { return a.Device == b.Device })
}

// some returns a random act that a member might want.
func (s *sim) some(know set, m int) (string, any) {
	one := func(kind string) int {
		if list := s.known(know, kind); len(list) > 0 {
			return pick(s, list...)
		}
		return 0
	}
	id := func(i int) moot.EntryID { return s.w.st[i].id }
	switch s.IntN(14) {
	case 0, 1, 2:
		return KindInvite, Invite{Key: testKey(-1), Role: pick(s, Guest, Member, Server, Admin, Owner), Uses: 1}
	case 3, 4, 5:
		y := one(KindJoin)
		return KindRole, RoleBody{Member: moot.MemberID(id(y)), Role: pick(s, "", Guest, Member, Server, Admin, Owner), Pins: s.pins(know, max(s.w.st[y].member, 0)), Strict: s.IntN(5) == 0}
	case 6, 7:
		return KindWitness, Witness{Admits: []Admission{{Join: id(one(KindJoin)), Aloud: s.IntN(5) == 0}}}
	case 8:
		return KindWitness, Witness{Confirms: []moot.EntryID{id(one(KindRename))}}
	case 9:
		return KindRename, Rename{Name: pick(s, "a", "b", "c", "d", "e")}
	case 10:
		return KindInvite, Invite{Key: testKey(-1), For: s.w.memberID(m), Uses: 1, Recovery: s.IntN(3) == 0}
	case 11, 12:
		j := one(KindJoin)
		if s.w.st[j].member != m && s.IntN(3) > 0 {
			j = pick(s, s.w.index.subject(m).devices...)
		}
		return KindDevice, Device{Device: id(j)}
	}
	return KindAnnul, Annul{Act: id(one(pick(s, KindRole, KindRole, kindConfirm))), Line: s.IntN(2)}
}

// honest has a device say something that it may, knowing all that reached it.
func (s *sim) honest(d int) {
	for i := range s.acts {
		if s.IntN(3) > 0 && s.acts[i].past.in(s.know[d]) {
			s.know[d] = s.know[d].clone(0).with(i)
		}
	}
	m := s.w.st[s.w.acts[s.tip[d]].first].member
	for range 6 {
		if m < 0 {
			return
		}
		kind, body := s.some(s.know[d], m)
		if b, ok := body.(RoleBody); ok && b.Role == "" && s.IntN(3) > 0 {
			continue
		}
		if s.w.Probe(s.make(d, kind, body, s.know[d], s.tip[d]).Act) == nil {
			s.say(d, kind, body, s.know[d], s.tip[d])
			return
		}
	}
}

// adversary has a device say something with any part of what it knows, on any branch.
func (s *sim) adversary(d int) {
	prev := s.tip[d]
	if s.IntN(8) == 0 {
		prev = pick(s, s.w.devices[testKey(d)].acts...).number
	}
	base := s.acts[prev].past.clone(0).with(prev)
	switch s.IntN(3) {
	case 0: // all but what one act told it
		x := s.IntN(len(s.acts))
		for i := range s.acts {
			if i != x && !s.acts[i].past.has(x) {
				base = base.union(s.acts[i].past).with(i)
			}
		}
	case 1:
		for range s.IntN(4) {
			i := s.IntN(len(s.acts))
			base = base.union(s.acts[i].past).with(i)
		}
	}
	for range 6 {
		kind, body := s.some(base, max(s.w.st[s.w.acts[prev].first].member, 0))
		a := s.make(d, kind, body, base, prev)
		if a.fork || s.w.Probe(a.Act) == nil || s.IntN(20) == 0 {
			s.say(d, kind, body, base, prev)
			return
		}
	}
}

// run plays some steps; then the founder puts the adversary out, who goes on. It returns
// what the honest members have said, and what that rests on.
func (s *sim) run(steps int) (honest set) {
	for range steps {
		if list := s.known(firstOnes(len(s.acts)), KindInvite); len(list) > 0 && s.IntN(3) == 0 {
			v := s.w.st[pick(s, list...)]
			used := len(s.w.index.invitation(s.w.ref(v.id)).joins) > 0
			owner := s.evil[s.acts[v.act.number].device]
			if used = used && s.IntN(3) > 0; !used {
				s.join(v.id, set(nil).with(v.act.number), owner || used || s.IntN(4) == 0)
			}
		}
		if d := s.IntN(s.device + 1); s.evil[d] {
			s.adversary(d)
		} else {
			s.honest(d)
		}
	}
	s.purge()
	for _, a := range s.acts {
		if !s.evil[a.device] {
			honest = honest.union(a.past)
		}
	}
	for i, a := range s.acts {
		if !s.evil[a.device] {
			honest = honest.with(i)
		}
	}
	for d := range s.device + 1 {
		for range 4 {
			if s.evil[d] {
				s.adversary(d)
			}
		}
	}
	return honest
}

// purge has the founder remove all of the adversary's members that it has heard of.
func (s *sim) purge() {
	all := s.know[0].clone(0)
	if s.IntN(2) == 0 {
		all = all.union(firstOnes(len(s.acts)))
	}
	for d := 1; d <= s.device; d++ {
		j := s.w.devices[testKey(d)].acts[0]
		if !s.evil[d] || !all.has(j.number) {
			continue
		}
		if m := s.w.st[j.first].member; m == j.first && s.w.State().admitted(m) {
			to := pick(s, "", "", Member)
			s.say(0, KindRole, RoleBody{Member: s.w.memberID(m), Role: to, Pins: s.pins(all, m)}, all, s.tip[0])
		} else if m >= 0 && m != j.first && !s.evil[s.acts[s.w.st[m].act.number].device] {
			s.say(0, KindDevice, Device{Device: j.ID}, all, s.tip[0])
		}
		all = all.union(s.know[0])
	}
}

// describe returns a State in words that no order of arrival changes.
func (s *sim) describe(st *State, skip map[int]bool) string {
	w := st.w
	var lines []string
	for _, m := range st.Members() {
		j := w.ref(m.ID)
		if skip[j] {
			continue
		}
		var devices []string
		for _, d := range st.Devices(m.ID) {
			devices = append(devices, d.Key.Short())
		}
		name, held := m.Name, m.Held
		if skip != nil && !held {
			name = ""
		}
		lines = append(lines, fmt.Sprint(m.ID.Short(), " ", m.Role, " ", devices, " ", name, " ", held))
	}
	slices.Sort(lines)
	return fmt.Sprint(lines)
}
