package policy

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/trust"
)

// Roster is the membership of a space. It does not depend on the order in which entries
// are applied, but for joins that wait for admission: of these the first are shown. It is
// safe for concurrent use.
type Roster struct {
	space moot.SpaceID
	now   func() time.Time
	clock *feed.Clock

	mu       sync.Mutex
	acts     *acts   // nil until the space is founded or adopted
	legacy   *legacy // nil if the space was not begun by version 0.1.0
	view     view    // nil if entries were added since it was made
	onChange []func()
	own      map[moot.Key]bool // devices kept here
}

// view is what the entries of a roster amount to.
type view interface {
	name() string
	member(moot.MemberID) (Member, bool) // also a removed or waiting one
	members() []Member
	// owner returns the member that a device acts for or did, and what keeps it from
	// acting now: kind Stranger or Revoked.
	owner(device moot.Key) (moot.MemberID, error)
	invitations() []Invitation
	lookup(name string) (moot.MemberID, bool)
	counts(author moot.Key, kind moot.Kind, at moot.Position) bool
	mailbox(moot.MemberID) (trust.Mailbox, bool)
}

// NewRoster returns the roster of a space before any entry. A space begun by version 0.1.0
// has its founder as its only member. The zero ID stands for a space that is about to be
// founded.
func NewRoster(space moot.SpaceID, now func() time.Time) *Roster {
	return &Roster{space: space, now: now, clock: feed.NewClock(now, 0), legacy: newLegacy(space), own: map[moot.Key]bool{}}
}

// Own has entries of a device that is kept here taken in without limit: the limits are for
// what others hand over.
func (r *Roster) Own(device moot.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own[device] = true
}

// OnChange has f called after entries about membership were applied. f must not call the
// roster's Apply, nor take long.
func (r *Roster) OnChange(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.onChange = append(r.onChange, f)
}

// current returns the view. The caller holds r.mu.
func (r *Roster) current() view {
	if r.view == nil {
		if r.acts != nil {
			r.view = r.acts.view()
		} else {
			r.view = legacyView{r.legacy.current(), r.legacy.members()}
		}
	}
	return r.view
}

// with calls f with the view.
func with[T any](r *Roster, f func(view) T) T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return f(r.current())
}

// ID returns the space's ID; zero if it is not founded yet.
func (r *Roster) ID() moot.SpaceID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.space
}

// Adopted reports whether membership is a causal graph: false for a space that version
// 0.1.0 began and nobody has adopted yet.
func (r *Roster) Adopted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.acts != nil
}

// Space returns the space's name; "" if it is not known yet.
func (r *Roster) Space() string { return with(r, view.name) }

// Member returns a member, also a removed or waiting one.
func (r *Roster) Member(id moot.MemberID) (Member, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current().member(id)
}

// Members returns all members in the order in which they joined, also removed and waiting
// ones.
func (r *Roster) Members() []Member { return with(r, view.members) }

// Role returns the role of a member in force, or one that waits.
func (r *Roster) Role(id moot.MemberID) (Role, bool) {
	m, ok := r.Member(id)
	return m.Role, ok && !m.Revoked
}

// Owner returns the member to whom a device belongs, also if it acts for it no more; so
// the author of an entry is shown.
func (r *Roster) Owner(device moot.Key) (moot.MemberID, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, _ := r.current().owner(device)
	return id, !id.IsZero()
}

// Acting returns the member for whom a device acts now. Kinds: Stranger, Revoked.
func (r *Roster) Acting(device moot.Key) (Member, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.current()
	id, err := v.owner(device)
	if err != nil {
		return Member{}, err
	}
	m, ok := v.member(id)
	switch {
	case !ok:
		return Member{}, stranger(device)
	case m.Revoked:
		return Member{}, revoked(m.Name)
	}
	return m, nil
}

// Acts reports whether a device acts for a member now, at less cost than Acting.
func (r *Roster) Acts(device moot.Key) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := r.current().owner(device)
	return err == nil
}

// Device returns a device that acts for a member.
func (r *Roster) Device(key moot.Key) (Device, bool) {
	m, err := r.Acting(key)
	if err != nil {
		return Device{}, false
	}
	i := slices.IndexFunc(m.Devices, func(d Device) bool { return d.Key == key })
	if i < 0 {
		return Device{}, false
	}
	return m.Devices[i], true
}

