package seal

import (
	"bytes"
	"errors"
	"testing"

	"filippo.io/age"

	"github.com/mootspace/moot"
)

// TestAttemptsAreBounded counts the stanzas that are tried, which the sender chooses.
func TestAttemptsAreBounded(t *testing.T) {
	mailbox, other, device := NewMailbox(), NewMailbox(), NewKey()
	fileKey := bytes.Repeat([]byte{7}, 16)
	var stanzas []*age.Stanza
	for _, r := range []Recipient{ToMailbox(other.Public()), ToMailbox(other.Public()), ToDevice(Public(NewKey())), ToMailbox(mailbox.Public()), ToDevice(Public(device))} {
		s, err := wrapper(r).Wrap(fileKey)
		if err != nil {
			t.Fatal(err)
		}
		stanzas = append(stanzas, s...)
	}
	for _, c := range []struct {
		name     string
		ids      []Identity
		attempts int
	}{
		{"a device, by its hint", []Identity{Device(device)}, 1},
		{"a mailbox, after those of others", []Identity{mailbox}, 3},
		{"a later generation first", []Identity{NewMailbox(), mailbox}, 6},
	} {
		for _, left := range []int{c.attempts, c.attempts - 1} {
			all := &openers{attempts: left}
			for _, id := range c.ids {
				one, err := id.opener()
				if err != nil {
					t.Fatal(err)
				}
				all.list = append(all.list, one)
			}
			key, err := all.Unwrap(stanzas)
			if left == c.attempts && (err != nil || !bytes.Equal(key, fileKey)) {
				t.Errorf("%s: %x, %v", c.name, key, err)
			}
			if left < c.attempts && !errors.Is(err, moot.TooLarge) {
				t.Errorf("%s with %d attempts: %x, %v", c.name, left, key, err)
			}
		}
	}
}
