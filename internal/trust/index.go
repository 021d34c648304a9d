package trust

import (
	"cmp"
	"slices"

	"github.com/mootspace/moot"
)

// index finds statements by what they are about. Only those that have the right are in it.
type index struct {
	founder  int                  // statement of the founder's admission; -1: not held yet
	object   map[moot.EntryID]int // ID to statement
	ok       set                  // have the right
	low      set                  // lower
	hitters  set                  // may hit (R9)
	soft     set                  // hit by acts of their own member
	witness  []int                // witness acts' statements
	ranked   []int                // may vouch (R9)
	joins    []int                // in order of arrival
	of       map[int]*subject     // what is about a member or join
	invites  map[int]*invitation  // what is about an invitation
	names    map[string][]int     // mail form to members who ever claimed it
	mail     map[int][]int        // member to mailbox acts
	adopts   map[moot.Key]int     // devices of version 0.1.0 to their statements
	adoption *act                 // the adopt act that holds; nil: none
}

// subject is what statements say of a join and of the member that it makes.
type subject struct {
	admissions []int         // of the join: witness lines, its retire, roles given by others; lowest first
	kept       []int         // roles given by others
	said       []int         // the member's statements
	devices    []int         // the member's joins
	claims     []int         // the member's joins and renames, lowest first
	confirmed  map[int][]int // claim to confirmations
	withConf   []int         // claims that were confirmed, lowest first
	roles      roleLog
}

// invitation is what statements say of an invitation.
type invitation struct {
	joins       []int
	withdrawals []int
}

func newIndex() index {
	return index{founder: -1, object: map[moot.EntryID]int{}, of: map[int]*subject{}, invites: map[int]*invitation{},
		names: map[string][]int{}, mail: map[int][]int{}, adopts: map[moot.Key]int{}}
}

// adopted returns the statement of a device from version 0.1.0; -1 if it is none.
func (x *index) adopted(key moot.Key) int {
	if i, ok := x.adopts[key]; ok {
		return i
	}
	return -1
}

// subject returns what is said of a join; never nil.
func (x *index) subject(i int) *subject {
	s := x.of[i]
	if s == nil {
		s = &subject{confirmed: map[int][]int{}}
		x.of[i] = s
	}
	return s
}

func (x *index) invitation(i int) *invitation {
	v := x.invites[i]
	if v == nil {
		v = &invitation{}
		x.invites[i] = v
	}
	return v
}

// compare orders statements by height, ID and line (R7, R17).
func (w *World) compare(x, y int) int {
	a, b := w.st[x], w.st[y]
	return cmp.Or(cmp.Compare(a.act.height, b.act.height), slices.Compare(a.id[:], b.id[:]), cmp.Compare(x-a.act.first, y-b.act.first))
}

// compareID orders statements by ID.
func (w *World) compareID(x, y int) int { return slices.Compare(w.st[x].id[:], w.st[y].id[:]) }

// sorted inserts i into a list ordered by compare.
func (w *World) sorted(list []int, i int) []int {
	at, found := slices.BinarySearchFunc(list, i, w.compare)
	if found {
		return list
	}
	return slices.Insert(list, at, i)
}

// ref returns the statement with an ID; -1 if none is held.
func (w *World) ref(id [32]byte) int {
	if i, ok := w.index.object[id]; ok {
		return i
	}
	return -1
}

// insert takes an act in.
func (w *World) insert(a *act, statements []*statement) {
	w.devices[a.Device] = a.dev
	w.byID[a.ID], a.lines = a, len(statements)
	w.acts = append(w.acts, a)
	a.dev.acts = append(a.dev.acts, a)
	b := a.dev.branches[a.At.Branch]
	if len(b.acts) == 0 {
		b.depth = a.depth
	}
	b.acts = append(b.acts, a)
	w.st = append(w.st, statements...)
	for i := range statements {
		w.add(a.first + i)
	}
	if a.Kind != KindJoin { // nobody cites one that waits: what it names stays a head
		w.heads = slices.DeleteFunc(w.heads, func(h *act) bool { return a.knows(h.first) })
	}
	w.heads = append(w.heads, a)
}

