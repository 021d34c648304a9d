package seal

import (
	"crypto/ecdh"
	"encoding/base32"
	"strings"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"github.com/mootspace/moot"
)

// MailboxKey is the public half of one generation of a member's mailbox key: an X25519
// public key (RFC 7748), the recipient of an age file. It is not checked; see Check.
type MailboxKey [32]byte

// Bech32 (BIP 173) is a prefix, base32 of its own alphabet, and six characters of checksum.
var bech32 = base32.NewEncoding("qpzry9x8gf2tvdw0s3jn54khce6mua7l").WithPadding(base32.NoPadding)

const (
	mailboxPrefix  = "age1"
	bech32Checksum = 6 // characters
)

// ParseMailboxKey reads the form that String writes. Kind Invalid, also for a key that
// nothing can be sealed to.
func ParseMailboxKey(s string) (MailboxKey, error) {
	r, err := age.ParseX25519Recipient(s)
	if err != nil {
		return MailboxKey{}, moot.Errorf(moot.Invalid, "%.80q is not a mailbox key: want age1 and 58 characters", s)
	}
	k := mailboxKey(r)
	return k, k.Check()
}

// mailboxKey undoes Bech32 without a check: age has no other way to its bytes.
func mailboxKey(r *age.X25519Recipient) (k MailboxKey) {
	s := strings.TrimPrefix(r.String(), mailboxPrefix)
	b, err := bech32.DecodeString(s[:len(s)-bech32Checksum])
	if err != nil || len(b) != len(k) {
		panic("seal: a recipient of age is not 32 bytes in Bech32")
	}
	return MailboxKey(b)
}

// Check reports, with kind Invalid, a key that nothing can be sealed to: a point of small
// order (RFC 7748, 6.1), such as zero.
func (k MailboxKey) Check() error {
	public, err := ecdh.X25519().NewPublicKey(k[:])
	if err == nil {
		var one *ecdh.PrivateKey // any will do
		if one, err = ecdh.X25519().NewPrivateKey(make([]byte, len(k))); err == nil {
			_, err = one.ECDH(public)
		}
	}
	if err != nil {
		return moot.Errorf(moot.Invalid, "not a mailbox key: %w", err)
	}
	return nil
}

// IsZero reports whether the key is none.
func (k MailboxKey) IsZero() bool { return k == MailboxKey{} }

// String returns the key as age's programs take it: age1 and 58 characters.
func (k MailboxKey) String() string {
	public, err := ecdh.X25519().NewPublicKey(k[:])
	if err != nil {
		panic(err) // any 32 bytes are a public key
	}
	s, err := plugin.EncodeX25519Recipient(public)
	if err != nil {
		panic(err) // the curve is right
	}
	return s
}

// MarshalText and UnmarshalText use the form of String.
func (k MailboxKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

func (k *MailboxKey) UnmarshalText(text []byte) error {
	parsed, err := ParseMailboxKey(string(text))
	if err == nil {
		*k = parsed
	}
	return err
}

// Mailbox is the private half of one generation of a member's mailbox key: an X25519
// identity of age. The zero Mailbox opens nothing.
type Mailbox struct {
	identity *age.X25519Identity
	key      MailboxKey
}

// NewMailbox makes a mailbox key.
func NewMailbox() Mailbox {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return Mailbox{identity, mailboxKey(identity.Recipient())}
}

// ParseMailbox reads the form that Secret writes. Kind Invalid; the error does not have
// the text.
func ParseMailbox(secret string) (Mailbox, error) {
	identity, err := age.ParseX25519Identity(secret)
	if err != nil {
		return Mailbox{}, moot.Errorf(moot.Invalid, "not the private half of a mailbox key: want AGE-SECRET-KEY-1 and 58 characters")
	}
	return Mailbox{identity, mailboxKey(identity.Recipient())}, nil
}

// Public returns the public half.
func (m Mailbox) Public() MailboxKey { return m.key }

// Secret returns the private half as age's programs take it.
func (m Mailbox) Secret() string {
	if m.identity == nil {
		return ""
	}
	return m.identity.String()
}

// String returns the public half, so that no log gets the private one.
func (m Mailbox) String() string { return m.key.String() }

func (m Mailbox) opener() (opener, error) {
	if m.identity == nil {
		return opener{}, moot.Errorf(moot.Internal, "open what is sealed: the mailbox has no key")
	}
	return opener{m.identity, func(s *age.Stanza) bool { return s.Type == "X25519" }}, nil
}
