package members

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/trust"
)

// DeviceLink states what a link for one more device holds.
type DeviceLink struct {
	Expires time.Duration // from now
	Servers []moot.Peer   // put into the link
	Peers   []moot.Peer   // put into the link
	// Sealed seals the private halves of the member's mailbox keys to the link's key, so
	// that the new device reads the whole history with no other device online.
	Sealed func(moot.Key) ([]byte, error)
}

// AddDevice makes a link with which one more device of the writer's member joins.
func (m *Members) AddDevice(ctx context.Context, d DeviceLink) (Link, error) {
	if d.Expires <= 0 {
		return Link{}, errNotAhead(d.Expires)
	}
	roster := m.cfg.Roster
	self, err := m.self(roster)
	if err != nil {
		return Link{}, err
	}
	in := Invitation{Expires: d.Expires, Servers: d.Servers, Peers: d.Peers}
	return m.invite(ctx, trust.Invite{Uses: 1, For: self.ID}, in, [32]byte{}, d.Sealed)
}

// recoveryLabel names the device of a recovery code.
const recoveryLabel = "recovery code"

// Recovery makes the device of the member's recovery code, which none of its other
// devices can put out, and returns the code: it is shown once, for paper. Kind Denied if
// there is one already.
func (m *Members) Recovery(ctx context.Context, sealed func(moot.Key) ([]byte, error)) (string, error) {
	var seed [32]byte
	rand.Read(seed[:]) // never fails (crypto/rand)
	err := m.addRecovery(ctx, seed, sealed)
	return seal.RecoveryCode(seed), err
}

func (m *Members) addRecovery(ctx context.Context, seed [32]byte, sealed func(moot.Key) ([]byte, error)) error {
	roster := m.cfg.Roster
	self, err := m.self(roster)
	if err != nil {
		return err
	}
	l, err := m.invite(ctx, trust.Invite{Uses: 1, For: self.ID, Recovery: true}, Invitation{}, [32]byte{}, sealed)
	if err != nil {
		return err
	}
	join, err := Enter(l, seal.FromSeed(seed), "", recoveryLabel, m.cfg.Now)
	if err != nil {
		return err
	}
	if err := m.cfg.Node.Append(ctx, moot.Merge, join); err != nil {
		return err
	}
	_, err = m.say(ctx, roster, trust.Witness{Admits: []trust.Admission{{Join: join.ID}}})
	if _, ok := roster.Admitted(join.ID); ok { // perhaps by the server that stored it
		return nil
	}
	return err
}

// Devices returns the devices of the writer's member.
func (m *Members) Devices(ctx context.Context) ([]policy.Device, error) {
	roster := m.cfg.Roster
	self, err := roster.Acting(m.cfg.Self)
	if err != nil {
		return nil, err
	}
	labels, err := m.labels(ctx)
	labels.apply(&self)
	return self.Devices, err
}

// device returns a device of the writer's member, or with of of another's, by its label,
// key or the beginning of it. Kinds: NotFound, Invalid if several match.
func (m *Members) device(ctx context.Context, of, name string) (member policy.Member, d policy.Device, err error) {
	roster := m.cfg.Roster
	if of == "" {
		member, err = roster.Acting(m.cfg.Self)
	} else {
		member, err = roster.Lookup(of)
	}
	if err != nil {
		return member, d, err
	}
	labels, err := m.labels(ctx)
	if err != nil {
		return member, d, err
	}
	labels.apply(&member)
	var found []policy.Device
	for _, one := range member.Devices {
		if key := one.Key.String(); one.Name == name || key == name || len(name) >= minPrefix && strings.HasPrefix(key, strings.ToLower(name)) {
			found = append(found, one)
		}
	}
	switch len(found) {
	case 0:
		return member, d, moot.WithHint(moot.Errorf(moot.NotFound, "%s has no device %q", member.Name, name), moot.HintListDevices)
	case 1:
		return member, found[0], nil
	}
	return member, d, moot.WithHint(moot.Errorf(moot.Invalid, "%q may be one of %d devices: give the beginning of the key", name, len(found)), moot.HintListDevices)
}

