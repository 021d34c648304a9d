package policy_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/trust"
)

func TestJoinsWaitUntilSomebodyAdmitsThem(t *testing.T) {
	_, ann := newGroup(t)
	in := ann.invite("link", trust.Invite{Role: policy.RoleMember, Uses: 2})
	var all []*device
	for n := range 8 {
		v := ann.device(fmt.Sprint("bob", n))
		e := v.join("link", in, fmt.Sprint("bob", n))
		err := v.append(e)
		if n >= 6 && n != 6 { // one a minute beyond uses + 4
			wantKind(t, "a crowd", err, moot.Full)
			continue
		}
		wantKind(t, fmt.Sprint("join ", n), err, "")
		all = append(all, v)
	}
	same(t, "members shown", len(ann.Members()), 1+2+4)
	for n, v := range all {
		_, err := ann.Acting(v.id())
		if n < 2 {
			wantKind(t, "one of the first", err, "")
		} else {
			wantKind(t, "beyond the uses", err, moot.Stranger)
		}
		if m, ok := ann.Member(moot.MemberID(v.first)); n < 6 && (!ok || !m.Waiting || m.Name != fmt.Sprintf("bob%d~%.4s", n, m.ID.Short())) {
			t.Errorf("join %d is shown as %+v, %v", n, m, ok)
		}
	}
	all[0].write(moot.KindFile, "hidden until later")
	same(t, "shown before admission", len(ann.visible(all[0].id())), 0)

	waiting := ann.Waiting()
	same(t, "waiting", len(waiting), 7)
	same(t, "the first", waiting[0].ID, all[0].first)
	same(t, "free", waiting[0].Free, 2)
	ann.must(trust.Witness{Admits: []trust.Admission{{Join: all[0].first}, {Join: all[3].first}}}, all[0].first, all[3].first)
	m, err := ann.Lookup("bob0")
	wantKind(t, "admitted", err, "")
	same(t, "waits", m.Waiting, false)
	same(t, "shown once admitted", len(ann.visible(all[0].id())), 1)
	same(t, "members when it is used up", len(ann.Members()), 3)
	_, err = ann.Invitation(public(keyOf("link")))
	wantKind(t, "the invitation", err, moot.UsedUp)
	wantKind(t, "a third", ann.Probe(ann.id(), trust.Witness{Admits: []trust.Admission{{Join: all[1].first}}}), moot.UsedUp)
}

// TestAWaitingJoinHidesNothing: a join that nobody has admitted is not cited, but what it
// cites is.
func TestAWaitingJoinHidesNothing(t *testing.T) {
	_, ann := newGroup(t)
	bob := ann.newcomer("bob", policy.RoleAdmin)
	in := ann.invite("link", trust.Invite{Role: policy.RoleGuest})
	before := ann.Cites(nil)
	mallory := ann.device("mallory")
	e := mallory.join("link", in, "mallory")
	ann.g.must(mallory.append(e))
	if !slices.Equal(ann.Cites(nil), before) || len(before) == 0 {
		t.Errorf("cited %v, then %v", before, ann.Cites(nil))
	}
	bob.must(trust.Rename{Name: "robert"})
	same(t, "heads", len(ann.Cites(nil)), 1)
}

func TestAWaitingDeviceSaysLittle(t *testing.T) {
	_, ann := newGroup(t)
	in := ann.invite("link", trust.Invite{Role: policy.RoleMember})
	v := ann.device("bob")
	e := v.join("link", in, "bob")
	ann.g.must(v.append(e))
	for n := 2; n <= 257; n++ {
		_, err := v.write(moot.KindFile, "f")
		if n > 256 {
			wantKind(t, "too much", err, moot.Full)
		} else {
			ann.g.must(err)
		}
	}
	ann.must(trust.Witness{Admits: []trust.Admission{{Join: e.ID}}}, e.ID)
	_, err := v.write(moot.KindFile, "f")
	wantKind(t, "once admitted", err, "")
}

// TestOwnEntriesAreNeverTooMany: what a device kept here writes is not refused here.
func TestOwnEntriesAreNeverTooMany(t *testing.T) {
	_, ann := newGroup(t)
	in := ann.invite("link", trust.Invite{Role: policy.RoleMember})
	v := ann.device("bob")
	ann.Own(v.id())
	ann.g.must(v.append(v.join("link", in, "bob")))
	for range 300 {
		_, err := v.write(moot.KindFile, "f")
		ann.g.must(err)
	}
}

