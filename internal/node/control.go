package node

import (
	"context"
	"runtime"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/policy"
)

// control implements app.Control for one session.
type control struct {
	*Node
	via moot.Architecture
}

var _ app.Control = control{}

// Peers implements app.Control.
func (c control) Peers(context.Context) (list []app.PeerStatus, _ error) {
	connected := map[moot.Key]moot.Peer{}
	for _, p := range c.network.Connected() {
		connected[p.ID] = p
	}
	for _, m := range c.network.roster.Members() {
		for _, d := range m.Devices {
			if m.Revoked || d.Recovery || d.Key == c.Self() {
				continue
			}
			p, ok := connected[d.Key]
			p.ID, p.Name = d.Key, m.Name
			list = append(list, app.PeerStatus{Peer: p, Member: m.ID, Role: m.Role, Connected: ok})
		}
	}
	return list, nil
}

// Preferences implements app.Control.
func (c control) Preferences(context.Context) (policy.Preferences, error) {
	return c.preferences(), nil
}

// oversubscribed is how many tasks may run at once for each processor: some only wait.
const oversubscribed = 8

// SetPreferences implements app.Control.
func (c control) SetPreferences(ctx context.Context, p policy.Preferences) error {
	if most := oversubscribed * runtime.NumCPU(); p.LendCPUs > most {
		return moot.Errorf(moot.Invalid, "this machine has %d processors: at most %d tasks at once", runtime.NumCPU(), most)
	}
	if err := c.cfg.Data.Save(preferencesFile, p); err != nil {
		return err
	}
	c.apply(p)
	return c.compute.announce(ctx)
}

// Accounts implements app.Control.
func (c control) Accounts(ctx context.Context) (list []app.Account, _ error) {
	index, err := c.mail.open(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range c.accounts.List() {
		out := c.describeAccount(ctx, a)
		if out.Bytes, err = index.Used(ctx, a.Member); err != nil {
			return nil, err
		}
		list = append(list, out)
	}
	return list, nil
}

// AddAccount implements app.Control.
func (c control) AddAccount(ctx context.Context, name, link string) (app.Account, error) {
	a, err := c.accounts.Add(ctx, name, link)
	return c.describeAccount(ctx, a), err
}

// AddPassword implements app.Control.
func (c control) AddPassword(_ context.Context, name string) (string, error) {
	return c.accounts.AddPassword(name)
}

// SetPassword implements app.Control.
func (c control) SetPassword(ctx context.Context, name, password string) error {
	return c.accounts.SetPassword(ctx, name, password)
}

// RemoveAccount implements app.Control.
func (c control) RemoveAccount(ctx context.Context, name string, force bool) error {
	return c.accounts.Remove(ctx, name, force)
}

// DropPasswords implements app.Control.
func (c control) DropPasswords(_ context.Context, name string) error {
	return c.accounts.DropPasswords(name)
}

// Tokens implements app.Control.
func (c control) Tokens(context.Context) (list []app.Token, _ error) {
	for _, t := range c.tokens.List() {
		list = append(list, app.Token(t))
	}
	return list, nil
}

// AddToken implements app.Control.
func (c control) AddToken(_ context.Context, o app.TokenOptions) (app.Token, error) {
	t, err := c.tokens.Add(accounts.TokenOptions(o))
	return app.Token(t), err
}

// RemoveToken implements app.Control.
func (c control) RemoveToken(_ context.Context, name string) error { return c.tokens.Remove(name) }
