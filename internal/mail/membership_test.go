package mail_test

import (
	"context"
	"crypto/ed25519"
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/keys"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/trust"
)

// rules are a roster as a store's gate.
type rules struct{ *policy.Roster }

func (r rules) Admit(e *moot.Entry, at moot.Position, begins *moot.Position, held store.Held) error {
	return r.Roster.Admit(e, at, begins, policy.Held(held))
}

func (r rules) Apply(e *moot.Entry, at moot.Position, begins *moot.Position, held store.Held) []moot.Key {
	return r.Roster.Apply(e, at, begins, policy.Held(held))
}

// village is a space with real membership on one node.
type village struct {
	t      *testing.T
	id     moot.SpaceID
	node   *store.Store
	roster *policy.Roster
}

// villager is a device of a member.
type villager struct {
	*person
	*members.Members
	ring *keys.Ring
}

func found(t *testing.T) (*village, *villager) {
	t.Helper()
	key := seal.NewKey()
	founding, err := members.Founding("friends", "laptop", key, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	v := &village{t: t, id: feed.SpaceOf(&founding)}
	v.roster = policy.NewRoster(v.id, time.Now)
	if v.node, err = store.Open(t.Context(), store.Config{Gate: rules{v.roster}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.node.Close() })
	v.must(v.node.Append(t.Context(), moot.Merge, founding))
	founder := v.device(key, nil)
	v.must(founder.Found(t.Context(), "ann"))
	return v, founder
}

func (v *village) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// device opens the account of a device, with an index of its own unless one is given.
func (v *village) device(key ed25519.PrivateKey, index *mail.Index) *villager {
	v.t.Helper()
	ctx, self := v.t.Context(), seal.Public(key)
	member, _ := v.roster.Owner(self)
	signer, err := sign.New(ctx, sign.Config{Self: self, Author: feed.NewAuthor(v.id, key, feed.NewClock(time.Now, 0), nil), Local: v.node})
	v.must(err)
	ring, err := keys.Open(keys.Config{
		Device: key, Records: &records{saved: map[string][]byte{}},
		Mailboxes: func() []trust.Mailbox { return v.roster.Mailboxes(member) },
	})
	v.must(err)
	if index == nil {
		index = (&space{t: v.t}).newIndex()
	}
	account, err := mail.New(ctx, mail.Config{
		Node: v.node, Member: member, Key: key, Write: signer.Through(v.node), Index: index,
		Directory: func(context.Context) (mail.Directory, error) { return mail.Directory{Roster: v.roster}, nil },
		Identities: func(ctx context.Context) []seal.Identity {
			if err := ring.Refresh(); err != nil {
				v.t.Error(err)
			}
			return ring.Identities(ctx)
		},
	})
	v.must(err)
	writes := members.New(members.Config{Space: v.id, Self: self, Node: v.node, Write: signer.Through(v.node), Roster: v.roster})
	return &villager{&person{account, signer.Through(v.node), key}, writes, ring}
}

// enter joins with a link, which a device of a member admits.
func (v *village) enter(l members.Link, by *villager, name, label string, index *mail.Index) *villager {
	v.t.Helper()
	key := seal.NewKey()
	join, err := members.Enter(l, key, name, label, time.Now)
	v.must(err)
	v.must(v.node.Append(v.t.Context(), moot.Merge, join))
	_, err = by.Witness(v.t.Context(), false)
	v.must(err)
	d := v.device(key, index)
	if sealed := v.roster.Sealed(seal.Public(key)); len(sealed) > 0 {
		v.must(d.ring.Accept(sealed, seal.FromSeed(l.Seed)))
	}
	return d
}

// join adds a member, and link a device of a member.
func (v *village) join(by *villager, name string) *villager {
	v.t.Helper()
	l, err := by.Invite(v.t.Context(), members.Invitation{Role: policy.RoleMember, Uses: 1, Expires: time.Hour})
	v.must(err)
	return v.enter(l, by, name, "laptop", nil)
}

func (v *village) link(by *villager, label string, index *mail.Index) *villager {
	v.t.Helper()
	l, err := by.AddDevice(v.t.Context(), members.DeviceLink{Expires: time.Hour, Sealed: by.ring.SealTo})
	v.must(err)
	return v.enter(l, by, "", label, index)
}

// renew starts a generation of a member's mailbox key if one is due.
func (v *village) renew(by *villager) {
	v.t.Helper()
	m, _ := v.roster.Member(by.Member())
	var acting []moot.Key
	for _, d := range m.Devices {
		acting = append(acting, d.Key)
	}
	standing, ok := v.roster.Mailbox(m.ID)
	if !keys.Due(standing, ok, acting) {
		v.t.Error("no generation is due")
	}
	body, err := by.ring.Next(acting...)
	v.must(err)
	v.must(by.Mailbox(v.t.Context(), body))
	if standing, ok := v.roster.Mailbox(m.ID); !ok || standing.Public != body.Public {
		v.t.Errorf("the generation does not stand: %+v", standing)
	}
}

// TestMembership: laptop, phone and an account on a server, under the rules of membership.
func TestMembership(t *testing.T) {
	v, ann := found(t)
	bob := v.join(ann, "bob")
	v.renew(bob)
	server := (&space{t: t}).newIndex()
	ann.sends(t, text("bob", "first", "x"))
	phone := v.link(bob, "phone", nil)
	ann.sends(t, text("bob", "second", "x")) // sealed to a generation that the phone has by its link
	v.renew(bob)
	account := v.link(bob, "account", server)
	v.renew(phone)
	ann.sends(t, text("bob", "third", "x"))
	items := account.has(t, mail.Inbox)
	it := items[slices.IndexFunc(items, func(it mail.Item) bool { return it.Subject == "first" })]
	account.changes(t, mail.Change{Folder: mail.Inbox, UID: it.UID, Set: []mail.Flag{mail.Seen}})
	phone.sends(t, text("ann", "from the phone", "x"))
	want := []string{`INBOX first [\Seen]`, `INBOX second []`, `INBOX third []`, `Sent from the phone [\Seen]`}
	if got := account.folders(t); !slices.Equal(got, want) {
		t.Errorf("the account shows %q", got)
	}
	wantSame(t, account.person, bob.person, phone.person)
	if got := ann.has(t, mail.Inbox); len(got) != 1 || got[0].From != `"bob" <bob@moot.alt>` {
		t.Errorf("ann has %+v", got)
	}

	if _, err := bob.RemoveDevice(t.Context(), "", "phone"); err != nil {
		t.Fatal(err)
	}
	v.renew(bob)
	ann.sends(t, text("bob", "fourth", "x"))
	if got := phone.has(t, mail.Inbox); len(got) != 3 {
		t.Errorf("the removed phone has %d messages; want 3", len(got))
	}
	later := v.link(bob, "tablet", nil)
	if got := later.has(t, mail.Inbox); len(got) != 4 {
		t.Errorf("the tablet has %d messages; want 4", len(got))
	}
	wantSame(t, bob.person, later.person)
}
