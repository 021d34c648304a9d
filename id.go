package moot

import (
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"strings"
)

// Key is an Ed25519 public key (RFC 8032): of a device, which signs with it and whose
// libp2p peer ID is derived from it, or of an invitation. The zero Key names nobody.
type Key [32]byte

// BlobID is the BLAKE3 hash of a blob's bytes: what b3sum prints.
type BlobID [32]byte

// EntryID is the BLAKE3 hash of an entry's signed header.
type EntryID [32]byte

var keyText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// String returns the key as 52 characters of lower-case base32, so that it can
// never be mistaken for a 64-character blob ID.
func (k Key) String() string { return keyText.EncodeToString(k[:]) }

// Short returns the first characters of the key, for people.
func (k Key) Short() string { return k.String()[:8] }

// IsZero reports whether the key names nobody.
func (k Key) IsZero() bool { return k == Key{} }

// MarshalText and UnmarshalText use the form of String.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

func (k *Key) UnmarshalText(text []byte) error {
	parsed, err := ParseKey(string(text))
	if err == nil {
		*k = parsed
	}
	return err
}

// ParseKey reads the form that String writes. The error is of kind Invalid.
func ParseKey(s string) (k Key, err error) {
	b, err := keyText.DecodeString(strings.ToLower(s))
	if err != nil || len(b) != len(k) {
		return k, Errorf(Invalid, "%.60q is not an ID or key: want 52 characters of base32", s)
	}
	return Key(b), nil
}

// String returns the ID as 64 hexadecimal digits.
func (id BlobID) String() string { return hex.EncodeToString(id[:]) }

func (id BlobID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

func (id *BlobID) UnmarshalText(text []byte) error { return parseHex((*[32]byte)(id), string(text)) }

// ParseBlobID reads 64 hexadecimal digits. The error is of kind Invalid.
func ParseBlobID(s string) (id BlobID, err error) { return id, parseHex((*[32]byte)(&id), s) }

// String returns the ID as 64 hexadecimal digits.
func (id EntryID) String() string { return hex.EncodeToString(id[:]) }

func (id EntryID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

func (id *EntryID) UnmarshalText(text []byte) error { return parseHex((*[32]byte)(id), string(text)) }

// ParseEntryID reads 64 hexadecimal digits. The error is of kind Invalid.
func ParseEntryID(s string) (id EntryID, err error) { return id, parseHex((*[32]byte)(&id), s) }

func parseHex(dst *[32]byte, s string) error {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(dst) {
		return fmt.Errorf("%w", Errorf(Invalid, "%.80q is not an ID: want 64 hexadecimal digits", s))
	}
	copy(dst[:], b)
	return nil
}
