package seal

import (
	"bytes"
	"io"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
)

const (
	// MaxGenerations bounds the mailbox keys that SealKeys and OpenKeys take.
	MaxGenerations = 10_000
	// MaxSealedKeys bounds what OpenKeys reads, in bytes; SealKeys writes less: 76 a
	// generation and about 100 a recipient.
	MaxSealedKeys = 1 << 20
)

// keyring is the private halves of a mailbox, oldest first, as Secret writes them: that
// has a checksum, and room for other types of keys.
type keyring struct {
	Secrets []string `cbor:"0,keyasint"`
}

var keyringDecoder = cbor.NewDecoder(cbor.Limits{Elements: MaxGenerations})

// SealKeys seals the private halves of all generations, oldest first, to the devices of
// their member, or to the key of an invitation for one. Kinds: Invalid without a
// generation, TooLarge beyond MaxGenerations or MaxRecipients.
func SealKeys(generations []Mailbox, to ...Recipient) ([]byte, error) {
	plain, err := encodeKeys(generations)
	if err != nil {
		return nil, moot.Wrap("seal mailbox keys", err)
	}
	var b bytes.Buffer
	w, err := Encrypt(&b, to...)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, moot.Wrap("seal mailbox keys", err)
	}
	return b.Bytes(), nil
}

// OpenKeys returns what SealKeys sealed to one of the identities. Who sealed it is not
// proven, so callers compare the public halves with those that the member's devices
// signed. At least one is returned. Kinds: Denied if it is sealed to others, Corrupt if
// it is damaged, Invalid if something else was sealed, TooLarge. Each generation takes
// some 100 µs.
func OpenKeys(sealed []byte, ids ...Identity) ([]Mailbox, error) {
	if len(sealed) > MaxSealedKeys {
		return nil, moot.Errorf(moot.TooLarge, "open mailbox keys: %d bytes, want at most %d", len(sealed), MaxSealedKeys)
	}
	r, err := Decrypt(bytes.NewReader(sealed), ids...)
	if err != nil {
		return nil, moot.Wrap("open mailbox keys", err)
	}
	plain, err := io.ReadAll(r) // no longer than what is sealed
	if err != nil {
		return nil, moot.Wrap("open mailbox keys", err)
	}
	generations, err := decodeKeys(plain)
	return generations, moot.Wrap("open mailbox keys", err)
}

func encodeKeys(generations []Mailbox) ([]byte, error) {
	switch {
	case len(generations) == 0:
		return nil, moot.Errorf(moot.Invalid, "no generation")
	case len(generations) > MaxGenerations:
		return nil, moot.Errorf(moot.TooLarge, "%d generations, want at most %d", len(generations), MaxGenerations)
	}
	var ring keyring
	for i, m := range generations {
		if m.identity == nil {
			return nil, moot.Errorf(moot.Invalid, "generation %d has no key", i+1)
		}
		ring.Secrets = append(ring.Secrets, m.Secret())
	}
	return cbor.Marshal(ring)
}

func decodeKeys(plain []byte) ([]Mailbox, error) {
	var ring keyring
	if err := keyringDecoder.Unmarshal(plain, &ring); err != nil {
		return nil, moot.Errorf(moot.Invalid, "not a list of mailbox keys: %w", err)
	}
	if len(ring.Secrets) == 0 {
		return nil, moot.Errorf(moot.Invalid, "no generation")
	}
	generations := make([]Mailbox, len(ring.Secrets))
	for i, s := range ring.Secrets {
		var err error
		if generations[i], err = ParseMailbox(s); err != nil {
			return nil, moot.Errorf(moot.Invalid, "generation %d: %w", i+1, err)
		}
	}
	return generations, nil
}
