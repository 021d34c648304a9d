package members_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/trust"
)

func TestMembership(t *testing.T) {
	ann, ctx := found(t), t.Context()
	if m := ann.is("ann"); !m.Founder || m.Name != "ann" || m.Devices[0].Name != "laptop" {
		t.Errorf("the founder: %+v", m)
	}
	link := must[members.Link](t)(ann.Invite(ctx, members.Invitation{Role: policy.RoleMember, Uses: 1, Expires: time.Hour}))
	bob := ann.enter(link, "bob", "phone")
	wantKind(t, "a rename while it waits", bob.Rename(ctx, "robert"), moot.Denied)
	ann.witness()
	if did, err := ann.Witness(ctx, false); did || err != nil {
		t.Errorf("a witness with nothing to say: %v, %v", did, err)
	}
	id := ann.is("bob").ID
	wantKind(t, "another's name", bob.Rename(ctx, "ANN"), moot.Conflict)
	bob.must(bob.Rename(ctx, "robert"))
	if m := ann.is("bob"); m.Name != "bob" {
		t.Errorf("before it is confirmed: %q", m.Name)
	}
	ann.witness()
	if m := ann.is("robert"); m.ID != id {
		t.Errorf("renamed: %+v", m)
	}
	_, err := bob.SetRole(ctx, "ann", policy.RoleGuest)
	wantKind(t, "a member lowers the founder", err, moot.Denied)
	_, err = bob.Invite(ctx, members.Invitation{Role: policy.RoleGuest, Expires: time.Hour})
	wantKind(t, "a member invites", err, moot.Denied)
	must[policy.Member](t)(ann.SetRole(ctx, "robert", policy.RoleAdmin))
	cyd := bob.newcomer("cyd", policy.RoleGuest)
	must[policy.Member](t)(ann.Revoke(ctx, "robert", false))
	wantKind(t, "removed", bob.acts(), moot.Revoked)
	wantKind(t, "its rename", bob.Rename(ctx, "bob"), moot.Revoked)
	wantKind(t, "who it admitted before", cyd.acts(), "")
	must[policy.Member](t)(ann.Restore(ctx, "robert"))
	wantKind(t, "restored", bob.acts(), "")
	if m := ann.is("robert"); m.Role != policy.RoleAdmin {
		t.Errorf("restored as %q", m.Role)
	}
	_, err = ann.Restore(ctx, "robert")
	wantKind(t, "restored again", err, moot.NotFound)
	_, err = ann.Revoke(ctx, "nobody", false)
	wantKind(t, "nobody", err, moot.NotFound)
}

func TestInvitations(t *testing.T) {
	ann, ctx := found(t), t.Context()
	_, err := ann.Invite(ctx, members.Invitation{Role: policy.RoleMember})
	wantKind(t, "expired already", err, moot.Invalid)
	link := must[members.Link](t)(ann.Invite(ctx, members.Invitation{Role: policy.RoleMember, Expires: time.Hour}))
	for _, name := range []string{"bob", "cyd", "dan"} {
		ann.enter(link, name, name)
	}
	ann.witness()
	if list := must[[]policy.Member](t)(ann.List(ctx)); len(list) != 4 {
		t.Errorf("%d members", len(list))
	}
	list := must[[]policy.Invitation](t)(ann.Invitations(ctx, false))
	if len(list) != 1 || list[0].Used != 3 || list[0].Uses != 0 {
		t.Fatalf("invitations: %+v", list)
	}
	_, err = ann.Withdraw(ctx, list[0].ID.String()[:4])
	wantKind(t, "too short", err, moot.NotFound)
	must[policy.Invitation](t)(ann.Withdraw(ctx, list[0].ID.String()[:12]))
	if list := must[[]policy.Invitation](t)(ann.Invitations(ctx, false)); len(list) != 0 {
		t.Errorf("after the withdrawal: %+v", list)
	}
	late := ann.enter(link, "late", "late")
	ann.witness()
	wantKind(t, "after the withdrawal", late.acts(), moot.Stranger)

	// A witness looks at its own clock, not at a join's date.
	link = must[members.Link](t)(ann.Invite(ctx, members.Invitation{Role: policy.RoleMember, Uses: 1, Expires: time.Hour}))
	eve := must[moot.Entry](t)(members.Enter(link, keyOf("eve"), "eve", "", ann.clock.now))
	ann.clock.t = ann.clock.t.Add(2 * time.Hour)
	ann.must(ann.store.Append(ctx, moot.Merge, eve))
	ann.witness()
	_, err = ann.roster.Acting(seal.Public(keyOf("eve")))
	wantKind(t, "dated back", err, moot.Stranger)
}

