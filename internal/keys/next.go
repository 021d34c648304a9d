package keys

import (
	"bytes"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/trust"
)

// maxHanded bounds the generations that one act hands over, the newest: with the halves of
// 32 devices they fit into an entry.
const maxHanded = 600

// Due reports whether the member needs another generation: none stands, or it is not sealed
// to all devices that act for the member. They get the earlier ones with it, too.
func Due(standing trust.Mailbox, ok bool, devices []moot.Key) bool {
	return len(devices) > 0 && (!ok || slices.ContainsFunc(devices, func(d moot.Key) bool { return !sealedTo(standing, d) }))
}

// Next returns the body of the act that starts the next generation, sealed to devices
// together with all earlier ones that this device has.
func (r *Ring) Next(devices ...moot.Key) (trust.Mailbox, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(devices) == 0 {
		return trust.Mailbox{}, moot.Errorf(moot.Invalid, "a mailbox key needs a device that opens it")
	}
	if err := r.refresh(); err != nil {
		return trust.Mailbox{}, err
	}
	fresh, next := seal.NewMailbox(), trust.Mailbox{Generation: 1}
	for _, m := range r.cfg.Mailboxes() {
		next.Generation = max(next.Generation, m.Generation+1)
	}
	data, err := seal.SealKeys(append(r.handed(maxHanded-1), fresh), seal.ToDevices(devices...)...)
	if err != nil {
		return trust.Mailbox{}, err
	}
	next.Public = fresh.Public().String()
	next.Devices, next.Sealed = slices.Clone(devices), data
	slices.SortFunc(next.Devices, func(a, b moot.Key) int { return bytes.Compare(a[:], b[:]) })
	return next, nil
}

// SealTo seals all generations to the key of an invitation for a device of the member;
// nil if there are none.
func (r *Ring) SealTo(invitation moot.Key) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refresh(); err != nil {
		return nil, err
	}
	all := r.handed(maxHanded)
	if len(all) == 0 {
		return nil, nil
	}
	return seal.SealKeys(all, seal.ToDevice(invitation))
}

// handed returns at most n generations, the newest, oldest first.
func (r *Ring) handed(n int) (list []seal.Mailbox) {
	for _, b := range r.boxes[max(0, len(r.boxes)-n):] {
		list = append(list, b.Mailbox)
	}
	return list
}

func sealedTo(m trust.Mailbox, device moot.Key) bool { return slices.Contains(m.Devices, device) }
