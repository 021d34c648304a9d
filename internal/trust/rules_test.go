package trust

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mootspace/moot"
)

// add takes the acts in that a World lacks.
func (h *history) add(t *testing.T, w *World) *State {
	t.Helper()
	for _, a := range h.acts {
		if err := w.Add(a); err != nil {
			t.Fatalf("%s: %v", a.Kind, err)
		}
	}
	return w.State()
}

// probe returns what Probe says of an act that knows all.
func (h *history) probe(w *World, device int, kind string, body any) error {
	key := testKey(device)
	at := h.tip[key]
	at.Seq++
	return w.Probe(Act{Device: key, At: at, Cites: w.State().Heads(), Kind: kind, Body: body, Named: h.named})
}

func TestWithdraw(t *testing.T) {
	h := newHistory()
	h.member(0, 0, 1, Server)
	h.member(0, 0, 2, Admin)
	v := h.say(2, KindInvite, Invite{Key: testKey(-3), Role: Member, Uses: 9})
	j := h.say(3, KindJoin, Join{Invite: v, Name: "c"})
	k := h.say(4, KindJoin, Join{Invite: v, Name: "d"}, v)
	before := h.say(1, KindWitness, Witness{Admits: []Admission{{Join: j}}}, j, k)
	x := h.say(0, KindWithdraw, Withdraw{Invite: v}, before)
	w := New(h.space, Config{})
	s := h.add(t, w)
	if err := h.probe(w, 1, KindWitness, Witness{Admits: []Admission{{Join: k}}}); moot.KindOf(err) != moot.Denied {
		t.Error("a withdrawn invitation admits:", err)
	}
	if err := h.probe(w, 3, KindWithdraw, Withdraw{Invite: v}); moot.KindOf(err) != moot.Denied {
		t.Error("a member withdraws another's invitation:", err)
	}
	if !s.Standing(x) || !s.Standing(before) || s.Invitations()[len(s.Invitations())-1].Open {
		t.Error("the withdrawal has another effect than it should")
	}
	if waiting := s.Waiting(); len(waiting) != 1 || waiting[0].Join != k || waiting[0].Name != "d" {
		t.Errorf("waiting: %+v", waiting)
	}
	if _, err := w.State().Member(moot.MemberID(j)); !err {
		t.Error("who was admitted before is no member")
	}
}

// TestLines: the lines of one act stand separately, and count on one another.
func TestLines(t *testing.T) {
	h := newHistory()
	srv := h.member(0, 0, 1, Server)
	v := h.say(0, KindInvite, Invite{Key: testKey(-2), Role: Member, Uses: 2})
	var joins []moot.EntryID
	for d := range 4 {
		joins = append(joins, h.say(10+d, KindJoin, Join{Invite: v, Name: []string{"a", "A.", "b", "c"}[d]}, v))
	}
	x := h.say(1, KindWitness, Witness{Admits: []Admission{{Join: joins[0]}, {Join: joins[1]}, {Join: joins[2]}}}, joins...)
	w := New(h.space, Config{})
	s := h.add(t, w)
	admitted := func(i int) bool { _, ok := s.Member(moot.MemberID(joins[i])); return ok }
	if !admitted(0) || !admitted(1) || admitted(2) || !s.Standing(x) {
		t.Error("an act admits other than its first two joins by an invitation for two")
	}
	one, _ := s.Lookup("a")
	if m, _ := s.Member(moot.MemberID(joins[1])); one != moot.MemberID(joins[0]) || m.Held || m.Name != "" {
		t.Errorf("one act gives a name twice: %v, %+v", one.Short(), m)
	}
	h.say(0, KindRole, RoleBody{Member: srv}, joins[0]) // before the witness act: it is void
	s = h.add(t, w)
	if admitted(0) || s.Standing(x) || s.Dead(x) {
		t.Error("who was admitted by a removed server, unknown to who removed it, is a member")
	}
}

func TestMaxDevices(t *testing.T) {
	h := newHistory()
	m := h.member(0, 0, 1, Admin)
	for d := 2; d <= MaxDevices+1; d++ {
		v := h.say(1, KindInvite, Invite{Key: testKey(-d), For: m, Uses: 1})
		j := h.say(d, KindJoin, Join{Invite: v, Label: "box"})
		h.say(1, KindWitness, Witness{Admits: []Admission{{Join: j}}})
	}
	s := h.world(t).State()
	if got := s.Devices(m); len(got) != MaxDevices || got[1].Label != "box" || got[1].LinkedBy != testKey(1) {
		t.Errorf("%d devices act for a member: %+v", len(got), got[1])
	}
	if !s.Dead(h.acts[len(h.acts)-1].ID) || !strings.Contains(s.Why(h.acts[len(h.acts)-1].ID).Error(), "32 devices") {
		t.Error("why the last is not admitted:", s.Why(h.acts[len(h.acts)-1].ID))
	}
}

