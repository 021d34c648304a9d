package members

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/trust"
)

// Invitation states what an invite allows.
type Invitation struct {
	Role    policy.Role
	Uses    int             // how many may join with it; 0 means any number
	Expires time.Duration   // from now
	By      []moot.MemberID // who may admit the newcomer; none: all who have the right
	Servers []moot.Peer     // put into the link
	Peers   []moot.Peer     // put into the link
}

// Invite makes a one-time key, states in the space that its holder may join, and returns
// the link that holds its seed.
func (m *Members) Invite(ctx context.Context, in Invitation) (Link, error) {
	if in.Expires <= 0 {
		return Link{}, errNotAhead(in.Expires)
	}
	if in.Uses <= 0 || in.Uses > policy.AnyUses {
		in.Uses = policy.AnyUses
	}
	body := trust.Invite{Role: in.Role, Uses: in.Uses, By: in.By}
	return m.invite(ctx, body, in, [32]byte{}, nil)
}

func errNotAhead(expires time.Duration) error {
	return moot.Errorf(moot.Invalid, "an invitation must expire in the future, not after %v", expires)
}

// invite completes the body with a key and an expiry, and returns the link. sealed makes
// what only the holder of the key can read.
func (m *Members) invite(ctx context.Context, body trust.Invite, in Invitation, seed [32]byte, sealed func(moot.Key) ([]byte, error)) (Link, error) {
	roster := m.cfg.Roster
	if seed == ([32]byte{}) {
		rand.Read(seed[:]) // never fails (crypto/rand)
	}
	body.Key = public(seal.FromSeed(seed))
	if in.Expires > 0 {
		body.Expires = m.cfg.Now().Add(in.Expires).Unix()
	}
	if sealed != nil {
		var err error
		if body.Sealed, err = sealed(body.Key); err != nil {
			return Link{}, err
		}
	}
	e, err := m.say(ctx, roster, body)
	if err != nil {
		return Link{}, err
	}
	self, err := m.self(roster)
	return Link{
		Version: linkVersion, Space: m.cfg.Space, Name: roster.Space(), Seed: seed, Role: body.Role, Expires: body.Expires,
		Time: e.Time, Servers: in.Servers, Peers: in.Peers, Invite: e.ID, For: body.For, As: nameFor(body.For, self),
	}, err
}

// nameFor returns the name of the member for whom a device joins.
func nameFor(id moot.MemberID, self policy.Member) string {
	if id == self.ID {
		return self.Name
	}
	return ""
}

// Invitations returns the invitations to the space, the oldest first; those that admit
// nobody any more only with all.
func (m *Members) Invitations(_ context.Context, all bool) ([]policy.Invitation, error) {
	roster := m.cfg.Roster
	list := roster.Invitations()
	if !all {
		list = slices.DeleteFunc(list, func(in policy.Invitation) bool { return in.Recovery || in.Usable(m.cfg.Now()) != nil })
	}
	return list, nil
}

// minPrefix is the length of the shortest beginning of an ID that is taken for it.
const minPrefix = 8

// Withdraw ends an invitation, by its ID or the beginning of it. Kinds: NotFound, Invalid
// if several match.
func (m *Members) Withdraw(ctx context.Context, id string) (policy.Invitation, error) {
	roster := m.cfg.Roster
	var found []policy.Invitation
	for _, in := range roster.Invitations() {
		if text := in.ID.String(); text == id || len(id) >= minPrefix && strings.HasPrefix(text, strings.ToLower(id)) {
			found = append(found, in)
		}
	}
	switch {
	case len(found) == 0:
		return policy.Invitation{}, moot.Errorf(moot.NotFound, "there is no invitation %.80q", id)
	case len(found) > 1:
		return policy.Invitation{}, moot.Errorf(moot.Invalid, "%q may be one of %d invitations: give more of the ID", id, len(found))
	}
	_, err := m.say(ctx, roster, trust.Withdraw{Invite: found[0].ID})
	return found[0], err
}

// Enter makes the first act of a newcomer's device: it claims a name, unless the link is
// for one more device of a member, and proves, with the link's seed, the invitation.
func Enter(l Link, key ed25519.PrivateKey, as, label string, now func() time.Time) (moot.Entry, error) {
	device := public(key)
	body := trust.Join{Invite: l.Invite, Proof: ed25519.Sign(seal.FromSeed(l.Seed), trust.JoinMessage(l.Space, device)), Label: label}
	if l.For.IsZero() {
		body.Name = as
	}
	b, err := trust.Encode(body)
	if err != nil {
		return moot.Entry{}, err
	}
	author := feed.NewAuthor(l.Space, key, feed.NewClock(now, l.Time), nil)
	return author.NextAct(trust.KindJoin, []moot.EntryID{l.Invite}, b), nil
}

// public returns the moot.Key of a private key.
func public(key ed25519.PrivateKey) moot.Key { return moot.Key(key.Public().(ed25519.PublicKey)) }
