package accounts_test

import (
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/trust"
)

// note has an account write an entry.
func (c *club) note(t *testing.T, a accounts.Account, key string) error {
	t.Helper()
	_, err := sign.One(t.Context(), a.Signer.Through(c.store), moot.Merge, sign.Statement{Kind: moot.KindFile, Key: key, Body: []byte(key)})
	return err
}

// copyBack has a copy of an account's home write on, after its last entry but one.
func (c *club) copyBack(t *testing.T, a accounts.Account) {
	t.Helper()
	vector, err := c.store.Vector(t.Context())
	must(t, err)
	must(t, c.note(t, a, "after the copy"))
	var last moot.Entry
	for e, err := range c.store.Query(t.Context(), moot.Query{IDs: []moot.EntryID{vector.Heads[a.Device()][0].ID}, History: true, Replica: true}) {
		must(t, err)
		last = e
	}
	e := feed.NewAuthor(c.cfg.Space, a.Key, feed.NewClock(time.Now, 0), &last).Next(moot.KindFile, "from the copy", nil, []byte("x"))
	must(t, c.store.Append(t.Context(), moot.Merge, e))
}

// succeed writes a device's retire at the end of the branch that others have, and its heir's
// join.
func (c *club) succeed(ctx context.Context, old accounts.Account, heir ed25519.PrivateKey) error {
	forks, err := c.store.Forks(ctx)
	if err != nil || len(forks) == 0 {
		return err
	}
	d, _ := c.roster.Device(old.Device())
	body, err := trust.Encode(trust.Retire{Heir: seal.Public(heir)})
	if err != nil {
		return err
	}
	retire, err := sign.One(ctx, old.Signer.On(c.store, forks[0].Branches[1]), moot.Merge,
		sign.Statement{Kind: moot.KindAct, Key: trust.KindRetire, Cites: c.roster.Cites(trust.Retire{Heir: seal.Public(heir)}), Body: body})
	if err != nil {
		return err
	}
	if body, err = trust.Encode(trust.Join{Retire: retire.ID, Label: d.Name}); err != nil {
		return err
	}
	author := feed.NewAuthor(c.cfg.Space, heir, feed.NewClock(time.Now, retire.Time), nil)
	return c.store.Append(ctx, moot.Merge, author.NextAct(trust.KindJoin, []moot.EntryID{retire.ID}, body))
}

// TestForkedAccountGoesOn fails if an account that was copied back stops others, or has no
// way to go on.
func TestForkedAccountGoesOn(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	made, err := a.Add(t.Context(), "eve", "")
	must(t, err)
	other, err := a.Add(t.Context(), "bob", "")
	must(t, err)
	password, err := a.AddPassword("eve")
	must(t, err)
	eve, _ := a.Account(made.Device)
	must(t, c.note(t, eve, "before"))
	c.copyBack(t, eve)

	a = c.open(t)
	eve, _ = a.Account(made.Device)
	bob, _ := a.Account(other.Device)
	wantKind(t, "a forked feed", c.note(t, eve, "more"), moot.Fork, moot.HintOf(c.note(t, eve, "more")))
	must(t, c.note(t, bob, "another account"))
	if list := a.List(); list[1].Forked || !list[2].Forked {
		t.Errorf("%+v", list)
	}
	session := login(t, a, "eve", password)

	_, err = a.Replace(t.Context(), made.Device, func(context.Context, accounts.Account, ed25519.PrivateKey) error { return nil })
	wantKind(t, "without a heir's join", err, moot.Internal, "")
	var heirs []moot.Key
	lost := moot.Errorf(moot.Unavailable, "the connection was lost")
	_, err = a.Replace(t.Context(), made.Device, func(ctx context.Context, old accounts.Account, heir ed25519.PrivateKey) error {
		heirs = append(heirs, seal.Public(heir))
		return lost
	})
	wantKind(t, "the first try", err, moot.Unavailable, "")
	if closed(session.Revoked) || len(c.added) != 2 {
		t.Error("the account is gone before it has an heir")
	}
	a = c.open(t)
	next, err := a.Replace(t.Context(), made.Device, c.succeed)
	must(t, err)
	if next.Device() != heirs[0] || next.Member != made.Member || next.Label != "server" || !closed(session.Revoked) || len(c.added) != 3 {
		t.Errorf("%+v, want the heir of the first try, %s; reported %q", next, heirs[0].Short(), c.added)
	}
	for _, a := range []*accounts.Accounts{a, c.open(t)} { // and after a restart
		one := login(t, a, "eve", password)
		if one.Device() != next.Device() || len(a.Hosted()) != 2 {
			t.Errorf("eve logs in as %+v; hosted %d", one, len(a.Hosted()))
		}
	}
	must(t, c.note(t, next, "more"))
	c.leftovers(t, 2)
}

func TestReplaceWhatIsNotKept(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	for _, device := range []moot.Key{{1}, c.cfg.Own.Device()} {
		_, err := a.Replace(t.Context(), device, c.succeed)
		wantKind(t, device.Short(), err, moot.NotFound, "")
	}
}
