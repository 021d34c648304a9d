package node

import (
	"context"
	"io"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/policy"
)

// control implements app.Control for one session.
type control struct {
	*Node
	via moot.Architecture
}

var _ app.Control = control{}

// Status implements app.Control.
func (c control) Status(ctx context.Context) (app.Status, error) {
	st := app.Status{
		Identity: c.Identity(), Via: c.via, Running: c.state.running.Load(), Role: c.Role(), Addrs: c.Addrs(),
		Peers: len(c.network.Connected()), Sent: c.network.out.Passed(), Received: c.network.in.Passed(),
	}
	for _, server := range c.network.Servers(ctx) {
		st.Servers = append(st.Servers, c.network.probe(ctx, server))
	}
	return st, c.countStored(ctx, &st)
}

// countStored fills in what the node holds.
func (c control) countStored(ctx context.Context, st *app.Status) error {
	vector, err := c.store.Vector(ctx)
	if err != nil {
		return err
	}
	for _, seq := range vector {
		st.Entries += seq
	}
	st.Authors = len(vector)
	for b, err := range c.store.Blobs(ctx) {
		if err != nil {
			return err
		}
		st.Blobs++
		st.Bytes += b.Size
	}
	forks, err := c.store.Forks(ctx)
	if err != nil {
		return err
	}
	st.Forks = len(forks)
	conflicts, err := files.New(c.store, nil, files.Options{}).Conflicts(ctx)
	names := map[string]bool{}
	for _, f := range conflicts {
		names[f.Name] = true
	}
	st.Conflicts = len(names)
	return err
}

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
			list = append(list, app.PeerStatus{Peer: p, Role: m.Role, Device: d.Name, Connected: ok})
		}
	}
	return list, nil
}

// Preferences implements app.Control.
func (c control) Preferences(context.Context) (policy.Preferences, error) {
	return c.preferences(), nil
}

// SetPreferences implements app.Control.
func (c control) SetPreferences(ctx context.Context, p policy.Preferences) error {
	if err := c.cfg.Data.Save(preferencesFile, p); err != nil {
		return err
	}
	c.apply(p)
	return c.compute.announce(ctx)
}

// Backup implements app.Control.
func (c control) Backup(ctx context.Context, w io.Writer) error {
	if c.cfg.Home.Backup == nil {
		return moot.Errorf(moot.Unavailable, "this node has no home that could be backed up")
	}
	return c.cfg.Home.Backup(ctx, c.store.Backup, w)
}

// Accounts implements app.Control.
func (c control) Accounts(context.Context) (list []app.Account, _ error) {
	for _, a := range c.accounts.List() {
		list = append(list, app.Account(a))
	}
	return list, nil
}

// AddAccount implements app.Control.
func (c control) AddAccount(ctx context.Context, name, link string) (app.Account, error) {
	a, err := c.accounts.Add(ctx, name, link)
	return app.Account(a), err
}

// AddPassword implements app.Control.
func (c control) AddPassword(_ context.Context, name string) (string, error) {
	return c.accounts.AddPassword(name)
}

// DropPasswords implements app.Control.
func (c control) DropPasswords(_ context.Context, name string) error {
	return c.accounts.DropPasswords(name)
}

// MailRecords implements app.Control.
func (c control) MailRecords(context.Context) ([]string, error) {
	if c.cfg.Mail.Records == nil {
		return nil, moot.WithHint(moot.Errorf(moot.NotFound, "this server exchanges no mail with the outside"), moot.HintMailDomain)
	}
	return c.cfg.Mail.Records()
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