func stranger(device moot.Key) error {
	return moot.Errorf(moot.Stranger, "%s is not a member of this space", device.Short())
}

func revoked(name string) error {
	return moot.Errorf(moot.Revoked, "the membership of %s was revoked", name)
}

// Lookup finds a member by ID, by name, compared by its mail form, or by the beginning of
// an ID (8 characters or more). One who was removed is found by the name it had, if nobody
// has it now. Kinds: NotFound, Invalid if several match.
func (r *Roster) Lookup(name string) (Member, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.current()
	if id, err := moot.ParseMemberID(name); err == nil { // before names: one may look like an ID
		if m, ok := v.member(id); ok {
			return m, nil
		}
	}
	if id, ok := v.lookup(name); ok && !strings.Contains(name, mark) {
		m, _ := v.member(id)
		return m, nil
	}
	found := search(v.members(), name)
	switch len(found) {
	case 0:
		return Member{}, moot.WithHint(moot.Errorf(moot.NotFound, "no member of this space is called %q", name), moot.HintListMembers)
	case 1:
		return found[0], nil
	}
	return Member{}, moot.WithHint(moot.Errorf(moot.Invalid, "%q may be one of %d members: give more of the ID", name, len(found)), moot.HintListMembers)
}

// search returns the members shown under a name, or with an ID that begins so; else those
// who were removed.
func search(list []Member, name string) (found []Member) {
	var gone []Member
	for _, m := range list {
		switch {
		case len(name) >= 8 && strings.HasPrefix(m.ID.String(), strings.ToLower(name)), m.Name == name && !m.Revoked:
			found = append(found, m)
		case m.Name == name:
			gone = append(gone, m)
		}
	}
	if len(found) == 0 {
		return gone
	}
	return found
}

// Invitations returns the invitations to the space, the oldest first, also those that
// admit nobody any more.
func (r *Roster) Invitations() []Invitation { return with(r, view.invitations) }

// Invitation returns the invitation with a key. Kinds: Stranger if there is none; Revoked,
// Expired, UsedUp with the invitation.
func (r *Roster) Invitation(key moot.Key) (Invitation, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.acts != nil {
		return r.acts.invitation(key, r.now().Unix())
	}
	for _, in := range r.current().invitations() {
		if in.Key == key {
			return in, in.usable(r.now().Unix())
		}
	}
	return Invitation{}, moot.Errorf(moot.Stranger, "there is no such invitation")
}

// Heir returns the act in which a device named the key as its heir; false once it has
// joined.
func (r *Roster) Heir(key moot.Key) (retire moot.EntryID, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.acts == nil {
		return retire, false
	}
	retire, ok = r.acts.heirs[key]
	_, joined := r.acts.first[key]
	return retire, ok && !joined
}

// Retired reports whether a device has ended and named an heir, which goes on in its place
// for a member who was not removed.
func (r *Roster) Retired(device moot.Key) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.acts == nil || !r.acts.hasHeir(device) {
		return false
	}
	v := r.current()
	id, err := v.owner(device)
	m, ok := v.member(id)
	return err != nil && ok && !m.Revoked
}

// Mailbox returns the mailbox key to which messages for a member are sealed; false: they
// are sealed to its devices.
func (r *Roster) Mailbox(id moot.MemberID) (trust.Mailbox, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current().mailbox(id)
}

// Counts reports whether an entry that is no act is part of the merged view.
func (r *Roster) Counts(author moot.Key, kind moot.Kind, at moot.Position) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current().counts(author, kind, at)
}

// Probe reports why an act by a device would have no effect, if it were the next that is
// signed by somebody who knows all that is known here. Kinds: Denied, Stranger, Revoked,
// Full, Invalid.
func (r *Roster) Probe(device moot.Key, body any) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.acts == nil {
		return moot.WithHint(moot.Errorf(moot.Unavailable, "this space was begun by version 0.1.0, and its founder's node has not brought it over yet"), moot.HintAdopt)
	}
	return r.acts.probe(device, body)
}

func unixText(t int64) string { return time.Unix(t, 0).UTC().Format(time.DateTime) }
