package policy

import (
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/trust"
)

// Held finds an entry that is stored.
type Held = func(moot.EntryID) (author moot.Key, at moot.Position, ok bool)

// Admit checks, before an entry is stored, whether it may be. Acts are checked by what
// their author knew; other entries of devices that joined are taken in, and count
// or not ([Roster.Counts]). begins is where a new branch of a feed begins, else nil. Kinds:
// Gap if it names entries that are not held, Stranger, Revoked, Denied, Invalid, Corrupt,
// Full.
func (r *Roster) Admit(e *moot.Entry, at moot.Position, begins *moot.Position, held Held) error {
	if err := r.admit(e, at, begins, held); err != nil {
		return moot.Wrap(what(e)+" of "+e.Author.Short(), err)
	}
	return nil
}

// what names an entry for people.
func what(e *moot.Entry) string {
	if e.Kind == moot.KindAct {
		return e.Key
	}
	return string(e.Kind) + " entry"
}

func (r *Roster) admit(e *moot.Entry, at moot.Position, begins *moot.Position, held Held) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case e.Kind == moot.KindAct && (e.Key == trust.KindSpace || e.Key == trust.KindAdopt) && r.acts == nil:
		_, err := r.begin(e, at, held)
		return err
	case e.Space != r.space:
		return moot.Errorf(moot.Invalid, "it belongs to another space")
	case e.Kind == moot.KindAct && r.acts == nil:
		return moot.Errorf(moot.Gap, "the act that begins the space is missing")
	case e.Kind == moot.KindAct:
		return r.admitAct(e, at, begins, held)
	}
	if err := r.clock.Check(e.Time); err != nil {
		return err
	}
	if r.acts == nil {
		return r.legacy.admitAny(e)
	}
	err := r.acts.admitPlain(e, at, begins)
	if r.own[e.Author] && moot.KindOf(err) == moot.Full {
		return nil
	}
	return err
}

// begin returns the acts of a space that one founds or adopts. Nothing is kept.
func (r *Roster) begin(e *moot.Entry, at moot.Position, held Held) (*acts, error) {
	var old *legacy
	switch space := moot.SpaceID(e.ID); {
	case e.Key == trust.KindSpace && e.Space.IsZero() && (r.space == space || r.space.IsZero()):
	case e.Key == trust.KindAdopt && e.Space == r.space:
		if p := r.legacy.current().people[e.Author]; p == nil || p.Revoked || p.Role != RoleOwner {
			return nil, moot.Errorf(moot.Denied, "only an owner adopts a space")
		}
		old = r.legacy
	default:
		return nil, moot.Errorf(moot.Invalid, "it begins another space")
	}
	acts := newActs(spaceOf(e), old)
	act, err := acts.decode(e, at, held)
	if err == nil {
		err = acts.try(act, nil)
	}
	return acts, err
}

// admitAct checks an act. It is taken in at once, so that this is done only once; one that
// could not be stored after that is forgotten with the next.
func (r *Roster) admitAct(e *moot.Entry, at moot.Position, begins *moot.Position, held Held) error {
	act, err := r.acts.decode(e, at, held)
	if err != nil {
		return err
	}
	if j, ok := act.Body.(trust.Join); ok && j.Retire == (moot.EntryID{}) {
		if err := r.acts.crowded(j.Invite, r.acts.invites[j.Invite].Uses, r.now()); err != nil {
			return err
		}
	}
	return r.acts.try(act, begins)
}

// Apply takes in an entry that was stored, and returns the authors of whom entries may
// count differently now.
func (r *Roster) Apply(e *moot.Entry, at moot.Position, begins *moot.Position, held Held) (changed []moot.Key) {
	r.mu.Lock()
	changed, about := r.apply(e, at, begins, held)
	calls := slices.Clone(r.onChange)
	if about {
		r.view = nil
	}
	r.mu.Unlock()
	if about {
		for _, f := range calls {
			f()
		}
	}
	return changed
}

// apply reports also whether the entry is about membership.
func (r *Roster) apply(e *moot.Entry, at moot.Position, begins *moot.Position, held Held) (changed []moot.Key, about bool) {
	switch {
	case e.Kind == moot.KindAct && r.acts == nil:
		acts, err := r.begin(e, at, held)
		if err != nil {
			return nil, false
		}
		r.space, r.acts, r.legacy = acts.space, acts, nil
		return acts.commit(acts.pending.stored, e.Time, r.now().Unix()), true
	case isLegacy(e) && r.legacy != nil:
		r.legacy.add(*e)
		if r.legacy.current().people[e.Author] != nil {
			changed = append(changed, r.legacy.keys()...)
		}
		return changed, true
	case r.acts == nil:
		return nil, false
	case e.Kind == moot.KindAct:
		return r.applyAct(e, at, begins, held), true
	case begins != nil:
		return r.acts.fork(e.Author, at.Branch, *begins), true
	}
	return nil, false
}

func (r *Roster) applyAct(e *moot.Entry, at moot.Position, begins *moot.Position, held Held) []moot.Key {
	if p := r.acts.pending; p != nil && p.act.ID == e.ID {
		return r.acts.commit(p.stored, e.Time, r.now().Unix())
	} else if p != nil {
		r.acts.rebuild()
	}
	act, err := r.acts.decode(e, at, held)
	s := stored{act: act, begins: begins}
	if err == nil {
		err = r.acts.take(s)
	}

	if err != nil { // it was admitted before it was stored
		return nil
	}
	return r.acts.commit(s, e.Time, r.now().Unix())
}

func spaceOf(e *moot.Entry) moot.SpaceID {
	if e.Space.IsZero() {
		return moot.SpaceID(e.ID)
	}
	return e.Space
}