func TestBudget(t *testing.T) {
	h := newHistory()
	h.member(0, 0, 1, Member)
	for i := range 64 { // its join is covered
		h.say(1, KindRename, Rename{Name: fmt.Sprint("n", i)})
	}
	w := New(h.space, Config{})
	h.add(t, w)
	if err := h.probe(w, 1, KindRename, Rename{Name: "more"}); moot.KindOf(err) != moot.Full {
		t.Error("a device is over its budget:", err)
	}
	me := moot.MemberID(h.acts[2].ID)
	if err := h.probe(w, 1, KindRole, RoleBody{Member: me}); err != nil {
		t.Error("who is over the budget cannot leave:", err)
	}
	over := Act{ID: testID(9999), Device: testKey(1), At: Position{0, 66}, Cites: w.State().Heads(), Kind: KindRename, Body: Rename{Name: "more"}}
	for range 2 {
		if err := w.Add(over); moot.KindOf(err) != moot.Full {
			t.Error("it is not refused for good:", err)
		}
	}
	over.ID, over.Cites, over.At = testID(9998), []moot.EntryID{testID(9999)}, Position{0, 66}
	if err := w.Add(over); moot.KindOf(err) != moot.Invalid {
		t.Error("what names a refused act is not refused:", err)
	}
	h.say(0, KindWitness, Witness{})
	h.add(t, w)
	if err := h.probe(w, 1, KindRename, Rename{Name: "more"}); err != nil {
		t.Error("a witness act does not refill the budget:", err)
	}
}

func TestMailbox(t *testing.T) {
	h := newHistory()
	m := h.member(0, 0, 1, Member)
	v := h.say(1, KindInvite, Invite{Key: testKey(-2), For: m, Uses: 1})
	j := h.say(2, KindJoin, Join{Invite: v})
	h.say(1, KindWitness, Witness{Admits: []Admission{{Join: j}}})
	one, both := []moot.Key{testKey(1)}, []moot.Key{testKey(1), testKey(2)}
	h.say(1, KindMailbox, Mailbox{Generation: 1, Public: "one", Devices: one})
	h.say(1, KindMailbox, Mailbox{Generation: 2, Public: "two", Devices: both})
	w := New(h.space, Config{})
	if box, ok := h.add(t, w).Mailbox(m); !ok || box.Public != "two" {
		t.Errorf("mailbox %+v, %v", box, ok)
	}
	h.say(1, KindDevice, Device{Device: j})
	if box, ok := h.add(t, w).Mailbox(m); ok { // also the first generation: the device was handed it
		t.Errorf("mailbox %+v after a device that opens it was put out", box)
	}
	h.say(1, KindMailbox, Mailbox{Generation: 3, Public: "three", Devices: one})
	s := h.add(t, w)
	if box, ok := s.Mailbox(m); !ok || box.Public != "three" || len(s.Mailboxes(m)) != 3 {
		t.Errorf("mailbox %+v, %v, of %d", box, ok, len(s.Mailboxes(m)))
	}
	if _, _, err := s.Access(testKey(2)); moot.KindOf(err) != moot.Revoked {
		t.Error("the device may be answered:", err)
	}
	if err := s.MayWrite(testKey(1)); err != nil {
		t.Error("a member may not write:", err)
	}
	if _, _, err := s.Access(testKey(3)); moot.KindOf(err) != moot.Stranger {
		t.Error("a stranger's device may be answered:", err)
	}
}

