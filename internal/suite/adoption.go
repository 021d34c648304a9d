package suite

import (
	"context"
	"crypto/ed25519"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
)

// old is a space as version 0.1.0 made it: a founder and members, whose keys are their IDs.
type old struct {
	t       T
	space   moot.SpaceID
	clock   *feed.Clock
	entries []moot.Entry
}

// say signs the next entry of a feed.
func (o *old) say(by *feed.Author, kind moot.Kind, key string, body any) {
	o.t.Helper()
	b, err := policy.EncodeBody(body)
	if err != nil {
		o.t.Fatalf("%v", err)
	}
	e := by.Next(kind, key, nil, b)
	by.Commit(e)
	o.entries = append(o.entries, e)
}

// join has somebody join by an invitation of the founder.
func (o *old) join(founder *feed.Author, key ed25519.PrivateKey, name string) *feed.Author {
	o.t.Helper()
	link, id := seal.NewKey(), seal.Public(key)
	in := policy.InviteBody{Key: seal.Public(link), Role: policy.RoleMember, Uses: 1, Expires: time.Now().Add(time.Hour).Unix()}
	o.say(founder, moot.KindInvite, policy.InviteKey(in.Key), in)
	a := feed.NewAuthor(o.space, key, o.clock, nil)
	o.say(a, moot.KindMember, policy.MemberKey(id), policy.MemberBody{
		Name: name, Role: in.Role, Invite: in.Key, Proof: policy.JoinProof(link, o.space, id),
	})
	return a
}

// newOldWorld makes a world over a space that version 0.1.0 began, with two members.
func newOldWorld(t T, top Topology) *World {
	t.Helper()
	top.Repair = interval
	w := emptyWorld(t, top)
	founder := w.add(seal.NewKey(), "founder", members.Link{})
	w.space = moot.SpaceID(founder.Key())
	o := &old{t: t, space: w.space, clock: feed.NewClock(founder.now, 0)}
	by := feed.NewAuthor(o.space, founder.key, o.clock, nil)
	o.say(by, moot.KindSpace, policy.SpaceKey, policy.SpaceBody{Name: "world", Created: time.Now().Unix()})
	o.say(by, moot.KindMember, policy.MemberKey(founder.Key()), policy.MemberBody{Name: "founder", Role: policy.RoleOwner})
	keys := []ed25519.PrivateKey{seal.NewKey(), seal.NewKey()}
	for i, key := range keys {
		o.join(by, key, memberNames[i])
	}
	take := func(ctx context.Context, n *node.Node) error { return n.Store().Append(ctx, moot.Merge, o.entries...) }
	w.must(founder.start(take))
	for i, key := range keys {
		l := members.Link{Version: 1, Peers: []moot.Peer{founder.address()}}
		if founder.isServer() {
			l.Servers = []moot.Peer{{ID: founder.Key(), Addrs: []string{"https://" + founder.web}, Server: true}}
		}
		w.must(w.add(key, memberNames[i], l).start(take))
	}
	return w
}

// adopted: the founder's node brings a space of version 0.1.0 over, and all go on: members
// keep their IDs, roles and names, and get devices, and newcomers learn all of it.
func adopted(t T, w *World) {
	w = newOldWorld(t, w.Topology)
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	all := []*Member{founder, ann, bob}
	for _, m := range all {
		for _, of := range all {
			if of.ID() != moot.MemberID(of.Key()) {
				t.Fatalf("%s is %s now", of.Name, of.ID().Short())
			}
			hasOneName(t, m, of)
		}
	}
	w.Alike()
	Eventually(t, "ann's node follows the new rules", func() error {
		_, err := ann.Members().AddDevice(t.Context(), app.DeviceOptions{Expires: time.Hour})
		return err
	})
	phone := w.AddDevice(ann, "phone")
	newcomer := w.Join(w.Invite(policy.RoleMember, 1, time.Hour), "cyd")
	w.Admitted(newcomer)
	mustShare(t, ann, "shared", random(blob.GroupSize))
	w.Alike()
	for _, m := range append(all, phone, newcomer) {
		sees(t, m, "shared")
		hasOneName(t, m, ann, phone)
		hasOneName(t, m, newcomer)
	}
	mustSend(t, newcomer, message("ann", "Hello", "from cyd"))
	mustHave(t, ann, mail.Inbox, "Hello")
	mustHave(t, phone, mail.Inbox, "Hello")
	mustHave(t, bob, mail.Inbox)
}