func TestDevices(t *testing.T) {
	ann, ctx := found(t), t.Context()
	_, err := ann.AddDevice(ctx, members.DeviceLink{Expires: time.Hour})
	wantKind(t, "the founder's second without a recovery code", err, moot.Denied)
	must[string](t)(ann.Recovery(ctx, nil))
	_, err = ann.Recovery(ctx, nil)
	wantKind(t, "a second recovery code", err, moot.Denied)
	bob := ann.newcomer("bob", policy.RoleMember)
	tablet := bob.device("tablet")
	if m := ann.is("bob"); len(m.Devices) != 2 {
		t.Fatalf("bob: %+v", m)
	}
	_, err = bob.RenameDevice(ctx, "tablet", "bob's laptop")
	wantKind(t, "a label that is taken", err, moot.Conflict)
	must[policy.Device](t)(tablet.RenameDevice(ctx, "tablet", "slate"))
	_, err = bob.RemoveDevice(ctx, "", "tablet")
	wantKind(t, "its old label", err, moot.NotFound)
	_, err = bob.RemoveDevice(ctx, "ann", "laptop")
	wantKind(t, "another's device", err, moot.Denied)
	must[policy.Device](t)(bob.RemoveDevice(ctx, "", "slate"))
	wantKind(t, "removed", tablet.acts(), moot.Revoked)
	phone := bob.device("phone")
	must[policy.Device](t)(ann.RemoveDevice(ctx, "bob", "phone"))
	wantKind(t, "removed by who is above", phone.acts(), moot.Revoked)
	wantKind(t, "the others", bob.acts(), "")
}

// TestRecoveryCodeEndsAQuarrel: a thief's device has struck first.
func TestRecoveryCodeEndsAQuarrel(t *testing.T) {
	for name, thief := range map[string]func(ann, phone *home) (thief, owner *home, label string){
		"a device linked later":     func(ann, phone *home) (*home, *home, string) { return phone, ann, "phone" },
		"the member's first device": func(ann, phone *home) (*home, *home, string) { return ann, phone, "laptop" },
	} {
		t.Run(name, func(t *testing.T) {
			ann, ctx := found(t), t.Context()
			code := must[string](t)(ann.Recovery(ctx, nil))
			phone := ann.device("phone")
			bad, owner, label := thief(ann, phone)
			tablet := owner.device("tablet")
			must[policy.Device](t)(bad.RemoveDevice(ctx, "", "tablet")) // before the quarrel
			mine := map[string]string{"phone": "laptop", "laptop": "phone"}[label]
			must[policy.Device](t)(bad.RemoveDevice(ctx, "", mine))
			wantKind(t, "struck first", owner.acts(), moot.Revoked)
			_, err := owner.RemoveByRecovery(ctx, seal.RecoveryCode([32]byte{1}), label)
			wantKind(t, "another code", err, moot.Invalid)
			must[policy.Device](t)(owner.RemoveByRecovery(ctx, code, label))
			wantKind(t, "the thief", bad.acts(), moot.Revoked)
			wantKind(t, "the owner", owner.acts(), "")
			wantKind(t, "what was removed before that", tablet.acts(), moot.Revoked)
			owner.must(owner.Rename(ctx, "ann again"))
		})
	}
}

func TestResolveFork(t *testing.T) {
	ann, ctx := found(t), t.Context()
	bob := ann.newcomer("bob", policy.RoleMember)
	mine := bob.entries()
	last := mine[0]
	for _, e := range mine {
		if e.Author == seal.Public(bob.key) {
			last = e
		}
	}
	var ends []moot.Entry
	for _, text := range []string{"one", "other"} { // two copies of one home
		copied := feed.NewAuthor(bob.space, bob.key, feed.NewClock(bob.clock.now, 0), &last)
		e := copied.Next(moot.KindFile, text, nil, []byte(text))
		ann.must(ann.store.Append(ctx, moot.Merge, e))
		ends = append(ends, e)
	}
	if m := ann.is("bob"); !m.Devices[0].Forked {
		t.Errorf("bob: %+v", m)
	}
	_, err := ann.ResolveFork(ctx, "bob", "bob's laptop", "0123456789")
	wantKind(t, "no such branch", err, moot.NotFound)
	must[policy.Device](t)(ann.ResolveFork(ctx, "bob", "bob's laptop", ends[1].ID.String()[:12]))
	wantKind(t, "the forked device", bob.acts(), moot.Revoked)
	for e, err := range ann.store.Query(ctx, moot.Query{Kind: moot.KindFile}) {
		ann.must(err)
		if e.Key != "other" {
			t.Errorf("%q counts", e.Key)
		}
	}
}