func TestExpiredInvitation(t *testing.T) {
	g, ann := newGroup(t)
	in := ann.invite("link", trust.Invite{Role: policy.RoleMember, Expires: g.now.Add(time.Hour).Unix()})
	early, late := ann.device("early"), ann.device("late")
	backdated := late.join("link", in, "late")
	g.must(early.append(early.join("link", in, "early")))
	g.now = g.now.Add(2 * time.Hour)
	g.must(late.append(backdated)) // its date is before the end
	_, err := ann.Acting(late.id())
	wantKind(t, "dated back", err, moot.Stranger)
	same(t, "shown", len(ann.Members()), 2)
	_, err = ann.Invitation(public(keyOf("link")))
	wantKind(t, "the invitation", err, moot.Expired)
}

func TestProofsAndGaps(t *testing.T) {
	g, ann := newGroup(t)
	in := ann.invite("link", trust.Invite{Role: policy.RoleMember, Uses: 9})
	bob := ann.device("bob")
	wantKind(t, "another's proof", bob.append(bob.join("another link", in, "bob")), moot.Corrupt)
	wantKind(t, "an unknown invitation", bob.append(bob.join("link", moot.EntryID{7}, "bob")), moot.Gap)
	unknown := bob.sign(trust.Join{Invite: moot.EntryID{7}, Proof: make([]byte, 64), Name: "bob"})
	wantKind(t, "an invitation that is not cited", bob.append(unknown), moot.Gap)
	wantKind(t, "a stranger's act", bob.append(bob.sign(trust.Rename{Name: "x"}, ann.Cites(nil)...)), moot.Stranger)
	missing := ann.sign(trust.Witness{Feeds: []trust.Mark{{Device: bob.id(), Seq: 1, ID: moot.EntryID{9}}}}, ann.Cites(nil)...)
	wantKind(t, "a feed that is missing", ann.append(missing), moot.Gap)
	_, err := ann.say(trust.Rename{Name: "ann2"}, moot.EntryID{8})
	wantKind(t, "a citation that is missing", err, moot.Gap)
	other := ann.author.NextAct("rename", ann.Cites(nil), []byte{0xff})
	wantKind(t, "a damaged body", ann.append(other), moot.Invalid)
	g.must(bob.append(bob.join("link", in, "bob")))

	again := ann.device("bob") // another first entry of the same key
	g.must(again.append(again.join("link", in, "robert")))
	same(t, "waiting, while both are contested", len(ann.Waiting()), 0)
	ann.must(trust.Witness{Admits: []trust.Admission{{Join: bob.first}}}, bob.first)
	_, err = ann.Acting(bob.id())
	wantKind(t, "the device with two first entries", err, "")
	stranger := ann.device("mallory")
	wantKind(t, "a second space", stranger.append(stranger.sign(trust.Space{Name: "mine"})), moot.Invalid)
}

func TestRolesDevicesAndRemoval(t *testing.T) {
	g, ann := newGroup(t)
	bob := ann.newcomer("bob", policy.RoleMember)
	code := ann.second("code", ann, true)
	laptop := bob.second("laptop", ann, false)
	m, err := ann.Lookup("BOB")
	wantKind(t, "by mail form", err, "")
	same(t, "devices", len(m.Devices), 2)
	same(t, "label", m.Devices[0].Name, "laptop")
	if d, ok := ann.Device(code.id()); !ok || !d.Recovery || d.Member != ann.member() {
		t.Errorf("the recovery code's device: %+v, %v", d, ok)
	}
	kept, err := laptop.write(moot.KindFile, "kept")
	g.must(err)
	ann.must(trust.Device{Device: laptop.first, Pins: []trust.Mark{mark(kept)}})
	_, err = ann.Acting(laptop.id())
	wantKind(t, "the removed device", err, moot.Revoked)
	if id, ok := ann.Owner(laptop.id()); !ok || id != bob.member() {
		t.Error("what a removed device wrote has no author any more")
	}
	laptop.write(moot.KindFile, "beyond")
	same(t, "what counts", fmt.Sprint(ann.visible(laptop.id())), "[kept]")
	_, err = laptop.say(trust.Rename{Name: "x"})
	wantKind(t, "its next act", err, moot.Revoked)

	wantKind(t, "a member's invitation", ann.Probe(bob.id(), trust.Invite{Key: moot.Key{1}, Role: policy.RoleGuest, Uses: 1}), moot.Denied)
	last, err := bob.write(moot.KindFile, "bob's")
	g.must(err)
	removal := ann.must(trust.RoleBody{Member: bob.member(), Pins: []trust.Mark{mark(last)}})
	m, err = ann.Lookup("bob")
	wantKind(t, "who was removed", err, "")
	same(t, "revoked", m.Revoked, true)
	_, err = ann.Holder("bob")
	wantKind(t, "the free name", err, moot.NotFound)
	act, ok := ann.Lowered(bob.member())
	same(t, "the removal", act == removal.ID && ok, true)
	other := ann.newcomer("bob's cousin", policy.RoleMember)
	other.must(trust.Rename{Name: "Bob"})
	same(t, "claims", len(ann.Claims()), 1)
	ann.must(trust.Witness{Confirms: ids(ann.Claims())})
	m, err = ann.Lookup("bob")
	same(t, "the new bob", m.ID, other.member())
	wantKind(t, "the new bob", err, "")
	ann.must(trust.Annul{Act: removal.ID})
	same(t, "the first bob is back under", nameOf(ann, bob), "bob") // it was given away while he was removed (R17)
	same(t, "the second goes by", nameOf(ann, other), "Bob~"+other.member().Short()[:4])
}

