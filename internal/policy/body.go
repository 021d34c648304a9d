package policy

import (
	"crypto/ed25519"
	"unicode"
	"unicode/utf8"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/trust"
)

// Keys of membership entries.
const (
	SpaceKey     = "space"
	ServerPrefix = "server/" // a server's announcement of its addresses; followed by its key
	invitePrefix = "invite/"
	memberPrefix = "member/"
)

// InviteKey is the key of the entry about the invitation with the key k.
func InviteKey(k moot.Key) string { return invitePrefix + k.String() }

// MemberKey is the key of the entries about the member k.
func MemberKey(k moot.Key) string { return memberPrefix + k.String() }

// SpaceBody is the first entry of a space, by its founder.
type SpaceBody struct {
	Name    string `cbor:"0,keyasint"`
	Created int64  `cbor:"1,keyasint"` // Unix seconds
}

// InviteBody admits the holder of a key.
type InviteBody struct {
	Key     moot.Key `cbor:"0,keyasint"`
	Role    Role     `cbor:"1,keyasint"`
	Uses    int      `cbor:"2,keyasint"` // 0 means any number
	Expires int64    `cbor:"3,keyasint"` // Unix seconds
}

// MemberBody is the state of a membership. Invite and Proof are set when a newcomer
// joins, LastSeq when a member is revoked: its entries beyond that number are void.
type MemberBody struct {
	Name    string   `cbor:"0,keyasint"`
	Role    Role     `cbor:"1,keyasint"`
	Invite  moot.Key `cbor:"2,keyasint,omitempty"`
	Proof   []byte   `cbor:"3,keyasint,omitempty"`
	Revoked bool     `cbor:"4,keyasint,omitempty"`
	LastSeq uint64   `cbor:"5,keyasint,omitempty"`
}

// joinDomain separates proofs of invitation from other signatures of the key.
const joinDomain = "moot join v1\x00"

// JoinProof is the invitation's signature over the space and the joining key, as version
// 0.1.0 made it. Only tests do so any more.
func JoinProof(invite ed25519.PrivateKey, space moot.SpaceID, joiner moot.Key) []byte {
	return ed25519.Sign(invite, joinMessage(space, joiner))
}

func joinMessage(space moot.SpaceID, joiner moot.Key) []byte {
	return append(append([]byte(joinDomain), space[:]...), joiner[:]...)
}

// CheckName reports, with kind Invalid, why a name of a member, a device or a space is not
// allowed.
func CheckName(name string) error { return trust.CheckName(name) }

// checkLegacyName is the check of version 0.1.0, which asked for no letter or digit.
func checkLegacyName(name string) error {
	bad := !utf8.ValidString(name) || len(name) > trust.MaxName || len(name) == 0
	for _, r := range name {
		bad = bad || !unicode.IsGraphic(r) || unicode.Is(unicode.Bidi_Control, r)
	}
	if bad {
		return moot.Errorf(moot.Invalid, "%.40q is not a name (want 1 to %d bytes of printable text)", name, trust.MaxName)
	}
	return nil
}

// EncodeBody returns the body of a membership entry of version 0.1.0: deterministic CBOR.
// Only tests write such entries any more.
func EncodeBody(body any) ([]byte, error) {
	b, err := cbor.Marshal(body)
	return b, moot.Wrap("encode a membership entry", err)
}

// DecodeMember reads the body of a member's entry. Kind Invalid.
func DecodeMember(b []byte) (MemberBody, error) { return decode[MemberBody](b) }

var decoder = cbor.NewDecoder(cbor.Limits{})

func decode[T any](b []byte) (body T, err error) {
	if err := decoder.Unmarshal(b, &body); err != nil {
		return body, moot.Errorf(moot.Invalid, "a damaged membership entry: %w", err)
	}
	return body, nil
}
