package moot

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"
)

// Kind is what an entry speaks of.
type Kind string

const (
	KindAct     Kind = "act"     // about membership; its key says which kind of act
	KindServer  Kind = "server"  // a server's addresses
	KindDevice  Kind = "device"  // a device's label
	KindChange  Kind = "change"  // a change set: operations on files and folders
	KindRule    Kind = "rule"    // how files are held: copies and retention
	KindMessage Kind = "message" // a sealed message
	KindReceipt Kind = "receipt" // delivered, read
	KindOffer   Kind = "offer"   // computing power lent
	KindJob     Kind = "job"     // work wanted
	KindResult  Kind = "result"  // work done

	// Entries of version 0.1.0, which are read but no longer written.
	KindFile   Kind = "file"   // a name for bytes
	KindSpace  Kind = "space"  // the founder's first entry, or a server's addresses
	KindMember Kind = "member" // joining, renaming, a role, a revocation
	KindInvite Kind = "invite" // a key that may join
)

// Limits on what is accepted from anyone.
const (
	MaxBody     = 64 << 10 // bytes of an entry's body; anything larger is a blob
	MaxKey      = 1 << 10  // bytes of an entry's key
	MaxReplaces = 64       // versions one entry may supersede
	MaxCites    = 32       // acts that one act may cite
)

// Entry is a signed statement by one device: the unit of everything but bytes.
// The signature covers every field of the header, among them the hash of the
// body; so a superseded body may be dropped and the chain still verifies.
//
// An entry about membership is an act: its kind is [KindAct], it replaces nothing, and
// it cites the newest acts that its author knew, so that acts form a causal graph.
type Entry struct {
	// ID is the hash of the signed header. It is computed, never transmitted.
	ID EntryID

	Space    SpaceID   // the space it belongs to; zero in the act that founds it
	Author   Key       // the device that signed it
	Seq      uint64    // 1, 2, 3 … per author
	Prev     EntryID   // the author's entry before it; zero for the first
	Time     Time      // later than the time of Prev
	Kind     Kind      //
	Key      string    // what it is about, as a file's name; versions share a key
	Replaces []EntryID // versions of the same kind and key that this one supersedes
	Cites    []EntryID // of an act: the newest acts known, sorted
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

// Position is where an entry stands in its author's feed. A feed that was written on from
// two copies of one home forks into branches: 0 is the one seen first here, and the
// numbers of the others mean something on this node only.
type Position struct {
	Branch int
	Seq    uint64
}

// Head is an entry with no successor: the end of a feed, or of a branch of one.
type Head struct {
	Seq uint64  `json:"seq"`
	ID  EntryID `json:"id"`
}

// Vector says how much of every author's feed somebody holds. It is also a cursor: what
// was seen of a node's entries.
type Vector struct {
	Heads map[Key][]Head `json:"heads"` // several if the feed has forked
	// Shown counts, on one node, how often its merged view has changed but for what was
	// stored: entries began to count that had been held back, or no longer do. It is 0
	// for most nodes.
	Shown uint64 `json:"shown,omitempty"`
}

// Seq returns the number of an author's last entry; 0 if there is none.
func (v Vector) Seq(author Key) (seq uint64) {
	for _, h := range v.Heads[author] {
		seq = max(seq, h.Seq)
	}
	return seq
}

// Has reports whether an entry is among the heads.
func (v Vector) Has(author Key, h Head) bool { return slices.Contains(v.Heads[author], h) }

// Equal reports whether two vectors say the same.
func (v Vector) Equal(w Vector) bool {
	return v.Shown == w.Shown && maps.EqualFunc(v.Heads, w.Heads, func(a, b []Head) bool {
		return len(a) == len(b) && !slices.ContainsFunc(a, func(h Head) bool { return !slices.Contains(b, h) })
	})
}

// Add makes v say that an entry is held which follows what v covers of its feed. It
// takes no notice of forks.
func (v *Vector) Add(e *Entry) {
	if v.Heads == nil {
		v.Heads = map[Key][]Head{}
	}
	if e.Seq > v.Seq(e.Author) {
		v.Heads[e.Author] = []Head{{e.Seq, e.ID}}
	}
}

// Clone returns a copy of v that may be changed; its Heads are never nil.
func (v Vector) Clone() Vector {
	w := Vector{Heads: make(map[Key][]Head, len(v.Heads)), Shown: v.Shown}
	for author, heads := range v.Heads {
		w.Heads[author] = slices.Clone(heads)
	}
	return w
}