func TestServers(t *testing.T) {
	ann, ctx := found(t), t.Context()
	server := ann.newcomer("srv", policy.RoleServer)
	bob := ann.newcomer("bob", policy.RoleMember)
	addrs := []string{"https://192.0.2.1:7443"}
	for range 2 { // the second time nothing has changed
		server.must(server.Serve(ctx, addrs, "example.org"))
	}
	bob.must(bob.Serve(ctx, []string{"https://bad.example"}, "")) // is stored, and does not count
	servers := must[[]moot.Peer](t)(ann.Servers(ctx))
	if len(servers) != 1 || servers[0].ID != seal.Public(server.key) || servers[0].Addrs[0] != addrs[0] {
		t.Fatalf("servers %v", servers)
	}
	if domain, keys, err := ann.Mail(ctx); domain != "example.org" || len(keys) != 1 || err != nil {
		t.Errorf("mail: %q, %v, %v", domain, keys, err)
	}
}

func TestAdopt(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	key := keyOf("ann")
	space := moot.SpaceID(seal.Public(key))
	s, roster := open(t, c, space)
	ann := (&home{t: t, clock: c, key: key, space: space, store: s, roster: roster}).on(s, roster)
	author := feed.NewAuthor(space, key, feed.NewClock(c.now, 0), nil)
	for k, body := range map[moot.Kind]any{
		moot.KindSpace:  policy.SpaceBody{Name: "friends"},
		moot.KindMember: policy.MemberBody{Name: "ann", Role: policy.RoleOwner},
	} {
		e := author.Next(k, map[moot.Kind]string{moot.KindSpace: "space", moot.KindMember: policy.MemberKey(seal.Public(key))}[k], nil, must[[]byte](t)(policy.EncodeBody(body)))
		ann.must(s.Append(t.Context(), moot.Merge, e))
		author.Commit(e)
	}
	ann = ann.on(s, roster)
	_, err := ann.Invite(t.Context(), members.Invitation{Role: policy.RoleMember, Expires: time.Hour})
	wantKind(t, "before it is adopted", err, moot.Unavailable)
	ann.must(ann.Adopt(t.Context()))
	wantKind(t, "again", ann.Adopt(t.Context()), moot.Invalid)
	if m := ann.is("ann"); m.ID != moot.MemberID(seal.Public(key)) || !m.Founder {
		t.Errorf("the founder: %+v", m)
	}
	bob := ann.newcomer("bob", policy.RoleMember)
	wantKind(t, "who joins", bob.acts(), "")
}

// TestOrderOfArrival: the same entries in any order, at three stores, give the same members.
func TestOrderOfArrival(t *testing.T) {
	ann, ctx := found(t), t.Context()
	bob := ann.newcomer("bob", policy.RoleAdmin)
	ann.newcomer("cyd", policy.RoleMember)
	must[string](t)(ann.Recovery(ctx, nil))
	far, roster := open(t, ann.clock, ann.space) // a partition
	take(t, far, ann.entries())
	away := bob.on(far, roster)
	away.newcomer("dan", policy.RoleMember)
	away.device("tablet")
	must[policy.Member](t)(away.SetRole(ctx, "cyd", policy.RoleAdmin))
	must[policy.Member](t)(ann.SetRole(ctx, "bob", policy.RoleMember))
	ann.newcomer("dan", policy.RoleGuest)
	must[policy.Member](t)(ann.Revoke(ctx, "cyd", true))
	all := append(ann.entries(), away.entries()...)
	want := ""
	for seed := range uint64(9) {
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
		s, roster := open(t, ann.clock, ann.space)
		take(t, s, all)
		got := describe(roster.Members())
		if want == "" {
			want = got
		}
		if got != want {
			t.Fatalf("order %d:\n%s\nanother:\n%s", seed, got, want)
		}
		if cited := roster.Cites(trust.Rename{}); len(cited) == 0 {
			t.Fatal("nothing to cite")
		}
	}
}
