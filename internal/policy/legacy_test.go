package policy_test

import (
	"crypto/ed25519"
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/trust"
)

// oldGroup is a space that version 0.1.0 began; ann founded it.
func oldGroup(t testing.TB) (*group, *device) {
	g := &group{t: t, now: time.Unix(1_800_000_000, 0), id: moot.SpaceID(public(keyOf("ann")))}
	ann := g.node(store.Config{}).device("ann")
	g.must(ann.old(moot.KindSpace, policy.SpaceKey, policy.SpaceBody{Name: "friends"}))
	g.must(ann.old(moot.KindMember, policy.MemberKey(ann.id()), policy.MemberBody{Name: "ann", Role: policy.RoleOwner}))
	return g, ann
}

// oldEntry signs a possible next entry as version 0.1.0 wrote it.
func (d *device) oldEntry(kind moot.Kind, key string, body any) moot.Entry {
	d.g.t.Helper()
	d.g.now = d.g.now.Add(time.Second)
	var b []byte
	if body != nil {
		var err error
		b, err = policy.EncodeBody(body)
		d.g.must(err)
	}
	return d.author.Next(kind, key, nil, b)
}

func (d *device) old(kind moot.Kind, key string, body any) error {
	d.g.t.Helper()
	return d.append(d.oldEntry(kind, key, body))
}

func (d *device) oldInvite(name string, role policy.Role, uses int) error {
	key := public(keyOf(name))
	return d.old(moot.KindInvite, policy.InviteKey(key), policy.InviteBody{Key: key, Role: role, Uses: uses, Expires: d.g.now.Add(time.Hour).Unix()})
}

func (d *device) oldJoin(link, name string, role policy.Role) moot.Entry {
	key := keyOf(link)
	return d.oldEntry(moot.KindMember, policy.MemberKey(d.id()), policy.MemberBody{
		Name: name, Role: role, Invite: public(key), Proof: policy.JoinProof(key, d.g.id, d.id()),
	})
}

func (d *device) oldNewcomer(name string, role policy.Role) *device {
	d.g.t.Helper()
	d.g.must(d.oldInvite("for "+name, role, 1))
	v := d.device(name)
	d.g.must(v.append(v.oldJoin("for "+name, name, role)))
	return v
}

func (d *device) oldChange(of *device, body policy.MemberBody) error {
	return d.old(moot.KindMember, policy.MemberKey(of.id()), body)
}

func TestOldJoining(t *testing.T) {
	g, ann := oldGroup(t)
	same(t, "name", ann.Space(), "friends")
	same(t, "adopted", ann.Adopted(), false)
	bob, cyd := ann.device("bob"), ann.device("cyd")
	wantKind(t, "uninvited", bob.append(bob.oldJoin("once", "bob", policy.RoleMember)), moot.Stranger)
	g.must(ann.oldInvite("once", policy.RoleMember, 1))
	wantKind(t, "another role", bob.append(bob.oldJoin("once", "bob", policy.RoleAdmin)), moot.Invalid)
	wantKind(t, "bad name", bob.append(bob.oldJoin("once", "bob\n", policy.RoleMember)), moot.Invalid)
	proof := bob.oldEntry(moot.KindMember, policy.MemberKey(bob.id()), policy.MemberBody{
		Name: "bob", Role: policy.RoleMember, Invite: public(keyOf("once")), Proof: make([]byte, 64),
	})
	wantKind(t, "no proof", bob.append(proof), moot.Corrupt)
	earlier := cyd.oldJoin("once", "cyd", policy.RoleMember)
	g.must(bob.append(bob.oldJoin("once", "bob", policy.RoleMember)))
	wantKind(t, "dated before who is in", cyd.append(earlier), moot.UsedUp)
	if m, err := ann.Acting(bob.id()); err != nil || m.ID != moot.MemberID(bob.id()) || m.Waiting {
		t.Errorf("bob: %+v, %v", m, err)
	}
	_, err := ann.Invitation(public(keyOf("once")))
	wantKind(t, "used up", err, moot.UsedUp)
	g.must(ann.oldInvite("more", policy.RoleGuest, 0))
	g.must(ann.old(moot.KindInvite, policy.InviteKey(public(keyOf("more"))), nil))
	wantKind(t, "withdrawn", cyd.append(cyd.oldJoin("more", "cyd", policy.RoleGuest)), moot.Revoked)
	wantKind(t, "an act", bob.append(bob.sign(trust.Rename{Name: "x"})), moot.Gap)
	wantKind(t, "what adopting gives", ann.Probe(ann.id(), trust.Rename{Name: "x"}), moot.Unavailable)
}

func TestOldRolesAndRevocation(t *testing.T) {
	g, ann := oldGroup(t)
	bob := ann.oldNewcomer("bob", policy.RoleAdmin)
	cyd := ann.oldNewcomer("cyd", policy.RoleMember)
	wantKind(t, "a member invites", cyd.oldInvite("x", policy.RoleGuest, 1), moot.Denied)
	wantKind(t, "an admin invites an owner", bob.oldInvite("x", policy.RoleOwner, 1), moot.Denied)
	wantKind(t, "a member raises itself", cyd.oldChange(cyd, policy.MemberBody{Name: "cyd", Role: policy.RoleAdmin}), moot.Denied)
	wantKind(t, "an admin removes the founder", bob.oldChange(ann, policy.MemberBody{Name: "ann", Role: policy.RoleOwner, Revoked: true}), moot.Denied)
	g.must(bob.oldChange(cyd, policy.MemberBody{Name: "cyd", Role: policy.RoleMember, Revoked: true, LastSeq: 1}))
	_, err := ann.Acting(cyd.id())
	wantKind(t, "removed", err, moot.Revoked)
	g.must(ann.oldChange(bob, policy.MemberBody{Name: "bob", Role: policy.RoleAdmin, Revoked: true, LastSeq: 1}))
	_, err = ann.Acting(cyd.id())
	wantKind(t, "removed by who was removed before", err, "")
	bob.write(moot.KindFile, "late")
	same(t, "what the removed say", slices.Contains(ann.visible(bob.id()), "late"), false)
	cyd.write(moot.KindSpace, policy.ServerPrefix+cyd.id().String())
	same(t, "a member's server", slices.Contains(ann.visible(cyd.id()), policy.ServerPrefix+cyd.id().String()), false)
}

