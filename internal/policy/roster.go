package policy

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

// Member is a current or revoked member of the space.
type Member struct {
	Key     moot.Key  `json:"key"`
	Name    string    `json:"name"` // made unique among members
	Role    Role      `json:"role"`
	Joined  moot.Time `json:"joined"`
	Revoked bool      `json:"revoked,omitempty"`
	LastSeq uint64    `json:"last_seq,omitempty"` // of a revoked member: its last entry that counts
}

// Invite is an invitation and how often it was used.
type Invite struct {
	InviteBody
	Used int
}

// Roster is the membership of a space. It does not depend on the order in which entries
// are applied: it sorts them by time and replays them. It is safe for concurrent use.
type Roster struct {
	space moot.SpaceID
	now   func() time.Time
	clock *feed.Clock

	mu       sync.Mutex
	entries  []moot.Entry // membership entries, sorted by time, author, number
	proofs   map[moot.EntryID]bool
	state    *state // nil if entries were added since it was made
	onChange []func()
}

// NewRoster returns the roster of a space before any entry: its founder is its only
// member.
func NewRoster(space moot.SpaceID, now func() time.Time) *Roster {
	return &Roster{space: space, now: now, clock: feed.NewClock(now, 0), proofs: map[moot.EntryID]bool{}}
}

// OnChange has f called after entries were applied. f must not call the roster's
// Apply, nor take long.
func (r *Roster) OnChange(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.onChange = append(r.onChange, f)
}

// isMembership reports whether an entry is about membership.
func isMembership(e *moot.Entry) bool {
	return e.Kind == moot.KindInvite || e.Kind == moot.KindMember || e.Kind == moot.KindSpace && e.Key == SpaceKey
}

// Apply adds an entry that was stored; one about something else is ignored.
func (r *Roster) Apply(e moot.Entry) {
	if !isMembership(&e) {
		return
	}
	r.mu.Lock()
	at, known := slices.BinarySearchFunc(r.entries, &e, inOrder)
	if !known {
		r.entries = slices.Insert(r.entries, at, e)
		r.state = nil
	}
	calls := slices.Clone(r.onChange)
	r.mu.Unlock()
	for _, f := range calls {
		f()
	}
}

// inOrder sorts entries for the replay.
func inOrder(a moot.Entry, b *moot.Entry) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), slices.Compare(a.Author[:], b.Author[:]), cmp.Compare(a.Seq, b.Seq), slices.Compare(a.ID[:], b.ID[:]))
}

// current returns the replayed state. The caller holds r.mu.
func (r *Roster) current() *state {
	if r.state == nil {
		r.state = r.replay(r.entries)
	}
	return r.state
}

// Space returns the space's name; "" if it is not known yet.
func (r *Roster) Space() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current().name
}

// Role returns the role of a member in force.
func (r *Roster) Role(k moot.Key) (Role, bool) {
	m, ok := r.Member(k)
	return m.Role, ok && !m.Revoked
}

// known returns a caller's role. Kinds: Stranger, Revoked.
func (r *Roster) known(k moot.Key) (Role, error) {
	m, ok := r.Member(k)
	switch {
	case !ok:
		return "", moot.Errorf(moot.Stranger, "%s is not a member of this space", k.Short())
	case m.Revoked:
		return "", moot.Errorf(moot.Revoked, "the membership of %s was revoked", k.Short())
	}
	return m.Role, nil
}

// Member returns a member, also a revoked one.
func (r *Roster) Member(k moot.Key) (Member, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.current().people[k]; p != nil {
		return p.Member, true
	}
	return Member{}, false
}

// Members returns all members in the order in which they joined, also revoked ones.
func (r *Roster) Members() []Member {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []Member
	for _, p := range r.current().people {
		list = append(list, p.Member)
	}
	slices.SortFunc(list, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Joined, b.Joined), slices.Compare(a.Key[:], b.Key[:]))
	})
	return list
}

// Limit returns the number of the last entry of an author that counts; false if
// all do, as the author is a member in force.
func (r *Roster) Limit(k moot.Key) (seq uint64, limited bool) {
	m, ok := r.Member(k)
	if ok && !m.Revoked {
		return 0, false
	}
	return m.LastSeq, true
}

// Lookup finds a member by name, key, or the beginning of a key (8 characters or
// more). Kinds: NotFound, Invalid if several match.
func (r *Roster) Lookup(name string) (Member, error) {
	var found []Member
	for _, m := range r.Members() {
		if m.Name == name || m.Key.String() == name || len(name) >= 8 && strings.HasPrefix(m.Key.String(), name) {
			found = append(found, m)
		}
	}
	switch len(found) {
	case 0:
		return Member{}, moot.WithHint(moot.Errorf(moot.NotFound, "no member of this space is called %q", name), moot.HintListMembers)
	case 1:
		return found[0], nil
	}
	return Member{}, moot.WithHint(moot.Errorf(moot.Invalid, "%q may be one of %d members: give more of the key", name, len(found)), moot.HintListMembers)
}

// Invite returns an invitation. Kinds: Stranger if there is none with the key,
// Revoked, Expired, UsedUp; except for the first, the invitation is returned, too.
func (r *Roster) Invite(k moot.Key) (Invite, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.current().invites[k]
	if in == nil {
		return Invite{}, moot.Errorf(moot.Stranger, "there is no such invitation")
	}
	return in.Invite, in.usable(moot.TimeAt(r.now()))
}