func nameOf(n, of *device) string {
	m, _ := n.Member(of.member())
	return m.Name
}

// TestLookup: a name is an exact one, and nobody answers to another's ID or mark.
func TestLookup(t *testing.T) {
	_, ann := newGroup(t)
	bob := ann.newcomer("bob", policy.RoleMember)
	in := ann.invite("more", trust.Invite{Role: policy.RoleMember})
	second := ann.enter("bob2", "more", in, "bob")
	m, _ := ann.Member(second.member())
	shown := "bob~" + second.member().Short()[:4]
	same(t, "the second bob", m.Name, shown)
	id := second.member().String()
	for name, as := range map[string]string{"thief of a mark": "bob" + shown[4:], "thief of an ID": id} {
		thief := ann.newcomer(name, policy.RoleMember)
		thief.must(trust.Rename{Name: as})
		ann.must(trust.Witness{Confirms: ids(ann.Claims())})
	}
	for name, want := range map[string]moot.MemberID{
		"bob": bob.member(), "B.O.B": bob.member(), shown: second.member(), id: second.member(), id[:10]: second.member(),
	} {
		m, err := ann.Lookup(name)
		if err != nil || m.ID != want {
			t.Errorf("%q: %v, %v", name, m.Name, err)
		}
	}
	for _, name := range []string{"bo", "bobb", "", "~", id[:4]} {
		_, err := ann.Lookup(name)
		wantKind(t, name, err, moot.NotFound)
	}
}

// TestAnActThatCouldNotBeStored: it was admitted, and leaves nothing behind.
func TestAnActThatCouldNotBeStored(t *testing.T) {
	_, ann := newGroup(t)
	held := func(id moot.EntryID) (moot.Key, moot.Position, bool) { return ann.id(), moot.Position{Seq: 1}, true }
	lost := ann.sign(trust.Rename{Name: "lost"}, ann.Cites(nil)...)
	before := ann.Cites(nil)
	ann.g.must(ann.Admit(&lost, moot.Position{Seq: lost.Seq}, nil, held))
	if !slices.Equal(ann.Cites(nil), before) || len(ann.Claims()) != 0 {
		t.Error("an act shows before it is stored")
	}
	ann.must(trust.Rename{Name: "said"}) // at the same position
	claims := ids(ann.Claims())
	same(t, "claims", len(claims), 1)
	ann.must(trust.Witness{Confirms: claims})
	_, err := ann.Lookup("said")
	wantKind(t, "the name said", err, "")
}

func TestOnChangeAndInvitations(t *testing.T) {
	g, ann := newGroup(t)
	calls := 0
	ann.OnChange(func() { calls++; ann.Members() })
	in := ann.invite("link", trust.Invite{Role: policy.RoleGuest, Uses: policy.AnyUses, Expires: g.now.Add(time.Hour).Unix()})
	same(t, "calls", calls, 1)
	ann.write(moot.KindFile, "f")
	same(t, "calls after a file", calls, 1)
	list := ann.Invitations()
	if len(list) != 1 || list[0].ID != in || list[0].Uses != 0 || list[0].By != ann.member() || list[0].Usable(g.now) != nil {
		t.Errorf("invitations: %+v", list)
	}
	_, err := ann.Invitation(public(keyOf("link")))
	wantKind(t, "in force", err, "")
	_, err = ann.Invitation(moot.Key{9})
	wantKind(t, "unknown", err, moot.Stranger)
	ann.must(trust.Withdraw{Invite: in})
	_, err = ann.Invitation(public(keyOf("link")))
	wantKind(t, "withdrawn", err, moot.Revoked)
	v := ann.device("late")
	g.must(v.append(v.join("link", in, "late")))
	same(t, "who came after that", len(ann.Members()), 1)
}

