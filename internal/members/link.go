package members

import (
	"encoding/base64"
	"strings"
	"time"

	"rsc.io/qr"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/policy"
)

// Link is an invitation as a text: everything a newcomer needs to join, with no
// certificate authority and no inviter online. Its holder can join, so it is a secret
// until it is used up.
type Link struct {
	Version int           `cbor:"0,keyasint"`            // 2
	Space   moot.SpaceID  `cbor:"1,keyasint"`            // what is joined
	Name    string        `cbor:"2,keyasint"`            // the space's name, for people
	Seed    [32]byte      `cbor:"3,keyasint"`            // of the Ed25519 key that may join
	Role    policy.Role   `cbor:"4,keyasint"`            // of a new member; empty with For
	Expires int64         `cbor:"5,keyasint"`            // Unix seconds
	Time    moot.Time     `cbor:"6,keyasint"`            // of the invitation; the joining entry must be later
	Servers []moot.Peer   `cbor:"7,keyasint,omitempty"`  // https addresses; the keys pin their certificates
	Peers   []moot.Peer   `cbor:"8,keyasint,omitempty"`  // multiaddrs of some peers
	Invite  moot.EntryID  `cbor:"9,keyasint"`            // the act that invites
	For     moot.MemberID `cbor:"10,keyasint,omitzero"`  // the member whose device joins
	As      string        `cbor:"11,keyasint,omitempty"` // that member's name
}

const linkVersion = 2

const linkPrefix = "moot://"

// maxLink bounds what is read: a link names a few peers with a few addresses each.
const maxLink = 8 << 10

var linkDecoder = cbor.NewDecoder(cbor.Limits{Levels: 6, Elements: 64, Pairs: 64})

var linkEncoding = base64.RawURLEncoding.Strict()

// String returns the link as one word that survives mail and chat.
func (l Link) String() string {
	b, err := cbor.Marshal(l)
	if err != nil { // no field of Link can fail to encode
		panic(err)
	}
	return linkPrefix + linkEncoding.EncodeToString(b)
}

// ParseLink reads what String wrote. Errors are of kind Invalid or Expired.
func ParseLink(s string, now time.Time) (l Link, err error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(s), linkPrefix)
	if !ok {
		return l, moot.Errorf(moot.Invalid, "not an invitation: want a link that starts with %s", linkPrefix)
	}
	if len(text) > maxLink {
		return l, moot.Errorf(moot.TooLarge, "the invitation is longer than %d characters", maxLink)
	}
	b, err := linkEncoding.DecodeString(text)
	if err != nil {
		return l, moot.Errorf(moot.Invalid, "the invitation is damaged: was it copied whole?")
	}
	if err := linkDecoder.Unmarshal(b, &l); err != nil {
		return l, moot.Errorf(moot.Invalid, "the invitation is damaged: was it copied whole?")
	}
	switch {
	case l.Version == 1:
		return l, moot.Errorf(moot.Invalid, "the invitation was made by version 0.1.0 of moot: ask for a new one")
	case l.Version != linkVersion:
		return l, moot.Errorf(moot.Invalid, "the invitation was made by a newer version of moot: update this one")
	}
	if l.Invite == (moot.EntryID{}) {
		return l, moot.Errorf(moot.Invalid, "the invitation is damaged: was it copied whole?")
	}
	if now.Unix() >= l.Expires {
		return l, moot.Errorf(moot.Expired, "the invitation expired on %s: ask for a new one", time.Unix(l.Expires, 0).UTC().Format(time.DateTime))
	}
	return l, nil
}

// QR draws text as a QR code of half-block characters, dark on light, for a terminal.
func QR(text string) (string, error) {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return "", moot.Errorf(moot.TooLarge, "the link does not fit a QR code: %w", err)
	}
	var b strings.Builder
	const margin = 2
	glyphs := [2][2]string{{"█", "▀"}, {"▄", " "}} // [upper black][lower black]
	black := func(x, y int) int {
		if code.Black(x, y) {
			return 1
		}
		return 0
	}
	for y := -margin; y < code.Size+margin; y += 2 {
		for x := -margin; x < code.Size+margin; x++ {
			b.WriteString(glyphs[black(x, y)][black(x, y+1)])
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}
