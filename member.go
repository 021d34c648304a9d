package moot

import "strings"

// MemberID names a member of a space for ever, whatever devices act for it: the ID of
// the entry with which it joined, or, if it joined under version 0.1.0, its key. The zero
// MemberID names nobody.
type MemberID [32]byte

// SpaceID names a space: the ID of its founder's first entry, or, if it began under
// version 0.1.0, its founder's key. The zero SpaceID names none.
type SpaceID [32]byte

// String returns the ID as 52 characters of lower-case base32, like a Key.
func (id MemberID) String() string { return keyText.EncodeToString(id[:]) }

// Short returns the first characters of the ID, for people.
func (id MemberID) Short() string { return id.String()[:8] }

// IsZero reports whether the ID names nobody.
func (id MemberID) IsZero() bool { return id == MemberID{} }

// MarshalText and UnmarshalText use the form of String.
func (id MemberID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

func (id *MemberID) UnmarshalText(text []byte) error {
	parsed, err := ParseMemberID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// ParseMemberID reads the form that String writes. The error is of kind Invalid.
func ParseMemberID(s string) (MemberID, error) {
	b, err := parseBase32(s, "member ID")
	return MemberID(b), err
}

// String returns the ID as 52 characters of lower-case base32, like a Key.
func (id SpaceID) String() string { return keyText.EncodeToString(id[:]) }

// Short returns the first characters of the ID, for people.
func (id SpaceID) Short() string { return id.String()[:8] }

// IsZero reports whether the ID names no space.
func (id SpaceID) IsZero() bool { return id == SpaceID{} }

// MarshalText and UnmarshalText use the form of String.
func (id SpaceID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

func (id *SpaceID) UnmarshalText(text []byte) error {
	parsed, err := ParseSpaceID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// ParseSpaceID reads the form that String writes. The error is of kind Invalid.
func ParseSpaceID(s string) (SpaceID, error) {
	b, err := parseBase32(s, "space ID")
	return SpaceID(b), err
}

func parseBase32(s, what string) (id [32]byte, err error) {
	b, err := keyText.DecodeString(strings.ToLower(s))
	if err != nil || len(b) != len(id) {
		return id, Errorf(Invalid, "%.60q is not a %s: want 52 characters of base32", s, what)
	}
	return [32]byte(b), nil
}
