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
	stored  []stored
	pending *stored // taken in by world, but not stored yet

	invites map[moot.EntryID]trust.Invite
	byKey   map[moot.Key]moot.EntryID // invitations
	joins   []join                    // in the order in which they came
	first   map[moot.Key]int          // index in joins of a device's first join
	byJoin  map[moot.EntryID]int      // index in joins
}

// stored is an act with the branch that it begins.
type stored struct {
	act    trust.Act
	begins *moot.Position
	plain  bool // no act: only the branch
}

// join is the first act of a device.
type join struct {
	id     moot.EntryID
	device moot.Key
	time   moot.Time
	body   trust.Join
	late   bool // its invitation had expired when it came, by this node's clock
}

func newActs(space moot.SpaceID, old *legacy) *acts {
	a := &acts{space: space, invites: map[moot.EntryID]trust.Invite{}, byKey: map[moot.Key]moot.EntryID{}, first: map[moot.Key]int{}, byJoin: map[moot.EntryID]int{}}
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

// try has the rules take an act in. One that was taken in before, but never stored, is
// taken out again.
func (a *acts) try(act trust.Act, begins *moot.Position) error {
	if p := a.pending; p != nil && p.act.ID == act.ID {
		return nil
	} else if p != nil {
		a.rebuild()
	}
	if begins != nil {
		a.world.Fork(act.Device, act.At.Branch, trust.Position(*begins))
	}
	if err := a.world.Add(act); err != nil {
		return err
	}
	a.pending = &stored{act: act, begins: begins}
	return nil
}

// rebuild makes the world anew from what is stored.
func (a *acts) rebuild() {
	a.pending = nil
	a.world = trust.New(a.space, a.config)
	for _, s := range a.stored {
		if s.begins != nil {
			a.world.Fork(s.act.Device, s.act.At.Branch, trust.Position(*s.begins))
		}
		if !s.plain {
			_ = a.world.Add(s.act) // as it did before
		}
	}
}

// fork takes note of a branch that begins with an entry which is no act.
func (a *acts) fork(device moot.Key, branch int, parent moot.Position) {
	act := trust.Act{Device: device, At: trust.Position{Branch: branch}}
	a.stored = append(a.stored, stored{act: act, begins: &parent, plain: true})
	a.world.Fork(device, branch, trust.Position(parent))
}

// commit takes note of an act that was stored, and returns the devices of which entries
// may count differently.
func (a *acts) commit(act trust.Act, time moot.Time, now int64) (changed []moot.Key) {
	if a.pending != nil {
		a.stored = append(a.stored, *a.pending)
		a.pending = nil
	}
	switch b := act.Body.(type) {
	case trust.Space:
		a.name = b.Name
		a.join(join{id: act.ID, device: act.Device, time: time})
	case trust.Adopt:
		a.adopt(b)
	case trust.Invite:
		a.invites[act.ID] = b
		a.byKey[b.Key] = act.ID
		return nil
	case trust.Join:
		in := a.invites[b.Invite]
		a.join(join{id: act.ID, device: act.Device, time: time, body: b, late: in.Expires > 0 && now >= in.Expires})
		return []moot.Key{act.Device}
	case trust.Rename, trust.Withdraw, trust.Mailbox:
		return nil
	case trust.Witness:
		return a.witnessed(b)
	}
	return a.devices()
}

func (a *acts) join(j join) {
	if _, again := a.first[j.device]; !again {
		a.first[j.device] = len(a.joins)
	}
	a.byJoin[j.id] = len(a.joins)
	a.joins = append(a.joins, j)
}

func (a *acts) adopt(b trust.Adopt) {
	for _, m := range b.Members {
		a.join(join{id: moot.EntryID(m.Key), device: m.Key})
	}
	for _, in := range b.Invites {
		id := moot.EntryID(in.Key)
		a.invites[id] = trust.Invite{Key: in.Key, Role: in.Role, Uses: in.Uses, Expires: in.Expires}
		a.byKey[in.Key] = id
	}
}

// witnessed returns the devices that a witness act may concern: those it admits, and those
// of whose feeds it confirms something.
func (a *acts) witnessed(b trust.Witness) (changed []moot.Key) {
	for _, m := range b.Feeds {
		changed = append(changed, m.Device)
	}
	for _, l := range b.Admits {
		if i, ok := a.byJoin[l.Join]; ok {
			changed = append(changed, a.joins[i].device)
		}
	}
	return changed
}

func (a *acts) devices() (all []moot.Key) {
	for k := range a.first {
		all = append(all, k)
	}
	return all
}

// admitPlain checks an entry that is no act: it is taken in from whoever joined, up to a
// limit, and counts or not.
func (a *acts) admitPlain(e *moot.Entry, at moot.Position) error {
	if _, joined := a.first[e.Author]; !joined {
		return stranger(e.Author)
	}
	if limit := a.world.State().PlainLimit(e.Author, at.Branch); at.Seq > limit {
		return moot.Errorf(moot.Full, "more than this node takes before a server, admin or owner has confirmed what came before (up to entry %d)", limit)
	}
	return nil
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
	for _, id := range a.world.State().Heads() {
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
