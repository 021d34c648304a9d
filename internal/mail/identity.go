package mail

import (
	"context"
	"encoding/hex"
	"slices"
	"sync"

	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
)

// identities returns what opens the member's messages.
func (acc *Account) identities(ctx context.Context) []seal.Identity {
	if acc.cfg.Identities == nil {
		return []seal.Identity{seal.Device(acc.cfg.Key)}
	}
	return acc.cfg.Identities(ctx)
}

// recipients returns the keys to which a message for readers is sealed. What the member
// reads is sealed to this device, too, while it has not got the member's mailbox key.
// Kind Unavailable for a reader that nothing acts for, unless the message is a broadcast.
func (acc *Account) recipients(ctx context.Context, dir Directory, readers []moot.MemberID, broadcast bool) (list []seal.Recipient, err error) {
	for _, id := range readers {
		one := dir.recipients(id)
		if id == acc.self && !acc.opens(ctx, one) {
			one = append(one, seal.ToDevice(acc.device))
		}
		if len(one) == 0 && !broadcast {
			own := dir.Address(id)
			return nil, moot.Errorf(moot.Unavailable, "nothing can be sealed to %s, who has no device", own.Address)
		}
		list = append(list, one...)
	}
	return list, nil
}

// ownRecipients returns the keys to which what only the member reads is sealed.
func (acc *Account) ownRecipients(ctx context.Context, dir Directory) ([]seal.Recipient, error) {
	return acc.recipients(ctx, dir, []moot.MemberID{acc.self}, false)
}

// opens reports whether this device has a private half for one of the recipients.
func (acc *Account) opens(ctx context.Context, list []seal.Recipient) bool {
	if slices.Contains(list, seal.ToDevice(acc.device)) {
		return true
	}
	return slices.ContainsFunc(acc.identities(ctx), func(id seal.Identity) bool {
		m, ok := id.(seal.Mailbox)
		return ok && slices.Contains(list, seal.ToMailbox(m.Public()))
	})
}

// basis is what the member's filings were read with: another device of the member, or
// another key, may make more or fewer of them count.
type basis struct {
	Keys    string `json:"keys,omitempty"`    // hash of the mailbox keys at hand
	Devices string `json:"devices,omitempty"` // hash of the devices that act for the member
}

func (acc *Account) keysBasis(ctx context.Context) string {
	h := blake3.New(16, nil)
	for _, id := range acc.identities(ctx) {
		if box, ok := id.(seal.Mailbox); ok {
			public := box.Public()
			_, _ = h.Write(public[:]) // never fails
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (acc *Account) devicesBasis(dir Directory) string {
	h := blake3.New(16, nil)
	m, _ := dir.Roster.Member(acc.self)
	keys := acting(m)
	slices.SortFunc(keys, func(a, b moot.Key) int { return slices.Compare(a[:], b[:]) })
	for _, k := range keys {
		_, _ = h.Write(k[:]) // never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}

// errSealed is why a message cannot be opened with the keys at hand.
var errSealed = moot.Errorf(moot.Denied, "it is sealed to others")

// sealedToOthers has the messages that could not be opened, with the keys at that time:
// they are not fetched again before the device has another.
type sealedToOthers struct {
	mu   sync.Mutex
	with map[moot.BlobID]string
}

func (s *sealedToOthers) add(id moot.BlobID, keys string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.with == nil {
		s.with = map[moot.BlobID]string{}
	}
	s.with[id] = keys
}

// drop removes the messages of a list that keys do not open, and forgets the others.
func (s *sealedToOthers) drop(list []envelope, keys string) []envelope {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(list, func(env envelope) bool {
		with, ok := s.with[env.ID]
		if ok && with != keys {
			delete(s.with, env.ID)
		}
		return ok && with == keys
	})
}
