package accounts

import (
	"context"
	"crypto/ed25519"
	"errors"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/seal"
)

// Replace has another device with a fresh key take the place of one whose feed has forked.
// succeed says so in the space: the old device's retire and the heir's join. A second try
// after a failure has the same heir. The account is then opened with the heir's key, and
// the old one is forgotten. Kind NotFound if the device is not kept here, or the node's own.
func (a *Accounts) Replace(ctx context.Context, device moot.Key, succeed func(ctx context.Context, old Account, heir ed25519.PrivateKey) error) (Account, error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	one, err := a.replace(ctx, device, succeed)
	return one, moot.Wrap("replace the device of an account", err)
}

func (a *Accounts) replace(ctx context.Context, device moot.Key, succeed func(context.Context, Account, ed25519.PrivateKey) error) (Account, error) {
	old, ok := a.Account(device)
	if !ok || device == a.cfg.Own.Device() {
		return Account{}, moot.Errorf(moot.NotFound, "%s is no account's device here", device.Short())
	}
	heir, err := a.heir(device)
	if err != nil {
		return Account{}, err
	}
	if err := succeed(ctx, old, heir); err != nil {
		return Account{}, err
	}
	if !a.cfg.Roster.Acts(seal.Public(heir)) {
		return Account{}, moot.Errorf(moot.Internal, "%s did not get an heir", device.Short())
	}
	one, err := a.inherit(ctx, heir)
	if err != nil {
		return Account{}, err
	}
	if err := a.cfg.Added(ctx, one, members.Link{}); err != nil {
		return Account{}, err
	}
	return one, a.forget(device)
}

// heir returns the key that is to take the place of a device's, and keeps it for a second
// try.
func (a *Accounts) heir(device moot.Key) (ed25519.PrivateKey, error) {
	path := a.path(device.String(), ".heir")
	key, err := seal.LoadKey(path)
	if errors.Is(err, moot.NotFound) {
		key = seal.NewKey()
		err = seal.SaveKey(path, key)
	}
	return key, err
}

// inherit makes an heir's key that of an account.
func (a *Accounts) inherit(ctx context.Context, heir ed25519.PrivateKey) (Account, error) {
	err := seal.SaveKey(a.path(seal.Public(heir).String(), ".pem"), heir)
	if err != nil && !errors.Is(err, moot.Conflict) { // by the attempt before this one
		return Account{}, err
	}
	return a.openKey(ctx, heir)
}