func TestAdoption(t *testing.T) {
	g, ann := oldGroup(t)
	bob := ann.oldNewcomer("bob", policy.RoleMember)
	old := ann.oldNewcomer("old", policy.RoleAdmin)
	g.must(ann.oldChange(old, policy.MemberBody{Name: "old", Role: policy.RoleAdmin, Revoked: true, LastSeq: 1}))
	g.must(ann.oldInvite("link", policy.RoleGuest, 3))
	before := ann.Members()
	bob.write(moot.KindFile, "f")
	body, err := ann.Adoption(g.now)
	g.must(err)
	for _, d := range []*device{ann, bob, old} {
		feed := ann.of(d.id())
		body.Feeds = append(body.Feeds, mark(feed[len(feed)-1]))
	}
	slices.SortFunc(body.Feeds, func(a, b trust.Mark) int { return slices.Compare(a.Device[:], b.Device[:]) })
	wantKind(t, "by a member", bob.append(bob.sign(body)), moot.Denied)
	wantKind(t, "of nothing", ann.append(ann.author.NextAct(trust.KindAdopt, nil, []byte{0xa0})), moot.Invalid)
	act := ann.sign(body)
	lacking := g.node(store.Config{})
	lacking.take(ann.of(ann.id()))
	wantKind(t, "at a node that lacks entries", lacking.store.Append(t.Context(), moot.Merge, act), moot.Gap)
	g.must(ann.append(act))

	same(t, "adopted", ann.Adopted(), true)
	same(t, "name", ann.Space(), "friends")
	after := ann.Members()
	same(t, "members", len(after), len(before))
	for _, m := range before {
		n, ok := ann.Member(m.ID)
		if !ok || n.Name != m.Name || n.Role != m.Role && !m.Revoked || n.Revoked != m.Revoked || n.Founder != m.Founder {
			t.Errorf("%+v became %+v", m, n)
		}
	}
	for _, d := range []*device{ann, bob} {
		_, err := ann.Acting(d.id())
		wantKind(t, "a member's device", err, "")
	}
	same(t, "bob's file", slices.Contains(ann.visible(bob.id()), "f"), true)
	_, err = ann.Adoption(g.now)
	wantKind(t, "again", err, moot.Invalid)

	late := ann.device("late")
	wantKind(t, "a join of version 0.1.0", late.append(late.oldJoin("link", "late", policy.RoleGuest)), moot.Stranger)
	gus := ann.device("gus")
	proof := ed25519.Sign(keyOf("link"), trust.JoinMessage(g.id, gus.id()))
	join := gus.must(trust.Join{Invite: moot.EntryID(public(keyOf("link"))), Proof: proof, Name: "gus"})
	ann.must(trust.Witness{Admits: []trust.Admission{{Join: join.ID}}})
	m, err := ann.Acting(gus.id())
	same(t, "who joined with an old invitation", m.Role, policy.RoleGuest)
	wantKind(t, "who joined with an old invitation", err, "")
	bob.must(trust.Rename{Name: "robert"})
	ann.must(trust.Witness{Confirms: ids(ann.Claims())})
	m, err = ann.Lookup("robert")
	same(t, "renamed", m.ID, moot.MemberID(bob.id()))
	wantKind(t, "renamed", err, "")
	ann.must(trust.RoleBody{Member: bob.member()})
	bob.write(moot.KindFile, "g")
	same(t, "after the removal", slices.Contains(ann.visible(bob.id()), "g"), false)
	again := g.node(store.Config{})
	again.take(ann.entries())
	same(t, "another node", describe(again, bob), describe(ann.node, bob))
}

func FuzzDecodeMember(f *testing.F) {
	b, _ := policy.EncodeBody(policy.MemberBody{Name: "a", Role: policy.RoleGuest, Proof: []byte{1}})
	f.Add(b)
	f.Fuzz(func(t *testing.T, in []byte) {
		if body, err := policy.DecodeMember(in); err == nil {
			if _, err := policy.EncodeBody(body); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzAdmit: no body makes a roster fall over, or ends an old space's membership.
func FuzzAdmit(f *testing.F) {
	for _, kind := range []string{"adopt", "space", "join", "witness", "role"} {
		f.Add("act", kind, []byte{0xa0})
	}
	f.Add("invite", "invite/x", []byte{0xa0})
	f.Add("member", "member/x", []byte{0xa1, 0, 0x61, 0x61})
	f.Fuzz(func(t *testing.T, kind, key string, body []byte) {
		_, ann := oldGroup(t)
		e := ann.author.Next(moot.Kind(kind), key, nil, body)
		if kind == "act" {
			e = ann.author.NextAct(key, nil, body)
		}
		ann.append(e)
		if m, err := ann.Acting(ann.id()); err != nil || !m.Founder || m.Role != policy.RoleOwner {
			t.Fatalf("the founder: %+v, %v", m, err)
		}
	})
}