func TestPlainEntries(t *testing.T) {
	h := newHistory()
	h.member(0, 0, 1, Server)
	m := h.member(0, 0, 2, Member)
	g := h.member(0, 0, 3, Guest)
	at := func(seq uint64) Named { return Named{testKey(2), Position{0, seq}} }
	h.named[testID(500)] = at(500)
	h.say(1, KindWitness, Witness{Feeds: []Mark{{testKey(2), 500, testID(500)}}})
	h.named[testID(300)] = at(300)
	h.say(0, KindRole, RoleBody{Member: m, Pins: []Mark{{testKey(2), 300, testID(300)}}}, h.acts[3].ID, h.acts[6].ID)
	w := New(h.space, Config{})
	s := h.add(t, w)
	counts := func(seq uint64) bool { _, role, _ := s.Counts(testKey(2), Position{0, seq}); return role == Member }
	if !counts(300) || !counts(500) || counts(501) {
		t.Error("a removal hides other than what no witness has confirmed")
	}
	if got := s.PlainLimit(testKey(2), 0); got != 500+MaxBeyond {
		t.Error("a feed is taken in up to", got)
	}
	if id, role, ok := s.Counts(testKey(3), Position{0, 9}); id != g || role != Guest || !ok {
		t.Error("a guest's entry:", id.Short(), role, ok)
	}
	if _, _, ok := s.Counts(testKey(9), Position{0, 1}); ok {
		t.Error("a stranger's entry counts")
	}
}

func TestForkedFeed(t *testing.T) {
	h := newHistory()
	h.member(0, 0, 1, Member)
	w := New(h.space, Config{})
	h.add(t, w)
	d := testKey(1)
	w.Fork(d, 1, Position{0, 1})
	s := w.State()
	if !s.Contested(d) || len(s.ContestedDevices()) != 1 {
		t.Error("a forked feed is not contested")
	}
	for _, p := range []Position{{0, 2}, {1, 2}} {
		if _, _, ok := s.Counts(d, p); ok {
			t.Error("a contested entry counts at", p)
		}
	}
	r := h.say(1, KindRetire, Retire{Heir: testKey(2)})
	h.say(2, KindJoin, Join{Retire: r})
	s = h.add(t, w)
	if _, _, ok := s.Counts(d, Position{0, 2}); !ok || s.Contested(d) {
		t.Error("the branch on which a device goes on does not count")
	}
	if _, _, ok := s.Counts(d, Position{1, 2}); ok {
		t.Error("the other branch counts")
	}
	if m, ok := s.Device(testKey(2)); !ok || m != moot.MemberID(h.acts[2].ID) {
		t.Error("the heir acts for nobody")
	}
	bad := Act{ID: testID(77), Device: testKey(0), At: Position{3, 2}, Kind: KindSpace, Body: Space{Name: "x"}}
	w.Fork(testKey(0), 3, Position{0, 1})
	if w.Add(bad) == nil || w.State().Contested(testKey(0)) {
		t.Error("a refused act forks a feed")
	}
}

func TestProbeWords(t *testing.T) {
	h := newHistory()
	own := h.member(0, 0, 1, Owner)
	h.member(0, 0, 2, Admin)
	gil := h.member(0, 0, 3, Guest)
	r := h.say(0, KindRole, RoleBody{Member: gil, Role: Member})
	w := New(h.space, Config{})
	h.add(t, w)
	for _, c := range []struct {
		device int
		kind   string
		body   any
		want   string
	}{
		{3, KindInvite, Invite{Key: testKey(9), Role: Guest, Uses: 1}, "a member may not invite"},
		{2, KindInvite, Invite{Key: testKey(9), Role: Owner, Uses: 1}, "an admin may not invite an owner"},
		{2, KindRole, RoleBody{Member: own}, "an admin may not change the role of an owner"},
		{2, KindRole, RoleBody{Member: gil, Strict: true}, "an admin may not hide"},
		{3, KindRole, RoleBody{Member: gil, Role: Admin}, "nobody raises oneself"},
		{2, KindAnnul, Annul{Act: r}, "only a removal or a lower role"},
		{3, KindWitness, Witness{}, "a member is no witness"},
		{0, KindInvite, Invite{Key: testKey(9), Uses: 1, For: w.State().Members()[0].ID}, "recovery code"},
		{7, KindRename, Rename{Name: "x"}, "nobody's"},
		{2, "later", nil, "unknown kind"},
	} {
		if err := h.probe(w, c.device, c.kind, c.body); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.kind, err, c.want)
		}
	}
	if err := h.probe(w, 2, KindRole, RoleBody{Member: gil}); err != nil {
		t.Error(err)
	}
	if w.State().Heads()[0] != r || len(w.State().Heads()) != 1 {
		t.Error("heads:", w.State().Heads())
	}
}

