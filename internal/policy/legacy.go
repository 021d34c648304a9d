package policy

import (
	"cmp"
	"slices"

	"github.com/mootspace/moot"
)

// legacy is the membership of a space as version 0.1.0 judged it: its entries, sorted by
// the times that their authors gave, and replayed. It is read until the space is adopted.
type legacy struct {
	space   moot.SpaceID
	entries []moot.Entry
	proofs  map[moot.EntryID]bool
	state   *legacyState // nil if entries were added since it was made
}

// legacyMember is a member of a space that is not adopted yet.
type legacyMember struct {
	Key     moot.Key
	Name    string
	Role    Role
	Joined  moot.Time
	Revoked bool
	LastSeq uint64
}

func newLegacy(space moot.SpaceID) *legacy {
	return &legacy{space: space, proofs: map[moot.EntryID]bool{}}
}

// isLegacy reports whether an entry is about membership, as version 0.1.0 wrote it.
func isLegacy(e *moot.Entry) bool {
	return e.Kind == moot.KindInvite || e.Kind == moot.KindMember || e.Kind == moot.KindSpace && e.Key == SpaceKey
}

// apply adds an entry that was stored.
func (r *legacy) add(e moot.Entry) {
	if at, known := slices.BinarySearchFunc(r.entries, &e, inOrder); !known {
		r.entries = slices.Insert(r.entries, at, e)
		r.state = nil
	}
}

// inOrder sorts entries for the replay.
func inOrder(a moot.Entry, b *moot.Entry) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), slices.Compare(a.Author[:], b.Author[:]), cmp.Compare(a.Seq, b.Seq), slices.Compare(a.ID[:], b.ID[:]))
}

func (r *legacy) current() *legacyState {
	if r.state == nil {
		r.state = r.replay(r.entries)
	}
	return r.state
}

// admit reports why a membership entry has no effect.
func (r *legacy) admit(e moot.Entry) error {
	at, known := slices.BinarySearchFunc(r.entries, &e, inOrder)
	if known {
		return nil
	}
	return r.replay(slices.Insert(slices.Clone(r.entries), at, e)).refused[e.ID]
}

// members returns all members in the order in which they joined.
func (r *legacy) members() (list []legacyMember) {
	for _, p := range r.current().people {
		list = append(list, p.legacyMember)
	}
	slices.SortFunc(list, func(a, b legacyMember) int {
		return cmp.Or(cmp.Compare(a.Joined, b.Joined), slices.Compare(a.Key[:], b.Key[:]))
	})
	return list
}
