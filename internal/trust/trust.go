// Package trust holds the rules of membership and authority (docs/trust.md): who belongs to
// a space, which devices act for whom, and what counts of what they say. The rules are
// numbered R1 to R25 there and here.
//
// It is pure: the state is a function of the set of acts held, whatever the order in which
// they came. It must not know a clock, how entries are stored or fetched, or who is connected.
package trust

import "github.com/mootspace/moot"

// Kinds of acts: the key of an entry of kind "act".
const (
	KindSpace    = "space"
	KindInvite   = "invite"
	KindWithdraw = "withdraw"
	KindJoin     = "join"
	KindWitness  = "witness"
	KindRole     = "role"
	KindDevice   = "device"
	KindRetire   = "retire"
	KindRename   = "rename"
	KindAnnul    = "annul"
	KindMailbox  = "mailbox"
	KindAdopt    = "adopt"
)

// Role is what a member may do in the space; the empty Role is a removed member's.
type Role string

// Roles, lowest rank first.
const (
	Guest   Role = "guest"   // reads, and says what it has read
	Member  Role = "member"  // reads and writes
	Server  Role = "server"  // as a member, and is a witness
	Admin   Role = "admin"   // manages those below
	Owner   Role = "owner"   // manages those below, and annuls
	Founder Role = "founder" // above all; never given
)

// Rank orders roles; 0 for a removed member. A server's lies between a member's and an
// admin's, so ranks are twice the numbers of R3.
func (r Role) Rank() int {
	switch r {
	case Guest:
		return 2
	case Member:
		return 4
	case Server:
		return 5
	case Admin:
		return 6
	case Owner:
		return 8
	case Founder:
		return 10
	}
	return 0
}

// Ranks that rules ask for.
const (
	rankAny     = 2 // every member
	rankWitness = 5
	rankAdmin   = 6
	rankOwner   = 8
)

// Position is where an entry stands in its device's feed. Branch 0 is the one seen first,
// a second entry after one begins another. Numbers of branches are local: they influence
// no result.
type Position struct {
	Branch int
	Seq    uint64 // 1, 2, 3 …
}

// Named is an entry that an act gives in pins or feeds, as its caller has found it.
type Named struct {
	Device moot.Key
	At     Position
}

// Act is an entry about membership, verified by its caller: signature, hash, form of the
// header and, of a join by an invitation, the proof, by the key that the invitation names
// (JoinMessage). A caller also refuses what follows a refused entry in its feed.
type Act struct {
	ID     moot.EntryID
	Device moot.Key
	At     Position
	Cites  []moot.EntryID
	Kind   string
	Body   any                    // as Decode returns it; nil if the kind is unknown
	Named  map[moot.EntryID]Named // what the body gives in pins and feeds
}
