// Package members gives the acts of membership their meaning: founding a space, inviting,
// joining, devices, names, roles, removal, and the duties of a witness. It also announces
// the space's servers. It works over any moot.Node. What an act does is decided by packages
// policy and trust; this package must not know an architecture, a store or a link.
package members

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/trust"
)

// Config is what Members need. Without Write they are read only.
type Config struct {
	Space  moot.SpaceID
	Self   moot.Key // the device that writes
	Node   moot.Feeds
	Write  sign.Writer
	Roster *policy.Roster   // of the space, as it is known here
	Now    func() time.Time // default: time.Now
	// MayBeNamed reports, with kind Conflict, that a name is not to become that of a member of
	// a role, though no member has it. Default: it may.
	MayBeNamed func(ctx context.Context, name string, role policy.Role) error
}

// Members are the people of one space, seen through a node.
type Members struct{ cfg Config }

// New returns the members of a space.
func New(cfg Config) *Members {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MayBeNamed == nil {
		cfg.MayBeNamed = func(context.Context, string, policy.Role) error { return nil }
	}
	return &Members{cfg}
}

// List returns all members, also removed and waiting ones.
func (m *Members) List(ctx context.Context) ([]policy.Member, error) {
	roster := m.cfg.Roster
	labels, err := m.labels(ctx)
	if err != nil {
		return nil, err
	}
	list := roster.Members()
	for i := range list {
		labels.apply(&list[i])
	}
	return list, nil
}

// Lookup returns the member of a name or ID. Kind NotFound.
func (m *Members) Lookup(ctx context.Context, name string) (policy.Member, error) {
	roster := m.cfg.Roster
	member, err := roster.Lookup(name)
	if err != nil {
		return member, err
	}
	labels, err := m.labels(ctx)
	labels.apply(&member)
	return member, err
}

// self returns the member for whom the writer acts.
func (m *Members) self(roster *policy.Roster) (policy.Member, error) {
	member, err := roster.Acting(m.cfg.Self)
	if err == nil && member.Waiting {
		err = moot.Errorf(moot.Denied, "no admin, owner or server has admitted %s yet", member.Name)
	}
	return member, err
}

// say signs and stores an act that has an effect, with the members as they were.
func (m *Members) say(ctx context.Context, roster *policy.Roster, body any) (moot.Entry, error) {
	if err := roster.Probe(m.cfg.Self, body); err != nil {
		return moot.Entry{}, err
	}
	return m.write(ctx, roster.Cites(body), body)
}

func (m *Members) write(ctx context.Context, cites []moot.EntryID, body any) (moot.Entry, error) {
	b, err := trust.Encode(body)
	if err != nil {
		return moot.Entry{}, err
	}
	return sign.One(ctx, m.cfg.Write, moot.Merge, sign.Statement{Kind: moot.KindAct, Key: policy.KindOf(body), Cites: cites, Body: b})
}

// SetRole gives a member another role; one who was removed becomes a member again.
func (m *Members) SetRole(ctx context.Context, name string, role policy.Role) (policy.Member, error) {
	return m.giveRole(ctx, name, role, false)
}

// Revoke ends a membership: what the member says beyond what the node holds now does not
// count, and its requests are refused. strict hides also what a server, admin or owner
// has confirmed beyond that.
func (m *Members) Revoke(ctx context.Context, name string, strict bool) (policy.Member, error) {
	return m.giveRole(ctx, name, "", strict)
}

func (m *Members) giveRole(ctx context.Context, name string, role policy.Role, strict bool) (policy.Member, error) {
	roster := m.cfg.Roster
	member, err := roster.Lookup(name)
	if err != nil {
		return member, err
	}
	pins, err := m.pins(ctx, member)
	if err != nil {
		return member, err
	}
	if _, err = m.say(ctx, roster, trust.RoleBody{Member: member.ID, Role: role, Pins: pins, Strict: strict}); err != nil {
		return member, err
	}
	member.Role, member.Revoked = role, role == ""
	return member, nil
}

