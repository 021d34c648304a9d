package trust

import "github.com/mootspace/moot"

// Space is the founder's first entry. Its ID is the space's and, as a member ID, the founder's.
type Space struct {
	Name  string `cbor:"0,keyasint"`
	Label string `cbor:"1,keyasint,omitempty"` // the name of the founder's device
}

// Invite lets the holder of a key join, as a new member (Role) or with one more device of a
// member (For).
type Invite struct {
	Key      moot.Key        `cbor:"0,keyasint"`           // the invitation's public key
	Role     Role            `cbor:"1,keyasint,omitempty"` // empty with For
	Uses     int             `cbor:"2,keyasint"`           // at least 1
	Expires  int64           `cbor:"3,keyasint,omitempty"` // Unix seconds; 0: never. Only witnesses look at it (R13)
	By       []moot.MemberID `cbor:"4,keyasint,omitempty"` // who may admit; empty: all who have the right
	For      moot.MemberID   `cbor:"5,keyasint,omitzero"`  // the member whose device joins
	Recovery bool            `cbor:"6,keyasint,omitempty"` // the device is the recovery code's (R18)
	Sealed   []byte          `cbor:"7,keyasint,omitempty"` // with For: the private halves of the mailbox keys, sealed to Key (R22)
}

// Withdraw ends an invitation for admissions that know of it.
type Withdraw struct {
	Invite moot.EntryID `cbor:"0,keyasint"`
}

// Join is the first entry of a device: by an invitation with its proof, or as the heir that
// a retire names.
type Join struct {
	Invite moot.EntryID `cbor:"0,keyasint,omitzero"`
	Proof  []byte       `cbor:"1,keyasint,omitempty"` // by the invitation's key, see JoinMessage
	Name   string       `cbor:"2,keyasint,omitempty"` // claimed by a new member
	Label  string       `cbor:"3,keyasint,omitempty"` // the device's name, such as "laptop"; not checked
	Retire moot.EntryID `cbor:"4,keyasint,omitzero"`
}

// Mark gives an entry of a device's feed: all up to it is meant.
type Mark struct {
	Device moot.Key     `cbor:"0,keyasint"`
	Seq    uint64       `cbor:"1,keyasint"` // tells a reader how much it lacks; decides nothing
	ID     moot.EntryID `cbor:"2,keyasint"`
}

// Admission is a line of a witness act that admits a join.
type Admission struct {
	Join  moot.EntryID `cbor:"0,keyasint"`
	Aloud bool         `cbor:"1,keyasint,omitempty"` // whatever became of the invitation (R12)
}

// Witness says what its author has seen. Its lines stand and fall separately.
type Witness struct {
	Admits   []Admission    `cbor:"0,keyasint,omitempty"`
	Confirms []moot.EntryID `cbor:"1,keyasint,omitempty"` // renames
	Feeds    []Mark         `cbor:"2,keyasint,omitempty"` // ends of feeds
	State    []byte         `cbor:"3,keyasint,omitempty"` // hash of the state before it (R24)
	Snapshot moot.BlobID    `cbor:"4,keyasint,omitzero"`
}

// RoleBody gives a member a role, or, with the empty one, removes it.
type RoleBody struct {
	Member moot.MemberID `cbor:"0,keyasint"`
	Role   Role          `cbor:"1,keyasint,omitempty"`
	Pins   []Mark        `cbor:"2,keyasint,omitempty"` // what the member said before it (R16)
	Strict bool          `cbor:"3,keyasint,omitempty"` // also what witnesses confirmed and the pins leave out is hidden
}

// Device puts a device out for good.
type Device struct {
	Device moot.EntryID `cbor:"0,keyasint"` // its first entry, or, from version 0.1.0, its key
	Pins   []Mark       `cbor:"1,keyasint,omitempty"`
}

// Retire is a device's last act. Its heir goes on in its place.
type Retire struct {
	Heir moot.Key `cbor:"0,keyasint"`
}

// Rename claims a name for its author.
type Rename struct {
	Name string `cbor:"0,keyasint"`
}

// Annul makes an act as if it had never been.
type Annul struct {
	Act  moot.EntryID `cbor:"0,keyasint"`
	Line int          `cbor:"1,keyasint,omitempty"` // of a witness act: 1 is the first of Confirms
}

// Mailbox starts a generation of a member's mailbox key.
type Mailbox struct {
	Generation uint64     `cbor:"0,keyasint"` // 1, 2, 3 …
	Public     string     `cbor:"1,keyasint"` // age recipient
	Devices    []moot.Key `cbor:"2,keyasint"` // sorted; who can open Sealed
	Sealed     []byte     `cbor:"3,keyasint"` // the private half and those of earlier generations
}

// Adopt brings a space of version 0.1.0 under these rules (R25).
type Adopt struct {
	Members []AdoptedMember     `cbor:"0,keyasint"` // the founder first
	Invites []AdoptedInvitation `cbor:"1,keyasint,omitempty"`
	Feeds   []Mark              `cbor:"2,keyasint,omitempty"` // ends of the feeds of version-1 entries
}

// AdoptedMember is a member by the rules of version 0.1.0. Its ID is its key's bytes, and its
// one device has that key.
type AdoptedMember struct {
	_    struct{} `cbor:",toarray"`
	Key  moot.Key
	Role Role // the founder's is Founder; empty: removed
	Name string
}

// AdoptedInvitation is an open invitation; joins name it by its key's bytes.
type AdoptedInvitation struct {
	Key     moot.Key `cbor:"0,keyasint"`
	Role    Role     `cbor:"1,keyasint"`
	Uses    int      `cbor:"2,keyasint"` // left; at least 1
	Expires int64    `cbor:"3,keyasint,omitempty"`
}

// JoinMessage is what an invitation's key signs for a joining device.
func JoinMessage(space moot.SpaceID, device moot.Key) []byte {
	return append(append([]byte("moot join v2\x00"), space[:]...), device[:]...)
}
