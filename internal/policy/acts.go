package policy

import (
	"crypto/ed25519"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/trust"
)

// acts are the acts of a space with what the rules do not look at: when joins came.
type acts struct {
	space   moot.SpaceID
	name    string
	world   *trust.World
	config  trust.Config
	state   *trust.State // of what is stored; nil if it is to be made anew
	stored  []stored
	pending *pending // taken in by world, but perhaps never stored
	invites map[moot.EntryID]trust.Invite
	byKey   map[moot.Key]moot.EntryID // invitations
	retired map[moot.EntryID]moot.Key // retire acts to their devices
	heirs   map[moot.Key]moot.EntryID // heirs that retire acts name
	joins                             // the first acts of devices
}

// stored is an act with the branch that it begins.
type stored struct {
	act    trust.Act
	begins *moot.Position
	plain  bool // no act: only the branch
}

// pending is an act that is about to be stored.
type pending struct {
	stored
	heads []moot.EntryID // before it
}

func newActs(space moot.SpaceID, old *legacy) *acts {
	a := &acts{
		space: space, invites: map[moot.EntryID]trust.Invite{}, byKey: map[moot.Key]moot.EntryID{}, retired: map[moot.EntryID]moot.Key{}, heirs: map[moot.Key]moot.EntryID{}, joins: newJoins(),
	}
	if old != nil {
		a.name = old.current().name
		a.config.Owners = old.owners()
	}
	a.world = trust.New(space, a.config)
	return a
}

// decode makes an act of an entry. Kinds: Gap if what it names is not held, Invalid,
// Corrupt.
func (a *acts) decode(e *moot.Entry, at moot.Position, held Held) (trust.Act, error) {
	if e.Body == nil && e.BodySize > 0 {
		return trust.Act{}, moot.Errorf(moot.Invalid, "an act came without its body")
	}
	body, err := trust.Decode(e.Key, e.Body)
	if err != nil {
		return trust.Act{}, err
	}
	if j, ok := body.(trust.Join); ok {
		if err := a.checkProof(e, j); err != nil {
			return trust.Act{}, err
		}
	}
	named, err := find(marks(body), held)
	return trust.Act{
		ID: e.ID, Device: e.Author, At: trust.Position(at), Cites: e.Cites, Kind: e.Key, Body: body, Named: named,
	}, err
}

// checkProof checks that the holder of the invitation lets the device join.
func (a *acts) checkProof(e *moot.Entry, j trust.Join) error {
	if j.Retire != (moot.EntryID{}) {
		return nil
	}
	in, ok := a.invites[j.Invite]
	if !ok {
		return moot.Errorf(moot.Gap, "the invitation is missing")
	}
	if !ed25519.Verify(in.Key[:], trust.JoinMessage(a.space, e.Author), j.Proof) {
		return moot.Errorf(moot.Corrupt, "%s does not prove that it was invited", e.Author.Short())
	}
	return nil
}

// marks returns the entries of feeds that an act names.
func marks(body any) []trust.Mark {
	switch b := body.(type) {
	case trust.RoleBody:
		return b.Pins
	case trust.Device:
		return b.Pins
	case trust.Witness:
		return b.Feeds
	case trust.Adopt:
		return b.Feeds
	}
	return nil
}

func find(list []trust.Mark, held Held) (map[moot.EntryID]trust.Named, error) {
	named := make(map[moot.EntryID]trust.Named, len(list))
	for _, m := range list {
		device, at, ok := held(m.ID)
		if !ok {
			return nil, moot.Errorf(moot.Gap, "entry %d of %s, which it names, is missing", m.Seq, m.Device.Short())
		}
		named[m.ID] = trust.Named{Device: device, At: trust.Position(at)}
	}
	return named, nil
}

// current returns the State of what is stored: an act that is about to be is not in it.
func (a *acts) current() *trust.State {
	if a.state == nil {
		if a.pending != nil {
			a.rebuild()
		}
		a.state = a.world.State()
	}
	return a.state
}

// heads returns the acts that the next one cites: none that was never stored.
func (a *acts) heads() []moot.EntryID {
	if a.pending != nil {
		return a.pending.heads
	}
	return a.current().Heads()
}

// try has the rules take in an act that is about to be stored. One that was taken in
// before, but never stored, is taken out again.
func (a *acts) try(act trust.Act, begins *moot.Position) error {
	if p := a.pending; p != nil && p.act.ID == act.ID {
		return nil
	} else if p != nil {
		a.rebuild()
	}
	p := &pending{stored{act: act, begins: begins}, a.current().Heads()}
	if err := a.take(p.stored); err != nil {
		return err
	}
	a.pending = p
	return nil
}

