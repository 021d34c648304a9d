package seal

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"github.com/mootspace/moot"
)

// Recipient is the public half of what can open a seal: the key of a device or of a
// mailbox. It is comparable.
type Recipient struct {
	key     [32]byte
	mailbox bool
}

// ToDevice seals to a device's own key, or to that of an invitation.
func ToDevice(k moot.Key) Recipient { return Recipient{key: k} }

// ToDevices seals to the keys of several devices.
func ToDevices(keys ...moot.Key) []Recipient {
	list := make([]Recipient, len(keys))
	for i, k := range keys {
		list[i] = ToDevice(k)
	}
	return list
}

// ToMailbox seals to a generation of a member's mailbox key.
func ToMailbox(k MailboxKey) Recipient { return Recipient{key: k, mailbox: true} }

func (r Recipient) String() string {
	if r.mailbox {
		return MailboxKey(r.key).String()
	}
	return moot.Key(r.key).String()
}

// wrapper is a Recipient as age wants it.
type wrapper Recipient

func (w wrapper) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	r, err := w.native()
	if err == nil {
		var stanzas []*age.Stanza
		if stanzas, err = r.Wrap(fileKey); err == nil {
			return stanzas, nil
		}
	}
	return nil, moot.Errorf(moot.Invalid, "nothing can be sealed to %s: %w", Recipient(w), err)
}

func (w wrapper) native() (age.Recipient, error) {
	if w.mailbox {
		return age.ParseX25519Recipient(Recipient(w).String())
	}
	public, err := ssh.NewPublicKey(ed25519.PublicKey(w.key[:]))
	if err != nil {
		return nil, err
	}
	return agessh.NewEd25519Recipient(public)
}

// Identity is the private half of a Recipient: a Device or a Mailbox.
type Identity interface{ opener() (opener, error) }

// Device is the private key of a device or of an invitation.
type Device ed25519.PrivateKey

func (d Device) opener() (opener, error) {
	identity, err := agessh.NewEd25519Identity(ed25519.PrivateKey(d))
	if err != nil {
		return opener{}, moot.Errorf(moot.Internal, "open what is sealed: %w", err)
	}
	public, err := ssh.NewPublicKey(ed25519.PrivateKey(d).Public())
	if err != nil {
		return opener{}, moot.Errorf(moot.Internal, "open what is sealed: %w", err)
	}
	sum := sha256.Sum256(public.Marshal())
	hint := base64.RawStdEncoding.EncodeToString(sum[:4]) // C2SP age-ssh: the recipient's tag
	return opener{identity, func(s *age.Stanza) bool {
		return s.Type == "ssh-ed25519" && len(s.Args) > 0 && s.Args[0] == hint
	}}, nil
}

// opener is an age identity and a cheap test whether a stanza may be for it.
type opener struct {
	age.Identity
	mayOpen func(*age.Stanza) bool
}

// maxAttempts bounds the X25519 operations that a seal can cost, of some 50 µs each: 64
// mailboxes with MaxRecipients. Stanzas to mailboxes do not say whose they are, so each is
// tried with each mailbox.
const maxAttempts = 64 * MaxRecipients

// openers is an age identity of several, which together make a limited number of attempts.
type openers struct {
	list     []opener
	attempts int // left
}

func (o *openers) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, one := range o.list {
		for _, s := range stanzas {
			if !one.mayOpen(s) {
				continue
			}
			if o.attempts--; o.attempts < 0 {
				return nil, moot.Errorf(moot.TooLarge, "it names too many recipients to try")
			}
			key, err := one.Unwrap([]*age.Stanza{s})
			if !errors.Is(err, age.ErrIncorrectIdentity) {
				return key, err
			}
		}
	}
	return nil, age.ErrIncorrectIdentity
}