// RemoveDevice puts a device out, of the writer's member or, with of, of another: what it
// says beyond what the node holds now does not count, and its requests are refused.
func (m *Members) RemoveDevice(ctx context.Context, of, name string) (policy.Device, error) {
	_, d, err := m.device(ctx, of, name)
	if err != nil {
		return d, err
	}
	roster := m.cfg.Roster
	vector, err := m.cfg.Node.Vector(ctx)
	if err != nil {
		return d, err
	}
	_, err = m.say(ctx, roster, trust.Device{Device: d.First, Pins: end(vector, d.Key)})
	return d, err
}

// RemoveByRecovery puts a device of the writer's member out by its recovery code, for good,
// also if that device has put the writer out. It speaks from what was before the device
// could fight it (R18). Kind Invalid for a code that is not the member's.
func (m *Members) RemoveByRecovery(ctx context.Context, code, name string) (policy.Device, error) {
	seed, err := seal.ParseRecoveryCode(code)
	if err != nil {
		return policy.Device{}, err
	}
	key := seal.FromSeed(seed)
	id, _ := m.cfg.Roster.Owner(m.cfg.Self)
	self, d, err := m.device(ctx, id.String(), name)
	if err != nil {
		return d, err
	}
	of := slices.IndexFunc(self.Devices, func(one policy.Device) bool { return one.Recovery && one.Key == public(key) })
	if of < 0 {
		return d, moot.Errorf(moot.Invalid, "it is not the recovery code of %s", self.Name)
	}
	vector, err := m.cfg.Node.Vector(ctx)
	if err != nil {
		return d, err
	}
	pins, err := m.beforeStrike(ctx, d, vector)
	if err != nil {
		return d, err
	}
	b, err := trust.Encode(trust.Device{Device: d.First, Pins: pins})
	if err != nil {
		return d, err
	}
	last, err := m.last(ctx, public(key), vector)
	if err != nil {
		return d, err
	}
	author := feed.NewAuthor(m.cfg.Space, key, feed.NewClock(m.cfg.Now, 0), &last)
	return d, m.cfg.Node.Append(ctx, moot.Merge, author.NextAct(trust.KindDevice, m.admissions(d, self.Devices[of]), b))
}

// beforeStrike returns the last entry of a device before it put the writer's own out; an act
// that pins a later one would know of that, and not void it.
func (m *Members) beforeStrike(ctx context.Context, d policy.Device, vector moot.Vector) (pins []trust.Mark, err error) {
	if _, err := m.cfg.Roster.Acting(m.cfg.Self); err == nil {
		return end(vector, d.Key), nil
	}
	own := moot.EntryID(m.cfg.Self) // as version 0.1.0 names its first entry
	for e, err := range m.cfg.Node.Query(ctx, moot.Query{History: true, Replica: true, Author: m.cfg.Self, Limit: 1}) {
		if err != nil {
			return nil, err
		}
		if e.Kind == moot.KindAct {
			own = e.ID
		}
	}
	for e, err := range m.cfg.Node.Query(ctx, moot.Query{History: true, Replica: true, Author: d.Key}) {
		if err != nil {
			return nil, err
		}
		if body, err := trust.Decode(trust.KindDevice, e.Body); err == nil && e.Key == trust.KindDevice && body.(trust.Device).Device == own {
			break
		}
		pins = []trust.Mark{{Device: d.Key, Seq: e.Seq, ID: e.ID}}
	}
	return pins, nil
}

// admissions returns the acts that admitted devices: what came after them is not known to
// an act that cites no more.
func (m *Members) admissions(devices ...policy.Device) (cites []moot.EntryID) {
	for _, d := range devices {
		if act, ok := m.cfg.Roster.Admitted(d.First); ok {
			cites = append(cites, act)
		}
	}
	return cites
}