func (a *acts) take(s stored) error {
	if s.begins != nil {
		a.world.Fork(s.act.Device, s.act.At.Branch, trust.Position(*s.begins))
	}
	if s.plain {
		return nil
	}
	return a.world.Add(s.act)
}

// rebuild makes the world anew from what is stored.
func (a *acts) rebuild() {
	a.pending, a.state = nil, nil
	a.world = trust.New(a.space, a.config)
	for _, s := range a.stored {
		_ = a.take(s) // as it did before
	}
}

// fork takes note of a branch that begins with an entry which is no act, and returns the
// devices of which entries may count differently.
func (a *acts) fork(device moot.Key, branch int, parent moot.Position) []moot.Key {
	if a.pending != nil {
		a.rebuild()
	}
	s := stored{act: trust.Act{Device: device, At: trust.Position{Branch: branch}}, begins: &parent, plain: true}
	a.stored = append(a.stored, s)
	_ = a.take(s) // a branch alone is always taken
	return append(a.changed(), device)
}

// commit takes note of an act that was stored, and returns the devices of which entries
// may count differently.
func (a *acts) commit(s stored, time moot.Time, now int64) []moot.Key {
	a.pending = nil
	a.stored = append(a.stored, s)
	act := s.act
	switch b := act.Body.(type) {
	case trust.Space:
		a.name = b.Name
		a.add(join{id: act.ID, device: act.Device, time: time, named: true})
	case trust.Adopt:
		a.state = nil // a second one begins all anew
		if a.current().Standing(act.ID) {
			a.adopt(b)
		}
		return a.devices()
	case trust.Invite:
		a.invites[act.ID] = b
		a.byKey[b.Key] = act.ID
	case trust.Join:
		in := a.invites[b.Invite]
		heir := b.Retire != moot.EntryID{}
		a.add(join{id: act.ID, device: act.Device, time: time, body: b, named: heir, late: in.Expires > 0 && now >= in.Expires})
	case trust.Retire:
		a.retired[act.ID] = act.Device
		a.heirs[b.Heir] = act.ID
	case trust.Witness:
		a.joins.seen(b)
	}
	changed := a.changed()
	if s.begins != nil {
		changed = append(changed, act.Device)
	}
	return changed
}

// changed makes the State anew, and returns the devices of which entries may count
// differently since the one before.
func (a *acts) changed() []moot.Key {
	before := a.state
	a.state = a.world.State()
	if before == nil {
		return a.devices()
	}
	return a.state.Changed(before)
}

func (a *acts) adopt(b trust.Adopt) {
	for _, m := range b.Members {
		a.add(join{id: moot.EntryID(m.Key), device: m.Key, named: true})
	}
	for _, in := range b.Invites {
		id := moot.EntryID(in.Key)
		a.invites[id] = trust.Invite{Key: in.Key, Role: in.Role, Uses: in.Uses, Expires: in.Expires}
		a.byKey[in.Key] = id
	}
}

// probe reports why an act that knows everything would have no effect.
func (a *acts) probe(device moot.Key, body any) error {
	named := map[moot.EntryID]trust.Named{} // as the caller has them from its store
	for _, m := range marks(body) {
		named[m.ID] = trust.Named{Device: m.Device, At: trust.Position{Seq: m.Seq}}
	}
	next := trust.Position{Seq: 1 << 62} // after all that the device has said
	return a.world.Probe(trust.Act{Device: device, At: next, Cites: a.cites(body), Kind: KindOf(body), Body: body, Named: named})
}

// cites returns what an act with a body cites: the newest acts, and the joins that it
// admits.
func (a *acts) cites(body any) (ids []moot.EntryID) {
	if w, ok := body.(trust.Witness); ok {
		for _, line := range w.Admits {
			ids = append(ids, line.Join)
		}
	}
	for _, id := range a.heads() {
		if len(ids) < moot.MaxCites && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// KindOf returns the kind of act that a body belongs to; "" for no body.
func KindOf(body any) string {
	switch body.(type) {
	case trust.Space:
		return trust.KindSpace
	case trust.Invite:
		return trust.KindInvite
	case trust.Withdraw:
		return trust.KindWithdraw
	case trust.Join:
		return trust.KindJoin
	case trust.Witness:
		return trust.KindWitness
	case trust.RoleBody:
		return trust.KindRole
	case trust.Device:
		return trust.KindDevice
	case trust.Retire:
		return trust.KindRetire
	case trust.Rename:
		return trust.KindRename
	case trust.Annul:
		return trust.KindAnnul
	case trust.Mailbox:
		return trust.KindMailbox
	case trust.Adopt:
		return trust.KindAdopt
	}
	return ""
}
