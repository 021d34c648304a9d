package accounts_test

import (
	"context"
	"crypto/ed25519"
	"path/filepath"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, what string, err error, kind moot.ErrorKind, hint moot.Hint) {
	t.Helper()
	if moot.KindOf(err) != kind || moot.HintOf(err) != hint {
		t.Errorf("%s: %v (kind %q, hint %q), want kind %q, hint %q", what, err, moot.KindOf(err), moot.HintOf(err), kind, hint)
	}
}

// disk is Data whose records are in memory.
type disk struct {
	*memory
	dir string
}

func (d disk) Path(name string) string { return filepath.Join(d.dir, name) }

func (d disk) glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(d.Path(pattern))
	must(t, err)
	return found
}

// gate is what a node puts before its store.
type gate struct {
	*policy.Roster
	clock *feed.Clock
}

func (g gate) Admit(e *moot.Entry, at moot.Position, begins *moot.Position, held store.Held) error {
	return g.Roster.Admit(e, at, begins, policy.Held(held))
}

func (g gate) Apply(e *moot.Entry, at moot.Position, begins *moot.Position, held store.Held) []moot.Key {
	_ = g.clock.Observe(e.Time)
	return g.Roster.Apply(e, at, begins, policy.Held(held))
}

// club is a space with its founder's node, which keeps accounts.
type club struct {
	cfg    accounts.Config
	disk   disk
	roster *policy.Roster
	store  *store.Store
	added  []string // members' names
	links  []members.Link
}

func newClub(t testing.TB) *club {
	t.Helper()
	key := seal.NewKey()
	founding, err := members.Founding("club", "laptop", key, time.Now)
	must(t, err)
	c := &club{disk: disk{newWorld().memory, t.TempDir()}}
	space, clock := moot.SpaceID(founding.ID), feed.NewClock(time.Now, 0)
	c.roster = policy.NewRoster(space, time.Now)
	c.store, err = store.Open(t.Context(), store.Config{Gate: gate{c.roster, clock}})
	must(t, err)
	t.Cleanup(func() { c.store.Close() })
	must(t, c.store.Append(t.Context(), moot.Merge, founding))
	c.cfg = accounts.Config{
		Space: space, Data: c.disk, Feeds: c.store, Roster: c.roster, Clock: clock, Now: time.Now,
		Domains: []string{"club.example", "moot.alt"}, Label: "server", Added: c.add,
	}
	c.cfg.Own = c.signer(t, key)
	must(t, c.members(c.cfg.Own).Found(t.Context(), "ann"))
	_, err = c.members(c.cfg.Own).Recovery(t.Context(), nil) // without it the founder links no device
	must(t, err)
	return c
}

func (c *club) add(_ context.Context, a accounts.Account, l members.Link) error {
	m, _ := c.roster.Member(a.Member)
	c.added, c.links = append(c.added, m.Name), append(c.links, l)
	return nil
}

func (c *club) signer(t testing.TB, key ed25519.PrivateKey) accounts.Account {
	t.Helper()
	signer, err := sign.New(t.Context(), sign.Config{Self: seal.Public(key), Author: feed.NewAuthor(c.cfg.Space, key, c.cfg.Clock, nil), Local: c.store})
	must(t, err)
	return accounts.Account{Key: key, Signer: signer}
}

func (c *club) members(as accounts.Account) *members.Members {
	return members.New(members.Config{Space: c.cfg.Space, Self: as.Device(), Node: c.store, Write: as.Signer.Through(c.store), Roster: c.roster})
}

func (c *club) open(t *testing.T) *accounts.Accounts {
	t.Helper()
	a, err := accounts.Open(t.Context(), c.cfg)
	must(t, err)
	a.Cheap()
	c.roster.OnChange(a.Review)
	return a
}

// join makes a member, or with a device link one more device, at a node of its own.
func (c *club) join(t *testing.T, l members.Link, as, label string) accounts.Account {
	t.Helper()
	key := seal.NewKey()
	e, err := members.Enter(l, key, as, label, time.Now)
	must(t, err)
	must(t, c.store.Append(t.Context(), moot.Merge, e))
	_, err = c.members(c.cfg.Own).Witness(t.Context(), false)
	must(t, err)
	one := c.signer(t, key)
	one.Member, _ = c.roster.Owner(one.Device())
	return one
}

// newcomer is a member with a node of its own.
func (c *club) newcomer(t *testing.T, name string, role policy.Role) accounts.Account {
	t.Helper()
	return c.join(t, c.invite(t, role), name, "laptop")
}

func (c *club) invite(t *testing.T, role policy.Role) members.Link {
	t.Helper()
	l, err := c.members(c.cfg.Own).Invite(t.Context(), members.Invitation{Role: role, Uses: 1, Expires: time.Hour})
	must(t, err)
	return l
}

func (c *club) deviceLink(t *testing.T, of accounts.Account) members.Link {
	t.Helper()
	l, err := c.members(of).AddDevice(t.Context(), members.DeviceLink{Expires: time.Hour})
	must(t, err)
	return l
}

// leftovers fails unless this many keys, and no unfinished joins, are on the disk.
func (c *club) leftovers(t *testing.T, keys int) {
	t.Helper()
	if found := c.disk.glob(t, "accounts/*"); len(found) != keys {
		t.Errorf("the keys are %q, want %d", found, keys)
	}
	if joins := string(c.disk.files["joins.json"]); joins != "" && joins != "{}" {
		t.Errorf("joins %s", joins)
	}
}

func closed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