// last returns the last entry of a device's feed.
func (m *Members) last(ctx context.Context, device moot.Key, vector moot.Vector) (last moot.Entry, err error) {
	marks := end(vector, device)
	if len(marks) == 0 {
		return last, moot.Errorf(moot.Unavailable, "the first entry of the recovery code's device has not arrived here yet")
	}
	for e, err := range m.cfg.Node.Query(ctx, moot.Query{History: true, Replica: true, IDs: []moot.EntryID{marks[0].ID}}) {
		return e, err
	}
	return last, moot.Errorf(moot.Internal, "the last entry of %s is missing from the database", device.Short())
}

// ResolveFork puts a device out of which the feed has forked, so that the branch with the
// given end counts, by its ID or the beginning of it. Kinds: NotFound, Invalid.
func (m *Members) ResolveFork(ctx context.Context, of, name, head string) (policy.Device, error) {
	_, d, err := m.device(ctx, of, name)
	if err != nil {
		return d, err
	}
	vector, err := m.cfg.Node.Vector(ctx)
	if err != nil {
		return d, err
	}
	var pins []trust.Mark
	for _, h := range vector.Heads[d.Key] {
		if text := h.ID.String(); text == head || len(head) >= minPrefix && strings.HasPrefix(text, strings.ToLower(head)) {
			pins = append(pins, trust.Mark{Device: d.Key, Seq: h.Seq, ID: h.ID})
		}
	}
	if len(pins) != 1 {
		return d, moot.WithHint(moot.Errorf(moot.NotFound, "%d branches of %s end with %.80q", len(pins), d.Name, head), moot.HintListDevices)
	}
	_, err = m.say(ctx, m.cfg.Roster, trust.Device{Device: d.First, Pins: pins})
	return d, err
}

// RenameDevice gives a device of the writer's member another label.
func (m *Members) RenameDevice(ctx context.Context, name, label string) (policy.Device, error) {
	if err := policy.CheckName(label); err != nil {
		return policy.Device{}, err
	}
	member, d, err := m.device(ctx, "", name)
	if err != nil {
		return d, err
	}
	for _, other := range member.Devices {
		if other.Name == label && other.Key != d.Key {
			return d, moot.WithHint(moot.Errorf(moot.Conflict, "another device of %s is called %q", member.Name, label), moot.HintRename)
		}
	}
	key := d.Key.String()
	replaces, err := heads(ctx, m.cfg.Node, moot.KindDevice, key)
	if err != nil {
		return d, err
	}
	d.Name = label
	_, err = sign.One(ctx, m.cfg.Write, moot.Merge, sign.Statement{Kind: moot.KindDevice, Key: key, Replaces: replaces, Body: []byte(label)})
	return d, err
}

// labels are the names that members gave to devices since these joined.
type labels map[moot.Key]label

type label struct {
	text   string
	author moot.Key
}

func (m *Members) labels(ctx context.Context) (labels, error) {
	all := labels{}
	for e, err := range m.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindDevice}) {
		if err != nil {
			return nil, err
		}
		k, err := moot.ParseKey(e.Key)
		if _, known := all[k]; err == nil && !known && policy.CheckName(string(e.Body)) == nil { // the first is the current one
			all[k] = label{string(e.Body), e.Author}
		}
	}
	return all, nil
}

// apply names a member's devices; only its own devices may.
func (l labels) apply(m *policy.Member) {
	own := map[moot.Key]bool{}
	for _, d := range m.Devices {
		own[d.Key] = true
	}
	for i, d := range m.Devices {
		if one, ok := l[d.Key]; ok && own[one.author] {
			m.Devices[i].Name = one.text
		}
	}
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

// Mailbox starts a generation of the mailbox key of the writer's member.
func (m *Members) Mailbox(ctx context.Context, body trust.Mailbox) error {
	_, err := m.say(ctx, m.cfg.Roster, body)
	return err
}
