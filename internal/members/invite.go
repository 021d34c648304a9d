package members

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
)

// Invitation states what an invite allows.
type Invitation struct {
	Role    policy.Role
	Uses    int           // how many may join with it; 0 means any number
	Expires time.Duration // from now
	Servers []moot.Peer   // put into the link
	Peers   []moot.Peer   // put into the link
}

// Invite makes a one-time key, states in the space that it may join, and returns the link
// that holds its seed.
func (m *Members) Invite(ctx context.Context, in Invitation) (Link, error) {
	if in.Expires <= 0 {
		return Link{}, moot.Errorf(moot.Invalid, "an invitation must expire in the future, not after %v", in.Expires)
	}
	var seed [32]byte
	rand.Read(seed[:])
	expires := m.now().Add(in.Expires).Unix()
	key := public(seal.FromSeed(seed))
	body, err := policy.EncodeBody(policy.InviteBody{Key: key, Role: in.Role, Uses: in.Uses, Expires: expires})
	if err != nil {
		return Link{}, err
	}
	roster, err := m.Roster(ctx)
	if err != nil {
		return Link{}, err
	}
	e, err := sign.One(ctx, m.write, moot.Swap, sign.Statement{Kind: moot.KindInvite, Key: policy.InviteKey(key), Body: body})
	if err != nil {
		return Link{}, err
	}
	return Link{
		Version: 1, Space: m.space, Name: roster.Space(), Seed: seed, Role: in.Role, Expires: expires,
		Time: e.Time, Servers: in.Servers, Peers: in.Peers,
	}, nil
}

// Enter makes the first entry of a newcomer's feed: it names the newcomer and proves,
// with the link's seed, the invitation.
func Enter(l Link, key ed25519.PrivateKey, as string, now func() time.Time) (moot.Entry, error) {
	invite := seal.FromSeed(l.Seed)
	body, err := policy.EncodeBody(policy.MemberBody{
		Name: as, Role: l.Role, Invite: public(invite), Proof: policy.JoinProof(invite, l.Space, public(key)),
	})
	if err != nil {
		return moot.Entry{}, err
	}
	clock := feed.NewClock(now, l.Time)
	author := feed.NewAuthor(l.Space, key, clock, nil)
	return author.Next(moot.KindMember, policy.MemberKey(public(key)), nil, body), nil
}
