// Package keys holds what opens a member's messages on one device: the device's own key,
// and the private halves of all generations of the member's mailbox key (docs/trust.md,
// R22). It finds them in what other devices of the member sealed to this one, and makes the
// next generation.
//
// It must not know how acts are stored or signed, nor what is sealed to the keys.
package keys

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/trust"
)

// Records keeps small records, readable by their owner only.
type Records interface {
	Load(name string, v any) error // kind NotFound if it was never saved
	Save(name string, v any) error // durable when it returns
}

// Config is what a Ring needs.
type Config struct {
	Device  ed25519.PrivateKey
	Records Records
	Record  string // its name; default "mailbox.json"
	// Mailboxes returns the standing generations of the member's mailbox key.
	Mailboxes func() []trust.Mailbox
}

// Ring is the private halves that a device has, its own key included. What it has opened
// stays in a record, for acts may become void. It is safe for concurrent use.
type Ring struct {
	cfg    Config
	device moot.Key

	mu    sync.Mutex
	boxes []box // by generation, those that no standing act names first
	seen  map[string]bool
}

// box is the private half of one generation.
type box struct {
	seal.Mailbox
	generation uint64 // 0: no standing act names it
}

// record is a Ring on disk.
type record struct {
	Secrets []string `json:"secrets"`
}

// Open returns the ring of a device.
func Open(cfg Config) (*Ring, error) {
	if cfg.Record == "" {
		cfg.Record = "mailbox.json"
	}
	r := &Ring{cfg: cfg, device: seal.Public(cfg.Device), seen: map[string]bool{}}
	var saved record
	if err := cfg.Records.Load(cfg.Record, &saved); err != nil && !errors.Is(err, moot.NotFound) {
		return nil, moot.Wrap("read the mailbox keys", err)
	}
	for _, s := range saved.Secrets {
		m, err := seal.ParseMailbox(s)
		if err != nil {
			return nil, moot.Wrap("read the mailbox keys", err)
		}
		r.boxes = append(r.boxes, box{Mailbox: m})
	}
	return r, r.Refresh()
}

// Refresh takes in the generations that were sealed to this device meanwhile.
func (r *Ring) Refresh() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refresh()
}

func (r *Ring) refresh() error {
	standing := r.cfg.Mailboxes()
	var found []seal.Mailbox
	for _, m := range standing {
		if sealedTo(m, r.device) && !r.seen[m.Public] {
			r.seen[m.Public] = true // once: what is damaged stays so
			opened, err := seal.OpenKeys(m.Sealed, seal.Device(r.cfg.Device))
			if err != nil {
				continue
			}
			found = append(found, opened...)
		}
	}
	return r.add(standing, found)
}

// Accept takes in the generations that an invitation for a device of the member hands over.
// Kinds as of seal.OpenKeys.
func (r *Ring) Accept(sealed []byte, invitation ed25519.PrivateKey) error {
	found, err := seal.OpenKeys(sealed, seal.Device(invitation))
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.add(r.cfg.Mailboxes(), found)
}

// add takes in private halves, and gives all the numbers of their generations.
func (r *Ring) add(standing []trust.Mailbox, found []seal.Mailbox) error {
	before := len(r.boxes)
	list := slices.Clone(r.boxes)
	for _, m := range found {
		known := slices.ContainsFunc(list, func(b box) bool { return b.Public() == m.Public() })
		if !known && len(list) < seal.MaxGenerations {
			list = append(list, box{Mailbox: m})
		}
	}
	generations := map[string]uint64{}
	for _, m := range standing {
		generations[m.Public] = m.Generation
	}
	for i := range list {
		list[i].generation = generations[list[i].Public().String()]
	}
	slices.SortStableFunc(list, func(a, b box) int { return cmp.Compare(a.generation, b.generation) })
	if len(list) > before {
		var save record
		for _, b := range list {
			save.Secrets = append(save.Secrets, b.Secret())
		}
		if err := r.cfg.Records.Save(r.cfg.Record, save); err != nil {
			return moot.Wrap("save the mailbox keys", err)
		}
	}
	r.boxes = list
	return nil
}

// Identities returns what opens the member's messages: the newest generation first, then
// the device's own key, then generations that no standing act names.
func (r *Ring) Identities(context.Context) (list []seal.Identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var other []seal.Identity
	for _, b := range slices.Backward(r.boxes) {
		if b.generation > 0 {
			list = append(list, b.Mailbox)
		} else {
			other = append(other, b.Mailbox)
		}
	}
	return append(append(list, seal.Device(r.cfg.Device)), other...)
}
