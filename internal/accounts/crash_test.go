package accounts_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
)

// faulty is a store that fails to store joins, or to say that it did.
type faulty struct {
	moot.Feeds
	before, after error
}

func (f *faulty) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	if f.before != nil {
		return f.before
	}
	if err := f.Feeds.Append(ctx, mode, entries...); err != nil {
		return err
	}
	return f.after
}

// eves returns the members that are or were called eve.
func (c *club) eves() (list []policy.Member) {
	for _, m := range c.roster.Members() {
		if m.Name == "eve" || strings.HasPrefix(m.Name, "eve~") {
			list = append(list, m)
		}
	}
	return list
}

// TestSecondTryGoesOn fails if a try of which the outcome was not known makes two members,
// or forks a feed.
func TestSecondTryGoesOn(t *testing.T) {
	lost := moot.Errorf(moot.Unavailable, "the connection was lost")
	for name, fault := range map[string]faulty{"stored": {after: lost}, "not stored": {before: lost}} {
		for how, again := range map[string]func(*accounts.Accounts) error{
			"tried again": func(a *accounts.Accounts) error { _, err := a.Add(t.Context(), "eve", ""); return err },
			"resumed":     func(a *accounts.Accounts) error { return a.Resume(t.Context()) },
			"another is added": func(a *accounts.Accounts) error {
				d, err := a.Add(t.Context(), "bob", "")
				if err == nil {
					err = a.Remove(t.Context(), d.Name, true)
				}
				return err
			},
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				c := newClub(t)
				l := c.invite(t, policy.RoleMember)
				store := fault
				store.Feeds, c.cfg.Feeds = c.cfg.Feeds, &store
				_, err := c.open(t).Add(t.Context(), "eve", l.String())
				wantKind(t, "the first try", err, moot.Unavailable, "")
				if len(c.added) != 0 || len(c.disk.glob(t, "accounts/*.pem")) != 1 {
					t.Errorf("reported %q, keys %q", c.added, c.disk.glob(t, "accounts/*"))
				}
				store.before, store.after = nil, nil
				a := c.open(t)
				must(t, again(a))
				eve := c.eves()
				if len(eve) != 1 || eve[0].Waiting || len(eve[0].Devices) != 1 || !a.Hosts(eve[0].ID) || c.added[0] != "eve" {
					t.Errorf("members %+v, reported %q", eve, c.added)
				}
				if forks, err := c.store.Forks(t.Context()); err != nil || len(forks) != 0 {
					t.Errorf("forks %v, %v", forks, err)
				}
				one, _ := a.Account(eve[0].Devices[0].Key)
				must(t, c.members(one).Rename(t.Context(), "eva")) // its feed goes on
				c.leftovers(t, 1)
			})
		}
	}
}

// TestEnableGoesOn takes the same link again, and sets the password.
func TestEnableGoesOn(t *testing.T) {
	c := newClub(t)
	bob := c.newcomer(t, "bob", policy.RoleMember)
	l := c.deviceLink(t, bob)
	store := faulty{Feeds: c.cfg.Feeds, after: moot.Errorf(moot.Unavailable, "the connection was lost")}
	c.cfg.Feeds = &store
	_, err := c.open(t).Enable(t.Context(), l.String(), "correct horse")
	wantKind(t, "the first try", err, moot.Unavailable, "")
	store.after = nil
	a := c.open(t)
	_, err = a.Enable(t.Context(), l.String(), "correct horse")
	must(t, err)
	login(t, a, "bob", "correct horse")
	if m, _ := c.roster.Member(bob.Member); len(m.Devices) != 2 || len(c.links) != 1 {
		t.Errorf("%+v, reported %d times", m, len(c.links))
	}
	c.leftovers(t, 1)
}

// TestRefusedJoinLeavesNothing has a store refuse what looked right.
func TestRefusedJoinLeavesNothing(t *testing.T) {
	c := newClub(t)
	store := faulty{Feeds: c.cfg.Feeds}
	c.cfg.Feeds = &store
	a := c.open(t)
	l := c.invite(t, policy.RoleMember)
	for _, kind := range []moot.ErrorKind{moot.Denied, moot.Gap, moot.Full, moot.Expired, moot.UsedUp} {
		store.before = moot.Errorf(kind, "no")
		if _, err := a.Add(t.Context(), "eve", l.String()); moot.KindOf(err) != kind {
			t.Errorf("%s: %v", kind, err)
		}
		c.leftovers(t, 0)
	}
	store.before = moot.Errorf(moot.Unavailable, "the connection was lost")
	_, err := a.Add(t.Context(), "eve", l.String())
	wantKind(t, "an unknown outcome", err, moot.Unavailable, "")
	for _, kind := range []moot.ErrorKind{moot.Gap, moot.Full} { // of a node that will know or have more
		store.before = moot.Errorf(kind, "not yet")
		must(t, c.open(t).Resume(t.Context()))
		if len(c.disk.glob(t, "accounts/*.pem")) != 1 {
			t.Errorf("%s: a join that cannot be stored yet is given up", kind)
		}
	}
	store.before = moot.Errorf(moot.UsedUp, "somebody else did")
	must(t, c.open(t).Resume(t.Context()))
	c.leftovers(t, 0)
	store.before = nil
	if _, err := a.Add(t.Context(), "eve", l.String()); err != nil {
		t.Errorf("a good link after refusals: %v", err)
	}
}

// TestAddedIsCalledAgain fails if a node that could not take an account in forgets it.
func TestAddedIsCalledAgain(t *testing.T) {
	c := newClub(t)
	c.cfg.Added = func(context.Context, accounts.Account, members.Link) error {
		return moot.Errorf(moot.Full, "no space left")
	}
	_, err := c.open(t).Add(t.Context(), "eve", "")
	wantKind(t, "the first try", err, moot.Full, "")
	c.cfg.Added = c.add
	a := c.open(t)
	must(t, a.Resume(t.Context()))
	must(t, a.Resume(t.Context()))
	if len(c.added) != 1 || c.added[0] != "eve" {
		t.Errorf("reported %q", c.added)
	}
	c.leftovers(t, 1)
}

// TestNeverSubmitted drops a join of which the key was not saved.
func TestNeverSubmitted(t *testing.T) {
	c := newClub(t)
	store := faulty{Feeds: c.cfg.Feeds, before: moot.Errorf(moot.Unavailable, "the connection was lost")}
	c.cfg.Feeds = &store
	_, err := c.open(t).Add(t.Context(), "eve", "")
	wantKind(t, "the first try", err, moot.Unavailable, "")
	for _, key := range c.disk.glob(t, "accounts/*") {
		must(t, os.Remove(key))
	}
	store.before = nil
	must(t, c.open(t).Resume(t.Context()))
	if len(c.eves()) != 0 {
		t.Error("a member whose key nobody has")
	}
	c.leftovers(t, 0)
}

// TestFullDisk fails if an account that could not be saved joins.
func TestFullDisk(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	c.disk.err = moot.Errorf(moot.Full, "no space left")
	_, err := a.Add(t.Context(), "eve", "")
	wantKind(t, "a full disk", err, moot.Full, "")
	c.disk.err = nil
	c.leftovers(t, 0)
	must(t, os.WriteFile(c.disk.Path("accounts"), nil, 0o600)) // no directory for keys
	if _, err := a.Add(t.Context(), "eve", ""); err == nil || len(c.eves()) != 0 {
		t.Errorf("%v, members %+v", err, c.eves())
	}
	must(t, os.Remove(c.disk.Path("accounts")))
	c.leftovers(t, 0)
}