// pins returns the ends of the feeds of a member's devices: what was said before a
// removal or demotion stays in force.
func (m *Members) pins(ctx context.Context, member policy.Member) (pins []trust.Mark, err error) {
	vector, err := m.cfg.Node.Vector(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range member.Devices {
		pins = append(pins, end(vector, d.Key)...)
	}
	sortMarks(pins)
	return pins, nil
}

// end returns the end of a device's longest branch; none if nothing of it is held.
func end(vector moot.Vector, device moot.Key) (marks []trust.Mark) {
	for _, h := range vector.Heads[device] {
		if len(marks) == 0 || h.Seq > marks[0].Seq {
			marks = []trust.Mark{{Device: device, Seq: h.Seq, ID: h.ID}}
		}
	}
	return marks
}

// sortMarks puts ends of feeds in the order in which they are encoded.
func sortMarks(marks []trust.Mark) {
	slices.SortFunc(marks, func(a, b trust.Mark) int { return bytes.Compare(a.Device[:], b.Device[:]) })
}

// Restore lifts the newest removal or demotion of a member in force, and all that it hid
// comes back. Kind NotFound if there is none.
func (m *Members) Restore(ctx context.Context, name string) (policy.Member, error) {
	roster := m.cfg.Roster
	member, err := roster.Lookup(name)
	if err != nil {
		return member, err
	}
	act, ok := roster.Lowered(member.ID)
	if !ok {
		return member, moot.Errorf(moot.NotFound, "%s was not removed or demoted", member.Name)
	}
	if _, err = m.say(ctx, roster, trust.Annul{Act: act}); err != nil {
		return member, err
	}
	return m.Lookup(ctx, member.ID.String())
}

// Rename claims a name for the writer's member. It is in force once somebody else who may
// has confirmed it; the founder confirms its own.
func (m *Members) Rename(ctx context.Context, name string) error {
	if err := policy.CheckName(name); err != nil {
		return err
	}
	roster := m.cfg.Roster
	self, err := m.self(roster)
	if err != nil {
		return err
	}
	if other, err := roster.Holder(name); err == nil && other != self.ID {
		return moot.WithHint(moot.Errorf(moot.Conflict, "another member is called %q, or a name that mail programs take for it", name), moot.HintRename)
	}
	if err := m.cfg.MayBeNamed(ctx, name, self.Role); err != nil {
		return err
	}
	_, err = m.say(ctx, roster, trust.Rename{Name: name})
	return err
}

// Founding makes the act that founds a space; key becomes the founder's first device. The
// act's ID is the space's and the founder's.
func Founding(name, label string, key ed25519.PrivateKey, now func() time.Time) (moot.Entry, error) {
	b, err := trust.Encode(trust.Space{Name: name, Label: label})
	if err != nil {
		return moot.Entry{}, err
	}
	author := feed.NewAuthor(moot.SpaceID{}, key, feed.NewClock(now, 0), nil)
	return author.NextAct(trust.KindSpace, nil, b), nil
}

// Found gives the founder of a space, whose first act is stored, a name, which it
// confirms itself. It does nothing if the founder has one.
func (m *Members) Found(ctx context.Context, as string) error {
	roster := m.cfg.Roster
	if id, err := roster.Holder(as); err == nil && id == moot.MemberID(m.cfg.Space) {
		return nil
	}
	claim, err := m.write(ctx, roster.Cites(nil), trust.Rename{Name: as})
	if err != nil {
		return err
	}
	_, err = m.write(ctx, []moot.EntryID{claim.ID}, trust.Witness{Confirms: []moot.EntryID{claim.ID}})
	return err
}

// Adopt brings a space of version 0.1.0 under the rules of this one: members keep their
// IDs, roles and names, and become their first devices. Kind Denied for anybody but an
// owner.
func (m *Members) Adopt(ctx context.Context) error {
	roster := m.cfg.Roster
	vector, err := m.cfg.Node.Vector(ctx)
	if err != nil {
		return err
	}
	body, err := roster.Adoption(m.cfg.Now())
	if err != nil {
		return err
	}
	for device := range vector.Heads {
		body.Feeds = append(body.Feeds, end(vector, device)...)
	}
	sortMarks(body.Feeds)
	_, err = m.write(ctx, nil, body)
	return err
}