func TestGuestsAndServers(t *testing.T) {
	_, ann := newGroup(t)
	guest := ann.newcomer("gus", policy.RoleGuest)
	bob := ann.newcomer("bob", policy.RoleMember)
	guest.write(moot.KindFile, "a guest's")
	guest.write(moot.KindReceipt, "read")
	same(t, "a guest's", fmt.Sprint(ann.visible(guest.id())), "[read]")
	for _, kind := range []moot.Kind{moot.KindServer, moot.KindSpace} {
		bob.write(kind, policy.ServerPrefix+bob.id().String())
	}
	same(t, "a member's server", len(ann.visible(bob.id())), 0)
	ann.must(trust.RoleBody{Member: bob.member(), Role: policy.RoleServer})
	same(t, "now a server", ann.MayServe(bob.id()), true)
	bob.write(moot.KindServer, policy.ServerPrefix+bob.id().String())
	same(t, "a server's", len(ann.visible(bob.id())) > 0, true)
}

// TestOrderOfArrival: what nodes hold decides, not how it came; and a node that is opened
// again knows as much.
func TestOrderOfArrival(t *testing.T) {
	g, ann := newGroup(t)
	bob := ann.newcomer("bob", policy.RoleAdmin)
	cyd := ann.newcomer("cyd", policy.RoleMember)
	cut := g.node(store.Config{})
	cut.take(ann.entries())
	far := bob.on(cut)
	far.must(trust.RoleBody{Member: cyd.member(), Role: policy.RoleAdmin}) // unseen by ann
	dan := far.newcomer("dan", policy.RoleMember)
	cyd.write(moot.KindFile, "f")
	ann.must(trust.RoleBody{Member: bob.member()})
	dan.write(moot.KindFile, "g")
	all := append(ann.entries(), cut.entries()...)

	want := ""
	for turn := range 6 {
		dir := t.TempDir()
		n := g.node(store.Config{Database: filepath.Join(dir, "moot.db")})
		switch turn {
		case 1:
			slices.Reverse(all)
		default:
			slices.SortFunc(all, func(a, b moot.Entry) int { return int(a.ID[turn]) - int(b.ID[turn]) })
		}
		n.take(all)
		got := describe(n, dan, cyd)
		g.must(n.store.Close())
		if again := describe(g.node(n.cfg), dan, cyd); again != got {
			t.Errorf("opened again:\n%s\nbefore:\n%s", again, got)
		}
		if want == "" {
			want = got
		}
		same(t, fmt.Sprint("turn ", turn), got, want)
	}
}

// describe says who belongs to a space, by what a node holds, and what counts of some.
func describe(n *node, of ...*device) (text string) {
	for _, m := range n.Members() {
		if !m.Waiting {
			text += fmt.Sprintln(m.ID.Short(), m.Name, m.Role, m.Revoked, len(m.Devices))
		}
	}
	for _, d := range of {
		text += fmt.Sprintln(n.visible(d.id()))
	}
	return text
}

// TestRules: a rule of a guest does not count; who may state one follows its role.
func TestRules(t *testing.T) {
	_, ann := newGroup(t)
	guest, bob := ann.newcomer("gus", policy.RoleGuest), ann.newcomer("bob", policy.RoleMember)
	guest.write(moot.KindRule, "files/a")
	before, err := bob.write(moot.KindRule, "files/a")
	wantKind(t, "writing", err, "")
	same(t, "a guest's rules", len(ann.visible(guest.id())), 0)
	same(t, "a member's rules", len(ann.visible(bob.id())), 0)
	for device, want := range map[*device]bool{ann: true, bob: false, guest: false, ann.device("nobody"): false} {
		same(t, "may state rules", ann.MayRule(device.id()), want)
	}
	ann.must(trust.RoleBody{Member: bob.member(), Role: policy.RoleAdmin, Pins: []trust.Mark{mark(before)}})
	same(t, "an admin may state rules", ann.MayRule(bob.id()), true)
	same(t, "rules of before it was an admin", len(ann.visible(bob.id())), 0)
	then, err := bob.write(moot.KindRule, "files/b")
	wantKind(t, "writing", err, "")
	ann.must(trust.RoleBody{Member: bob.member(), Role: policy.RoleMember, Pins: []trust.Mark{mark(then)}})
	bob.write(moot.KindRule, "files/c")
	same(t, "rules of who was an admin then", len(ann.visible(bob.id())), 1)
}
