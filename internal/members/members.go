// Package members gives the membership entries their meaning: founding a space,
// inviting, joining, renaming, changing roles, revoking, and announcing the space's
// servers. It works over any moot.Node. Who may do what is decided by
// package policy; this package must not know an architecture, a store or a link.
package members

import (
	"context"
	"crypto/ed25519"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/sign"
)

// Members are the people of one space, seen through a node.
type Members struct {
	space moot.SpaceID
	node  moot.Feeds
	write sign.Writer
	now   func() time.Time
}

// New returns the members of the space as node knows them; changes are signed by write.
func New(space moot.SpaceID, node moot.Feeds, write sign.Writer) *Members {
	return &Members{space: space, node: node, write: write, now: time.Now}
}

// WithClock has invitations and their expiry follow another clock.
func (m *Members) WithClock(now func() time.Time) *Members {
	other := *m
	other.now = now
	return &other
}

// Roster reads the membership entries and replays them.
func (m *Members) Roster(ctx context.Context) (*policy.Roster, error) {
	roster := policy.NewRoster(m.space, m.now)
	for _, kind := range []moot.Kind{moot.KindSpace, moot.KindInvite, moot.KindMember} {
		for e, err := range m.node.Query(ctx, moot.Query{Kind: kind, History: true}) {
			if err != nil {
				return nil, moot.Wrap("read the members", err)
			}
			roster.Apply(e)
		}
	}
	return roster, nil
}

// List returns all members, also revoked ones.
func (m *Members) List(ctx context.Context) ([]policy.Member, error) {
	roster, err := m.Roster(ctx)
	if err != nil {
		return nil, err
	}
	return roster.Members(), nil
}

// Found writes the first entry of a new space; the writer's key must be the
// space's. The founder becomes its owner under the name as.
func (m *Members) Found(ctx context.Context, name, as string) error {
	body, err := policy.EncodeBody(policy.SpaceBody{Name: name, Created: m.now().Unix()})
	if err != nil {
		return err
	}
	if _, err := sign.One(ctx, m.write, moot.Swap, sign.Statement{Kind: moot.KindSpace, Key: policy.SpaceKey, Body: body}); err != nil {
		return err
	}
	body, err = policy.EncodeBody(policy.MemberBody{Name: as, Role: policy.RoleOwner})
	if err != nil {
		return err
	}
	_, err = sign.One(ctx, m.write, moot.Swap, sign.Statement{Kind: moot.KindMember, Key: policy.MemberKey(m.space), Body: body})
	return err
}

// Revoke ends a membership: entries of the member beyond those that the node holds now
// are refused, and so are its requests.
func (m *Members) Revoke(ctx context.Context, name string) (policy.Member, error) {
	member, err := m.Lookup(ctx, name)
	if err != nil {
		return member, err
	}
	vector, err := m.node.Vector(ctx)
	if err != nil {
		return member, err
	}
	return member, m.change(ctx, member, policy.MemberBody{Name: member.Name, Role: member.Role, Revoked: true, LastSeq: vector[member.Key]})
}

// SetRole gives a member another role.
func (m *Members) SetRole(ctx context.Context, name string, role policy.Role) (policy.Member, error) {
	member, err := m.Lookup(ctx, name)
	if err != nil {
		return member, err
	}
	member.Role = role
	return member, m.change(ctx, member, policy.MemberBody{Name: member.Name, Role: role})
}

// Rename changes the name under which self is shown.
func (m *Members) Rename(ctx context.Context, self moot.Key, name string) error {
	roster, err := m.Roster(ctx)
	if err != nil {
		return err
	}
	member, ok := roster.Member(self)
	if !ok {
		return moot.Errorf(moot.Stranger, "this home is not a member of the space")
	}
	return m.change(ctx, member, policy.MemberBody{Name: name, Role: member.Role})
}

// Lookup returns the member of a name or key. Kind NotFound.
func (m *Members) Lookup(ctx context.Context, name string) (policy.Member, error) {
	roster, err := m.Roster(ctx)
	if err != nil {
		return policy.Member{}, err
	}
	return roster.Lookup(name)
}

func (m *Members) change(ctx context.Context, member policy.Member, to policy.MemberBody) error {
	body, err := policy.EncodeBody(to)
	if err != nil {
		return err
	}
	key := policy.MemberKey(member.Key)
	replaces, err := heads(ctx, m.node, moot.KindMember, key)
	if err != nil {
		return err
	}
	_, err = sign.One(ctx, m.write, moot.Swap, sign.Statement{Kind: moot.KindMember, Key: key, Replaces: replaces, Body: body})
	return err
}

func heads(ctx context.Context, node moot.Feeds, kind moot.Kind, key string) (ids []moot.EntryID, err error) {
	for e, err := range node.Query(ctx, moot.Query{Kind: kind, Key: key}) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, e.ID)
	}
	return ids, nil
}

// public returns the moot.Key of a private key.
func public(key ed25519.PrivateKey) moot.Key { return moot.Key(key.Public().(ed25519.PublicKey)) }
