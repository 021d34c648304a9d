package moot

import (
	"bytes"
	"cmp"
	"maps"
	"time"
)

// Kind is what an entry speaks of.
type Kind string

const (
	KindSpace   Kind = "space"   // the founder's first entry
	KindMember  Kind = "member"  // who belongs: joining, renaming, a role, a revocation
	KindInvite  Kind = "invite"  // a key that may join
	KindFile    Kind = "file"    // a name for bytes
	KindMessage Kind = "message" // a sealed message
	KindReceipt Kind = "receipt" // delivered, read
	KindOffer   Kind = "offer"   // computing power lent
	KindJob     Kind = "job"     // work wanted
	KindResult  Kind = "result"  // work done
)

// Limits on what is accepted from anyone.
const (
	MaxBody     = 64 << 10 // bytes of an entry's body; anything larger is a blob
	MaxKey      = 1 << 10  // bytes of an entry's key
	MaxReplaces = 64       // versions one entry may supersede
)

// Entry is a signed statement by one author: the unit of everything but bytes.
// The signature covers every field of the header, among them the hash of the
// body; so a superseded body may be dropped and the chain still verifies.
type Entry struct {
	// ID is the hash of the signed header. It is computed, never transmitted.
	ID EntryID

	Space    Key       // the space it belongs to
	Author   Key       // who signed it
	Seq      uint64    // 1, 2, 3 … per author
	Prev     EntryID   // the author's entry before it; zero for the first
	Time     Time      // later than the time of Prev
	Kind     Kind      //
	Key      string    // what it is about, as a file's name; versions share a key
	Replaces []EntryID // versions of the same kind and key that this one supersedes
	BodyHash [32]byte  // BLAKE3 of the body
	BodySize int       // bytes of the body; 0 means that the entry deletes its key

	Body []byte   // nil if empty, or if dropped after being superseded
	Sig  [64]byte // Ed25519 over the header
}

// Deletes reports whether the entry says that its key is no more.
func (e *Entry) Deletes() bool { return e.BodySize == 0 }

// Newer orders entries: the later time first, ties broken by author and then by
// ID, so that every replica shows the same version of a conflict as current.
func Newer(a, b *Entry) int {
	return cmp.Or(cmp.Compare(b.Time, a.Time), bytes.Compare(b.Author[:], a.Author[:]), bytes.Compare(b.ID[:], a.ID[:]))
}

// Time is a hybrid logical clock (Kulkarni et al., OPODIS 2014): milliseconds
// since 1970 in the upper 48 bits, a counter in the lower 16.
type Time uint64

// TimeAt returns the first Time of t's millisecond.
func TimeAt(t time.Time) Time { return Time(t.UnixMilli()) << 16 }

// Wall returns the wall-clock part, to the millisecond.
func (t Time) Wall() time.Time { return time.UnixMilli(int64(t >> 16)) }

// Vector says how much of every author's feed somebody holds: author → last seq.
type Vector map[Key]uint64

// Covers reports whether a holder of v has the entry with that author and seq.
func (v Vector) Covers(author Key, seq uint64) bool { return v[author] >= seq }

// Includes reports whether a holder of v has all that a holder of w has.
func (v Vector) Includes(w Vector) bool {
	for author, seq := range w {
		if v[author] < seq {
			return false
		}
	}
	return true
}

// Clone returns a copy of v that may be changed; never nil.
func (v Vector) Clone() Vector {
	w := make(Vector, len(v))
	maps.Copy(w, v)
	return w
}