// adopted is a space from version 0.1.0 with three members.
func adopted(author int, id int) Act {
	m := func(n int, role Role, name string) AdoptedMember {
		return AdoptedMember{Key: testKey(n), Role: role, Name: name}
	}
	return Act{ID: testID(id), Device: testKey(author), At: Position{0, 40}, Kind: KindAdopt, Body: Adopt{
		Members: []AdoptedMember{m(0, Founder, "ann"), m(1, Owner, "bob"), m(2, Member, "cat"), m(3, "", "dan")},
		Invites: []AdoptedInvitation{{Key: testKey(-1), Role: Guest, Uses: 1}},
	}}
}

func TestAdopt(t *testing.T) {
	config := Config{Owners: []moot.Key{testKey(0), testKey(1)}}
	older, founders := adopted(1, 100), adopted(0, 101)
	early := Act{ID: testID(99), Device: testKey(2), At: Position{0, 7}, Kind: KindRename, Body: Rename{Name: "kit"}}
	below := Act{ID: testID(102), Device: testKey(2), At: Position{0, 8}, Cites: []moot.EntryID{older.ID}, Kind: KindRename, Body: Rename{Name: "kat"}}
	after := Act{ID: testID(103), Device: testKey(2), At: Position{0, 9}, Cites: []moot.EntryID{founders.ID}, Kind: KindRename, Body: Rename{Name: "kim"}}
	join := Act{ID: testID(104), Device: testKey(5), At: Position{0, 1}, Cites: []moot.EntryID{founders.ID}, Kind: KindJoin, Body: Join{Invite: moot.EntryID(testKey(-1)), Name: "eve"}}
	admit := Act{ID: testID(105), Device: testKey(1), At: Position{0, 41}, Cites: []moot.EntryID{join.ID, after.ID}, Kind: KindWitness,
		Body: Witness{Admits: []Admission{{Join: join.ID}}, Confirms: []moot.EntryID{after.ID}}}
	var want string
	for n, order := range [][]Act{
		{founders, older, early, below, after, join, admit},
		{early, older, below, founders, after, join, admit},
		{older, early, below, founders, join, after, admit},
	} {
		w := New(moot.SpaceID(testKey(0)), config)
		for _, a := range order {
			if err := w.Add(a); err != nil {
				t.Fatalf("order %d, act %s: %v", n, a.Kind, err)
			}
			w.State()
		}
		s := w.State()
		for _, dead := range []Act{older, early, below} {
			if !s.Dead(dead.ID) {
				t.Errorf("order %d: act %s is not dead", n, dead.Kind)
			}
		}
		var got []string
		for _, m := range s.Members() {
			got = append(got, fmt.Sprint(m.ID.Short(), m.Name, m.Role, len(s.Devices(m.ID))))
		}
		if want == "" {
			want = strings.Join(got, " ")
		}
		if strings.Join(got, " ") != want || len(got) != 5 {
			t.Errorf("order %d: members %v, not %v", n, got, want)
		}
		if m, _ := s.Lookup("kim"); m != moot.MemberID(testKey(2)) || !slices.ContainsFunc(s.Members(), func(m MemberInfo) bool { return m.Name == "eve" && m.Role == Guest }) {
			t.Errorf("order %d: the adopted space does not go on", n)
		}
	}
	w := New(moot.SpaceID(testKey(0)), config)
	if err := w.Add(adopted(2, 106)); moot.KindOf(err) != moot.Stranger {
		t.Error("a member adopts a space:", err)
	}
}

// TestManyJoins counts who joined with one link, and who waits, after each admission.
func TestManyJoins(t *testing.T) {
	const many = 3 * manyJoins
	h := newHistory()
	w := New(h.space, Config{})
	link := h.say(0, KindInvite, Invite{Key: testKey(-1), Role: Member, Uses: many})
	tip := link
	for n := range many + 1 {
		j := h.say(n+1, KindJoin, Join{Invite: link, Name: fmt.Sprint("name ", n)}, link)
		if list := h.add(t, w).Waiting(); len(list) != 1 || list[0].Join != j {
			t.Fatalf("%d wait, want 1", len(list))
		}
		tip = h.say(0, KindWitness, Witness{Admits: []Admission{{Join: j}}}, tip, j)
		s := h.add(t, w)
		in, _ := s.Invitation(link)
		want := min(n+1, many)
		if in.Used != want || in.Open != (want < many) || s.Standing(tip) != (n < many) || len(s.Waiting()) != n+1-want {
			t.Fatalf("after %d: used %d, open %v, %d wait", n+1, in.Used, in.Open, len(s.Waiting()))
		}
	}
}
