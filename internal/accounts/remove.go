package accounts

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
)

// Remove ends an account's device, for everybody, and forgets its key and, unless the node
// keeps another device of the member, the member's passwords. A name is the member's name
// or ID, or the device's key. Kinds: NotFound, Invalid for the node's own device or if
// several match, Conflict for the member's only device unless force is given.
func (a *Accounts) Remove(ctx context.Context, name string, force bool) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	return moot.Wrap("remove an account", a.remove(ctx, name, force))
}

func (a *Accounts) remove(ctx context.Context, name string, force bool) error {
	one, err := a.removable(name)
	if err != nil {
		return err
	}
	device := one.Device()
	if in, acts := a.cfg.Roster.Device(device); acts && !in.Waiting { // else it need not say so, or did
		m, _ := a.cfg.Roster.Member(one.Member)
		if !force && !othersAct(m, device) {
			return moot.WithHint(moot.Errorf(moot.Conflict, "it is the only device of %s, who could not come back", m.Name), moot.HintConfirm)
		}
		if _, err := a.members(one).RemoveDevice(ctx, "", device.String()); err != nil {
			return err
		}
	}
	if err := a.forget(device); err != nil {
		return err
	}
	if _, ok := a.of(one.Member); ok || one.Member.IsZero() {
		return nil
	}
	return a.passwords.drop(one.Member)
}

// othersAct reports whether a member has a device beside one that a person can use at once.
func othersAct(m policy.Member, device moot.Key) bool {
	for _, d := range m.Devices {
		if d.Key != device && !d.Recovery && !d.Waiting {
			return true
		}
	}
	return false
}

// removable returns the account that a name means: also one that was removed elsewhere.
func (a *Accounts) removable(name string) (Account, error) {
	member, _ := a.resolve(name)
	var found []Description
	own := false
	for _, d := range a.List() {
		if d.Device.String() != name && d.Member != member && (!d.Revoked || d.Name != name) {
			continue
		}
		if own = own || d.Own; !d.Own {
			found = append(found, d)
		}
	}
	switch {
	case len(found) == 1:
		one, _ := a.Account(found[0].Device)
		return one, nil
	case len(found) > 1:
		return Account{}, moot.Errorf(moot.Invalid, "%q may be one of %d accounts: give the device's key", name, len(found))
	case own:
		return Account{}, moot.Errorf(moot.Invalid, "%.80q is this node's own member", name)
	}
	return Account{}, elsewhere(name)
}

func elsewhere(name string) error {
	return moot.Errorf(moot.NotFound, "%.80q has no account here: a member with a node of its own makes passwords there", name)
}
