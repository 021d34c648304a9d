package node

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/keys"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/trust"
)

// keyService has the private halves of the mailbox keys of the devices kept here, and
// starts a new generation when a device of the member has come or gone.
type keyService struct {
	roster  *policy.Roster
	data    Data
	old     []ed25519.PrivateKey // of devices before this one
	devices func() []keptDevice
	say     func(signer *sign.Signer, device moot.Key) *members.Members
	ready   func() error
	log     *slog.Logger

	mu     sync.Mutex
	rings  map[moot.Key]*keys.Ring
	wakeup chan struct{}
}

// keptDevice is a device whose key this node has: its own, or an account's.
type keptDevice struct {
	key    ed25519.PrivateKey
	signer *sign.Signer
}

// keysDelay is how long a node waits before it starts a generation, which another device
// of the member may be starting, too.
const keysDelay = 500 * time.Millisecond

func (s *keyService) wake() {
	select {
	case s.wakeup <- struct{}{}:
	default:
	}
}

// run renews mailbox keys as devices come and go, until ctx ends.
func (s *keyService) run(ctx context.Context) {
	delay := time.NewTimer(0)
	defer delay.Stop()
	for {
		select {
		case <-s.wakeup:
			delay.Reset(keysDelay + rand.N(keysDelay))
		case <-delay.C:
			s.renew(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// ring returns what a device opens messages with.
func (s *keyService) ring(device ed25519.PrivateKey) (*keys.Ring, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := seal.Public(device)
	if r := s.rings[id]; r != nil {
		return r, r.Refresh()
	}
	r, err := keys.Open(keys.Config{
		Device: device, Records: s.data, Record: "mailbox-" + id.Short() + ".json",
		Mailboxes: func() []trust.Mailbox {
			member, _ := s.roster.Owner(id)
			return s.roster.Mailboxes(member)
		},
	})
	if err == nil {
		s.rings[id] = r
	}
	return r, err
}

// identities returns what opens the messages of a device's member.
func (s *keyService) identities(device ed25519.PrivateKey) func(context.Context) []seal.Identity {
	return func(ctx context.Context) []seal.Identity {
		r, err := s.ring(device)
		if err != nil {
			s.log.Warn("read the mailbox keys", "error", err)
			return []seal.Identity{seal.Device(device)}
		}
		list := r.Identities(ctx)
		for _, key := range s.old {
			list = append(list, seal.Device(key))
		}
		return list
	}
}

// open takes in the generations that the link of a device hands over.
func (s *keyService) open(device ed25519.PrivateKey, l members.Link) error {
	sealed := s.roster.Sealed(seal.Public(device))
	if l.For.IsZero() || len(sealed) == 0 {
		return nil
	}
	r, err := s.ring(device)
	if err != nil {
		return err
	}
	return moot.Wrap("open the mailbox keys", r.Accept(sealed, seal.FromSeed(l.Seed)))
}

// inherit hands the generations of a device to its heir.
func (s *keyService) inherit(device, heir ed25519.PrivateKey) error {
	from, err := s.ring(device)
	if err != nil {
		return err
	}
	sealed, err := from.SealTo(seal.Public(heir))
	if err != nil || sealed == nil {
		return err
	}
	to, err := s.ring(heir)
	if err != nil {
		return err
	}
	return to.Accept(sealed, heir)
}

// renew starts a generation for each member of a device here that needs one.
func (s *keyService) renew(ctx context.Context) {
	if s.ready() != nil || !s.roster.Adopted() {
		return
	}
	for _, d := range s.devices() {
		if err := s.renewOne(ctx, d); err != nil && ctx.Err() == nil {
			s.log.Warn("renew the mailbox key", "error", err)
		}
	}
}

func (s *keyService) renewOne(ctx context.Context, d keptDevice) error {
	self := seal.Public(d.key)
	member, err := s.roster.Acting(self)
	if err != nil || member.Waiting {
		return nil // it speaks for nobody
	}
	var acting []moot.Key
	for _, one := range member.Devices {
		if one.Key == self && one.Waiting {
			return nil
		}
		if !one.Waiting {
			acting = append(acting, one.Key)
		}
	}
	slices.SortFunc(acting, func(a, b moot.Key) int { return bytes.Compare(a[:], b[:]) })
	standing, ok := s.roster.Mailbox(member.ID)
	if !keys.Due(standing, ok, acting) {
		return nil
	}
	r, err := s.ring(d.key)
	if err != nil {
		return err
	}
	body, err := r.Next(acting...)
	if err != nil {
		return err
	}
	err = s.say(d.signer, self).Mailbox(ctx, body)
	if errors.Is(err, moot.Full) { // until others have seen what it said
		return nil
	}
	return errors.Join(err, r.Refresh())
}

// sealTo seals all generations of a device's mailbox keys to the key of an invitation.
func (s *keyService) sealTo(device ed25519.PrivateKey) func(moot.Key) ([]byte, error) {
	return func(invitation moot.Key) ([]byte, error) {
		r, err := s.ring(device)
		if err != nil {
			return nil, err
		}
		return r.SealTo(invitation)
	}
}