// add indexes a statement.
func (w *World) add(i int) {
	s, x := w.st[i], &w.index
	if _, known := x.object[s.id]; !known {
		x.object[s.id] = i
	}
	s.dev.said = append(s.dev.said, i)
	if !s.ok {
		return
	}
	x.ok = x.ok.with(i)
	if s.low {
		x.low = x.low.with(i)
	}
	if s.low || s.kind == KindRole {
		x.hitters = x.hitters.with(i)
	}
	if s.kind != KindJoin && (s.power.rank >= rankWitness || w.weak["vouch"]) {
		x.ranked = append(x.ranked, i)
	}
	m := x.subject(s.member)
	m.said = append(m.said, i)
	if s.confirms >= 0 {
		c := x.subject(w.st[s.confirms].member)
		c.confirmed[s.confirms] = append(c.confirmed[s.confirms], i)
		c.withConf = w.sorted(c.withConf, s.confirms)
	}
	w.addGiven(i, s)
	w.addKind(i, s)
	w.addHits(i)
}

// addGiven indexes the entries of other devices that a statement gives in pins or feeds.
func (w *World) addGiven(i int, s *statement) {
	list, feed := marks(s.body)
	for _, m := range list {
		if n := s.act.Named[m.ID]; n.Device == m.Device {
			d := w.device(m.Device)
			d.given = append(d.given, given{by: i, at: n.At, feed: feed})
		}
	}
}

func (w *World) addKind(i int, s *statement) {
	x := &w.index
	switch b := s.body.(type) {
	case Space:
		x.founder = i
		s.dev.roots = append(s.dev.roots, i)
		x.subject(i).devices = []int{i}
	case Adopt:
		w.addAdoption(i, s)
	case AdoptedMember:
		w.addAdopted(i, s, b)
	case Join:
		w.addJoin(i, s, b)
	case Admission:
		j := x.subject(s.admits)
		j.admissions = w.sorted(j.admissions, i)
		x.witness = append(x.witness, i)
	case Witness, confirmation:
		x.witness = append(x.witness, i)
	case Rename:
		w.addClaim(i, s.member, b.Name)
	case RoleBody:
		w.addRole(i, s, b)
	case Device:
		d := w.st[w.ref(b.Device)].dev
		d.out = append(d.out, i)
		if d == s.dev {
			d.ends = append(d.ends, i)
		}
	case Retire:
		s.dev.ends = append(s.dev.ends, i)
		s.dev.retires = append(s.dev.retires, i)
	case Withdraw:
		v := x.invitation(w.ref(b.Invite))
		v.withdrawals = append(v.withdrawals, i)
	case Mailbox:
		x.mail[s.member] = append(x.mail[s.member], i)
	}
}

func (w *World) addJoin(i int, s *statement, b Join) {
	x := &w.index
	x.joins = append(x.joins, i)
	s.dev.roots = append(s.dev.roots, i)
	m := x.subject(s.member)
	m.devices = append(m.devices, i)
	if b.Retire != (moot.EntryID{}) {
		x.subject(i).admissions = []int{w.ref(b.Retire)}
	} else {
		v := x.invitation(w.ref(b.Invite))
		v.joins = append(v.joins, i)
	}
	w.addClaim(i, s.member, b.Name)
}

func (w *World) addClaim(i, member int, name string) {
	m := w.index.subject(member)
	m.claims = w.sorted(m.claims, i)
	form := MailForm(name)
	if list := w.index.names[form]; name != "" && !slices.Contains(list, member) {
		w.index.names[form] = append(list, member)
	}
}

func (w *World) addRole(i int, s *statement, b RoleBody) {
	y := w.ref(b.Member)
	m := w.index.subject(y)
	m.roles.add(i, s.act, s.low)
	if b.Role != "" && s.member != y && !w.weak["relies"] {
		m.admissions = w.sorted(m.admissions, i)
		m.kept = append(m.kept, i)
	}
}
