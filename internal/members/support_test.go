package members_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

// clock is one that a test sets.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

// home is a device over a store with its own roster.
type home struct {
	*members.Members
	t      testing.TB
	clock  *clock
	key    ed25519.PrivateKey
	space  moot.SpaceID
	store  *store.Store
	roster *policy.Roster
}

func keyOf(name string) ed25519.PrivateKey { return seal.FromSeed(sha256.Sum256([]byte(name))) }

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (h *home) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func open(t testing.TB, c *clock, space moot.SpaceID) (*store.Store, *policy.Roster) {
	roster := policy.NewRoster(space, c.now)
	s := must[*store.Store](t)(store.Open(t.Context(), store.Config{Gate: roster}))
	t.Cleanup(func() { s.Close() })
	return s, roster
}

// found makes a space; ann is its founder's first device.
func found(t testing.TB) *home {
	t.Helper()
	c := &clock{time.Unix(1_800_000_000, 0)}
	key := keyOf("ann")
	first := must[moot.Entry](t)(members.Founding("friends", "laptop", key, c.now))
	s, roster := open(t, c, feed.SpaceOf(&first))
	h := &home{t: t, clock: c, key: key, space: feed.SpaceOf(&first), store: s, roster: roster}
	h.must(s.Append(t.Context(), moot.Merge, first))
	h = h.on(s, roster)
	for range 2 { // the second time nothing is left to do
		h.must(h.Found(t.Context(), "ann"))
	}
	return h
}

// on returns the device as it writes to a store.
func (h *home) on(s *store.Store, roster *policy.Roster) *home {
	h.t.Helper()
	self := seal.Public(h.key)
	author := feed.NewAuthor(h.space, h.key, feed.NewClock(h.clock.now, 0), nil)
	signer := must[*sign.Signer](h.t)(sign.New(h.t.Context(), sign.Config{Self: self, Author: author, Local: s}))
	o := *h
	o.store, o.roster = s, roster
	o.Members = members.New(members.Config{
		Space: h.space, Self: self, Node: s, Write: signer.Through(s), Roster: roster, Now: h.clock.now,
	})
	return &o
}

// enter has a device join with a link, written down and read again.
func (h *home) enter(l members.Link, as, label string) *home {
	h.t.Helper()
	h.clock.t = h.clock.t.Add(time.Second)
	read := must[members.Link](h.t)(members.ParseLink(" "+l.String()+"\n", h.clock.t))
	o := *h
	o.key = keyOf(label)
	e := must[moot.Entry](h.t)(members.Enter(read, o.key, as, label, h.clock.now))
	h.must(h.store.Append(h.t.Context(), moot.Merge, e))
	return o.on(h.store, h.roster)
}

func (h *home) witness() {
	h.t.Helper()
	h.clock.t = h.clock.t.Add(time.Minute)
	must[bool](h.t)(h.Witness(h.t.Context(), true))
}

// newcomer is invited, joins and is admitted.
func (h *home) newcomer(name string, role policy.Role) *home {
	h.t.Helper()
	l := must[members.Link](h.t)(h.Invite(h.t.Context(), members.Invitation{Role: role, Uses: 1, Expires: time.Hour}))
	v := h.enter(l, name, name+"'s laptop")
	h.witness()
	return v
}

// device is one more of h's member.
func (h *home) device(label string) *home {
	h.t.Helper()
	l := must[members.Link](h.t)(h.AddDevice(h.t.Context(), members.DeviceLink{Expires: time.Hour}))
	v := h.enter(l, "", label)
	h.witness()
	return v
}

// is returns the member of a name, as it is known.
func (h *home) is(name string) policy.Member {
	h.t.Helper()
	return must[policy.Member](h.t)(h.Lookup(h.t.Context(), name))
}

// acts reports why the device acts for no member.
func (h *home) acts() error {
	_, err := h.roster.Acting(seal.Public(h.key))
	return err
}

func (h *home) entries() (all []moot.Entry) {
	h.t.Helper()
	for e, err := range h.store.Query(h.t.Context(), moot.Query{History: true, Replica: true}) {
		h.must(err)
		all = append(all, e)
	}
	return all
}

// take stores entries, again those that came before what they name.
func take(t testing.TB, s *store.Store, entries []moot.Entry) {
	for len(entries) > 0 {
		var again []moot.Entry
		for _, e := range entries {
			if moot.KindOf(s.Append(t.Context(), moot.Merge, e)) == moot.Gap {
				again = append(again, e)
			}
		}
		if len(again) == len(entries) {
			return
		}
		entries = again
	}
}

// describe says who belongs to a space.
func describe(list []policy.Member) (text string) {
	for _, m := range list {
		slices.SortFunc(m.Devices, func(a, b policy.Device) int { return slices.Compare(a.Key[:], b.Key[:]) })
		text += fmt.Sprintf("%+v\n", m)
	}
	return text
}

func wantKind(t testing.TB, what string, err error, kind moot.ErrorKind) {
	t.Helper()
	if moot.KindOf(err) != kind {
		t.Errorf("%s: %v (kind %q), want kind %q", what, err, moot.KindOf(err), kind)
	}
}
