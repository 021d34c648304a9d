package policy_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
)

// world is a space whose clock the test sets.
type world struct {
	t        *testing.T
	now      time.Time
	space    moot.SpaceID
	roster   *policy.Roster
	accepted []moot.Entry
}

// device is a member's key and feed.
type device struct {
	w      *world
	key    ed25519.PrivateKey
	author *feed.Author
}

func newWorld(t *testing.T) (*world, *device) {
	w := &world{t: t, now: time.Unix(1_800_000_000, 0)}
	key := seed(1)
	w.space = public(key)
	w.roster = policy.NewRoster(w.space, func() time.Time { return w.now })
	founder := w.device(key)
	founder.must(founder.state(moot.KindSpace, policy.SpaceKey, policy.SpaceBody{Name: "friends"}))
	founder.must(founder.state(moot.KindMember, policy.MemberKey(w.space), policy.MemberBody{Name: "ann", Role: policy.RoleOwner}))
	return w, founder
}

func seed(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func public(k ed25519.PrivateKey) moot.Key { return moot.Key(k.Public().(ed25519.PublicKey)) }

func (w *world) device(key ed25519.PrivateKey) *device {
	return &device{w, key, feed.NewAuthor(w.space, key, feed.NewClock(func() time.Time { return w.now }, 0), nil)}
}

func (v *device) id() moot.Key { return public(v.key) }

// sign returns a possible next entry without appending it.
func (v *device) sign(kind moot.Kind, key string, body any) moot.Entry {
	v.w.t.Helper()
	v.w.now = v.w.now.Add(time.Second)
	var b []byte
	if body != nil {
		var err error
		if b, err = policy.EncodeBody(body); err != nil {
			v.w.t.Fatal(err)
		}
	}
	return v.author.Next(kind, key, nil, b)
}

// state signs and appends an entry, as a node would.
func (v *device) state(kind moot.Kind, key string, body any) error {
	return v.w.append(v, v.sign(kind, key, body))
}

func (w *world) append(v *device, e moot.Entry) error {
	if err := w.roster.Admit(e); err != nil {
		return err
	}
	w.roster.Apply(e)
	w.accepted = append(w.accepted, e)
	v.author.Commit(e)
	return nil
}

func (v *device) must(err error) {
	v.w.t.Helper()
	if err != nil {
		v.w.t.Fatal(err)
	}
}

func (v *device) file() error { return v.state(moot.KindFile, "name", "a body") }

// invite makes an invitation and returns its key.
func (v *device) invite(n byte, role policy.Role, uses int) (ed25519.PrivateKey, error) {
	key := seed(n)
	return key, v.state(moot.KindInvite, policy.InviteKey(public(key)), policy.InviteBody{
		Key: public(key), Role: role, Uses: uses, Expires: v.w.now.Add(time.Hour).Unix(),
	})
}

func (v *device) enter(invite ed25519.PrivateKey, name string, role policy.Role) error {
	return v.state(moot.KindMember, policy.MemberKey(v.id()), policy.MemberBody{
		Name: name, Role: role, Invite: public(invite), Proof: policy.JoinProof(invite, v.w.space, v.id()),
	})
}

// newcomer is invited and joins.
func (w *world) newcomer(by *device, n byte, name string, role policy.Role) *device {
	w.t.Helper()
	key, err := by.invite(n+100, role, 1)
	by.must(err)
	v := w.device(seed(n))
	v.must(v.enter(key, name, role))
	return v
}

func (v *device) revoke(who *device, last uint64) error {
	m, _ := v.w.roster.Member(who.id())
	return v.state(moot.KindMember, policy.MemberKey(who.id()), policy.MemberBody{Name: m.Name, Role: m.Role, Revoked: true, LastSeq: last})
}

func wantKind(t *testing.T, what string, err error, kind moot.ErrorKind) {
	t.Helper()
	if moot.KindOf(err) != kind {
		t.Errorf("%s: %v (%q), want kind %q", what, err, moot.KindOf(err), kind)
	}
}

func TestJoining(t *testing.T) {
	w, ann := newWorld(t)
	if w.roster.Space() != "friends" {
		t.Errorf("the space is called %q", w.roster.Space())
	}
	stranger := w.device(seed(2))
	wantKind(t, "a stranger writes", stranger.file(), moot.Stranger)
	wantKind(t, "a stranger joins", stranger.enter(seed(99), "eve", policy.RoleMember), moot.Stranger)

	once, err := ann.invite(50, policy.RoleMember, 1)
	ann.must(err)
	wantKind(t, "another role", w.device(seed(3)).enter(once, "bob", policy.RoleAdmin), moot.Invalid)
	bob := w.device(seed(3))
	wantKind(t, "another key's proof", bob.state(moot.KindMember, policy.MemberKey(bob.id()), policy.MemberBody{
		Name: "bob", Role: policy.RoleMember, Invite: public(once), Proof: policy.JoinProof(once, w.space, stranger.id()),
	}), moot.Corrupt)
	wantKind(t, "bad name", bob.enter(once, "bob\n", policy.RoleMember), moot.Invalid)
	bob.must(bob.enter(once, "bob", policy.RoleMember))
	bob.must(bob.file())
	wantKind(t, "used up", w.device(seed(4)).enter(once, "cyd", policy.RoleMember), moot.UsedUp)
	_, err = w.roster.Invite(public(once))
	wantKind(t, "used up, asked for", err, moot.UsedUp)

	twice, err := ann.invite(51, policy.RoleGuest, 0)
	ann.must(err)
	guest := w.device(seed(5))
	guest.must(guest.enter(twice, "bob", policy.RoleGuest))
	wantKind(t, "a guest writes", guest.file(), moot.Denied)
	if m, _ := w.roster.Member(guest.id()); m.Name == "bob" || m.Name[:4] != "bob~" {
		t.Errorf("the second bob is called %q", m.Name)
	}
	w.now = w.now.Add(2 * time.Hour)
	wantKind(t, "expired", w.device(seed(6)).enter(twice, "dan", policy.RoleGuest), moot.Expired)
	_, err = w.roster.Invite(public(twice))
	wantKind(t, "expired, asked for", err, moot.Expired)
	_, err = w.roster.Invite(moot.Key{9})
	wantKind(t, "unknown", err, moot.Stranger)
}

func TestWithdrawnInvitation(t *testing.T) {
	w, ann := newWorld(t)
	key, err := ann.invite(50, policy.RoleMember, 0)
	ann.must(err)
	ann.must(ann.state(moot.KindInvite, policy.InviteKey(public(key)), nil))
	wantKind(t, "withdrawn", w.device(seed(2)).enter(key, "bob", policy.RoleMember), moot.Revoked)
}

func TestRolesRule(t *testing.T) {
	w, ann := newWorld(t)
	admin := w.newcomer(ann, 2, "adm", policy.RoleAdmin)
	bob := w.newcomer(admin, 3, "bob", policy.RoleMember)
	_, err := bob.invite(60, policy.RoleGuest, 1)
	wantKind(t, "a member invites", err, moot.Denied)
	_, err = admin.invite(61, policy.RoleOwner, 1)
	wantKind(t, "an admin invites an owner", err, moot.Denied)
	_, err = ann.invite(62, "king", 1)
	wantKind(t, "no role", err, moot.Invalid)
	wantKind(t, "a member revokes", bob.revoke(admin, 1), moot.Denied)
	wantKind(t, "an admin revokes the founder", admin.revoke(ann, 1), moot.Denied)
	wantKind(t, "a member makes itself admin", bob.state(moot.KindMember, policy.MemberKey(bob.id()),
		policy.MemberBody{Name: "bob", Role: policy.RoleAdmin}), moot.Denied)
	bob.must(bob.state(moot.KindMember, policy.MemberKey(bob.id()), policy.MemberBody{Name: "robert", Role: policy.RoleMember}))
	if m, err := w.roster.Lookup("robert"); err != nil || m.Key != bob.id() {
		t.Errorf("after renaming: %v, %v", m, err)
	}
	wantKind(t, "a member announces the server", bob.state(moot.KindSpace, policy.ServerPrefix+bob.id().String(), "x"), moot.Denied)
	server := w.newcomer(ann, 4, "srv", policy.RoleServer)
	server.must(server.state(moot.KindSpace, policy.ServerPrefix+server.id().String(), "x"))
	wantKind(t, "for another", server.state(moot.KindSpace, policy.ServerPrefix+bob.id().String(), "x"), moot.Denied)
	wantKind(t, "renames the space", admin.state(moot.KindSpace, policy.SpaceKey, policy.SpaceBody{Name: "mine"}), moot.Denied)
	other := bob.sign(moot.KindFile, "f", "x")
	other.Space = moot.Key{3}
	wantKind(t, "another space", w.roster.Admit(other), moot.Invalid)
	w.now = w.now.Add(-time.Hour)
	wantKind(t, "the future", w.roster.Admit(other2(w, bob)), moot.Invalid)
}

func other2(w *world, v *device) moot.Entry {
	w.now = w.now.Add(2 * time.Hour)
	e := v.sign(moot.KindFile, "f", "x")
	w.now = w.now.Add(-2 * time.Hour)
	return e
}

func TestDemotedMembersPastStillCounts(t *testing.T) {
	w, ann := newWorld(t)
	bob := w.newcomer(ann, 2, "bob", policy.RoleMember)
	old := bob.sign(moot.KindFile, "f", "x")
	ann.must(ann.state(moot.KindMember, policy.MemberKey(bob.id()), policy.MemberBody{Name: "bob", Role: policy.RoleGuest}))
	wantKind(t, "an entry of before", w.roster.Admit(old), "")
	wantKind(t, "an entry of now", bob.file(), moot.Denied)
}

func TestRevocation(t *testing.T) {
	w, ann := newWorld(t)
	bob := w.newcomer(ann, 2, "bob", policy.RoleAdmin)
	counted := bob.sign(moot.KindFile, "f", "x")
	bob.must(w.append(bob, counted))
	backdated := bob.sign(moot.KindFile, "g", "y")
	ann.must(ann.revoke(bob, counted.Seq))
	wantKind(t, "what counts", w.roster.Admit(counted), "")
	wantKind(t, "backdated", w.roster.Admit(backdated), moot.Revoked)
	wantKind(t, "written now", bob.file(), moot.Revoked)
	wantKind(t, "comes back", ann.state(moot.KindMember, policy.MemberKey(bob.id()), policy.MemberBody{Name: "bob", Role: policy.RoleAdmin}), moot.Revoked)
	if limit, limited := w.roster.Limit(bob.id()); !limited || limit != counted.Seq {
		t.Errorf("limit %d, %v", limit, limited)
	}
	if _, limited := w.roster.Limit(ann.id()); limited {
		t.Error("a member in force is limited")
	}
	key, err := ann.invite(70, policy.RoleMember, 1)
	ann.must(err)
	wantKind(t, "joins again", bob.enter(key, "bob", policy.RoleMember), moot.Revoked)
}

func TestLeaving(t *testing.T) {
	w, ann := newWorld(t)
	bob := w.newcomer(ann, 2, "bob", policy.RoleMember)
	bob.must(bob.revoke(bob, 0))
	wantKind(t, "after leaving", bob.file(), moot.Revoked)
	wantKind(t, "the founder leaves", ann.revoke(ann, 0), moot.Denied)
}

// TestARevokedAdminsLateActsAreUndone: what a revoked admin did beyond the pinned
// number has no effect, though it was stored before the revocation came.
func TestARevokedAdminsLateActsAreUndone(t *testing.T) {
	w, ann := newWorld(t)
	bob := w.newcomer(ann, 2, "bob", policy.RoleAdmin)
	cyd := w.newcomer(ann, 3, "cyd", policy.RoleMember)
	bob.must(bob.revoke(cyd, 1)) // bob's second entry
	wantKind(t, "cyd is out", cyd.file(), moot.Revoked)
	ann.must(ann.revoke(bob, 1))
	cyd.must(cyd.file())
}

// TestRosterIsOrderIndependent: any order of arrival yields the same members.
func TestRosterIsOrderIndependent(t *testing.T) {
	w, ann := newWorld(t)
	bob := w.newcomer(ann, 2, "bob", policy.RoleAdmin)
	once, err := ann.invite(80, policy.RoleMember, 1)
	ann.must(err)
	// Two join with one invitation on two sides of a partition.
	for n := byte(10); n < 12; n++ {
		v := w.device(seed(n))
		e := v.sign(moot.KindMember, policy.MemberKey(v.id()), policy.MemberBody{
			Name: fmt.Sprint("n", n), Role: policy.RoleMember, Invite: public(once), Proof: policy.JoinProof(once, w.space, v.id()),
		})
		w.accepted = append(w.accepted, e)
	}
	cyd := w.newcomer(bob, 3, "cyd", policy.RoleMember)
	ann.must(ann.revoke(bob, 2))
	_ = cyd
	var want []policy.Member
	rapid.Check(t, func(rt *rapid.T) {
		r := policy.NewRoster(w.space, func() time.Time { return w.now })
		for _, e := range rapid.Permutation(w.accepted).Draw(rt, "order") {
			r.Apply(e)
			if rapid.Bool().Draw(rt, "look") {
				r.Members()
			}
		}
		got := r.Members()
		if want == nil {
			want = got
		}
		if !reflect.DeepEqual(got, want) {
			rt.Fatalf("%v\nand\n%v", got, want)
		}
	})
	if len(want) != 4 { // ann, bob (revoked), the first of the two, cyd
		t.Errorf("members: %v", want)
	}
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

// FuzzAdmit: no body makes the roster fall over.
func FuzzAdmit(f *testing.F) {
	f.Add("invite", "invite/x", []byte{0xa0})
	f.Add("member", "member/x", []byte{0xa1, 0, 0x61, 0x61})
	f.Add("space", "space", []byte{})
	f.Fuzz(func(t *testing.T, kind, key string, body []byte) {
		founder := seed(1)
		r := policy.NewRoster(public(founder), time.Now)
		e := feed.NewAuthor(public(founder), founder, feed.NewClock(time.Now, 0), nil).Next(moot.Kind(kind), key, nil, body)
		if r.Admit(e) == nil {
			r.Apply(e)
		}
		if role, ok := r.Role(public(founder)); !ok || role != policy.RoleOwner {
			t.Fatalf("the founder is %q now", role)
		}
	})
}
