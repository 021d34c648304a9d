package suite

import (
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/trust"
)

// namesMeanOne: a name means one member, also one that looks like it; a message never
// reaches another one.
func namesMeanOne(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	w.Alike()
	for _, taken := range []string{"bob", "BOB", "b.o.b", "ЬоЬ", "b\u043eb"} {
		if trust.MailForm(taken) != "bob" {
			continue
		}
		wantKind(t, taken, ann.Members().Rename(t.Context(), taken), moot.Conflict)
	}
	mustSend(t, ann, message("bob", "first", "to bob"))
	mustHave(t, bob, mail.Inbox, "first")
	w.must(bob.Members().Rename(t.Context(), "robert"))
	bob.Name = "robert"
	for _, m := range []*Member{founder, ann, bob} {
		hasOneName(t, m, bob)
	}
	newcomer := w.Join(w.Invite(policy.RoleMember, 1, time.Hour), "bob")
	w.Admitted(newcomer)
	hasOneName(t, ann, newcomer)
	w.Alike()
	_, err := ann.Mail().Send(t.Context(), mail.Outgoing{MIME: message("bob", "stray", "to robert")})
	wantKind(t, "a name that meant another member", err, moot.Conflict)
	if moot.HintOf(err) != moot.HintOtherMember {
		t.Fatalf("hint %q", moot.HintOf(err))
	}
	mustSend(t, ann, message("robert", "second", "to robert"))
	mustHave(t, bob, mail.Inbox, "first", "second")
	mustHave(t, newcomer, mail.Inbox)
	_, err = ann.Mail().Send(t.Context(), mail.Outgoing{MIME: message("rob", "half", "to nobody")})
	wantKind(t, "a part of a name", err, moot.NotFound)
}

// joinWaits: who may admit is away; the newcomer is shown as waiting, and what it writes
// counts once it is admitted.
func joinWaits(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	link := w.Invite(policy.RoleMember, 1, time.Hour)
	w.Alike()
	founder.Stop()
	dan := w.Join(link, "dan")
	if !dan.Node().Waits() {
		t.Fatalf("a join was admitted with nobody about who may")
	}
	Eventually(t, "it is shown as waiting", func() error {
		who, err := ann.Members().Lookup(t.Context(), dan.ID().String())
		if err == nil && !who.Waiting {
			err = moot.Errorf(moot.Internal, "%+v", who)
		}
		return err
	})
	mustShare(t, dan, "early", []byte("while it waits"))
	w.Alike()
	sees(t, ann)
	_, err := ann.Mail().Send(t.Context(), mail.Outgoing{MIME: message(dan.ID().String(), "too soon", "")})
	wantKind(t, "a message to who waits", err, moot.NotFound)
	founder.Restart()
	w.Admitted(dan)
	for _, m := range []*Member{founder, ann, bob, dan} {
		sees(t, m, "early")
		mustRead(t, m, "early", []byte("while it waits"))
		hasOneName(t, m, dan)
	}
}

// removalHides: a removal hides what the removed wrote and nobody else had heard of, and
// restoring brings all of it back.
func removalHides(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	mustShare(t, bob, "known", []byte("known"))
	w.Alike()
	all, hidden := []*Member{founder, ann, bob}, []string{"known"}
	w.Cut(founder, bob)
	w.Cut(founder, ann)
	if withoutServer(w.Arch) { // else who cannot reach the founder may reach nobody
		mustShare(t, bob, "unheard", []byte("unheard"))
		mustRead(t, ann, "unheard", []byte("unheard"))
		hidden = append(hidden, "unheard")
	}
	_, err := founder.Members().Revoke(t.Context(), "bob", app.RevokeOptions{})
	w.must(err)
	w.Heal()
	for _, m := range all[:2] {
		Eventually(t, m.Name+" hears of the removal", func() error {
			who, err := m.Members().Lookup(t.Context(), bob.ID().String())
			if err == nil && !who.Revoked {
				err = moot.Errorf(moot.Internal, "%+v", who)
			}
			return err
		})
		sees(t, m, "known")
	}
	_, err = founder.Members().Restore(t.Context(), bob.ID().String())
	w.must(err)
	for _, m := range all {
		hasOneName(t, m, bob)
		sees(t, m, hidden...)
	}
	Eventually(t, "bob shares again", func() error { // it may hear of the removal only now
		_, err := share(t, bob, "again", []byte("again"))
		return err
	})
	for _, m := range all {
		sees(t, m, append(hidden, "again")...)
	}
	w.Alike()
}

// demotionHolds: what somebody who was demoted says as if it did not know is void.
func demotionHolds(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	_, err := founder.Members().SetRole(t.Context(), "bob", policy.RoleAdmin)
	w.must(err)
	w.Alike()
	raise := lastOf(t, founder, founder.Key())
	for _, e := range everything(t, founder) {
		if e.Key == trust.KindRole {
			raise = e
		}
	}
	bob.close()
	last := lastOf(t, founder, bob.Key())
	_, err = founder.Members().SetRole(t.Context(), "bob", policy.RoleMember)
	w.must(err)
	w.Alike()
	old := author(bob, &last)
	seed := [32]byte{1}
	for _, body := range []any{
		trust.RoleBody{Member: ann.ID(), Role: policy.RoleAdmin},
		trust.Invite{Key: publicOf(seed), Role: policy.RoleMember, Uses: 5},
		trust.RoleBody{Member: ann.ID()},
	} {
		e := act(t, old, body, raise.ID)
		_ = w.submit(founder, bob, e) // refused, or void
		_ = founder.Store().Append(t.Context(), moot.Merge, e)
	}
	mustShare(t, ann, "after", []byte("after"))
	w.Alike()
	for _, m := range []*Member{founder, ann} {
		sees(t, m, "after")
		if who := mustLookUp(t, m, "ann"); who.Role != policy.RoleMember {
			t.Fatalf("%s sees ann as %+v", m.Name, who)
		}
		if who := mustLookUp(t, m, "bob"); who.Role != policy.RoleMember {
			t.Fatalf("%s sees bob as %+v", m.Name, who)
		}
	}
	var invite moot.EntryID
	for _, e := range everything(t, founder) {
		if e.Author == bob.Key() && e.Key == trust.KindInvite {
			invite = e.ID
		}
	}
	if invite == (moot.EntryID{}) {
		t.Fatalf("the invitation was not taken in, so that nothing was tried")
	}
	l := members.Link{
		Version: 2, Space: w.space, Name: "world", Seed: seed, Role: policy.RoleMember, Expires: time.Now().Add(time.Hour).Unix(),
		Servers: w.Invite(policy.RoleMember, 1, time.Hour).Servers, Peers: []moot.Peer{founder.address()}, Invite: invite,
	}
	m, err := w.TryJoin(l, "mallory")
	if err == nil && !m.node.Waits() {
		t.Fatalf("an invitation by who had been demoted admits")
	}
}
