package node

import (
	"context"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/tree"
)

// Status implements app.Control.
func (c control) Status(ctx context.Context) (app.Status, error) {
	st := app.Status{
		Identity: c.Identity(), Via: c.via, Running: c.state.running.Load(), Role: c.Role(), Addrs: c.Addrs(),
		Peers:    len(c.network.Connected()),
		Holdings: app.Holdings{Sent: c.network.out.Passed(), Received: c.network.in.Passed()},
	}
	for _, server := range c.network.Servers(ctx) {
		st.Servers = append(st.Servers, c.network.probe(ctx, server))
	}
	if err := c.membership(ctx, &st.Membership); err != nil {
		return st, err
	}
	return st, c.countStored(ctx, &st.Holdings)
}

// countStored fills in what the node holds.
func (c control) countStored(ctx context.Context, h *app.Holdings) error {
	vector, err := c.store.Vector(ctx)
	if err != nil {
		return err
	}
	for author := range vector.Heads {
		h.Entries += vector.Seq(author)
	}
	h.Authors = len(vector.Heads)
	for b, err := range c.store.Blobs(ctx) {
		if err != nil {
			return err
		}
		h.Blobs++
		h.Bytes += b.Size
	}
	forks, err := c.store.Forks(ctx)
	if err != nil {
		return err
	}
	h.Forks = len(forks)
	return c.files.index.View(ctx, func(t *tree.Tree) error {
		for range t.Conflicts() {
			h.Conflicts++
		}
		return nil
	})
}

// membership fills in what is open about the members.
func (c control) membership(ctx context.Context, m *app.Membership) error {
	roster := c.network.roster
	m.Adopted = roster.Adopted()
	for _, in := range roster.Invitations() {
		if in.Usable(c.cfg.Now()) == nil && !in.Recovery {
			m.Invitations++
		}
	}
	forks, err := c.store.Forks(ctx)
	if err != nil {
		return err
	}
	for _, one := range roster.Members() {
		for _, d := range one.Devices {
			if d.Waiting {
				m.Waiting = append(m.Waiting, app.WaitingStatus{Member: one.ID, Name: one.Name, Device: d.Key, Label: d.Name, Joined: !one.Waiting})
			}
			if !d.Forked {
				continue
			}
			for _, f := range forks {
				if f.Author == d.Key {
					m.Forked = append(m.Forked, c.describeFork(ctx, one, d, f))
				}
			}
		}
	}
	if c.cfg.Home.ready() != nil {
		m.CatchUp = &app.CatchUp{Asked: len(c.entries.partners(ctx))}
	}
	return nil
}

// describeFork says how a device's feed goes on.
func (c control) describeFork(ctx context.Context, m policy.Member, d policy.Device, f store.Fork) app.ForkStatus {
	st := app.ForkStatus{Member: m.ID, Name: m.Name, Device: d.Key, Label: d.Name}
	for _, head := range f.Branches {
		b := app.Branch{Head: head.ID, Entries: head.Seq - f.Proof.A.Seq + 1}
		if e, err := c.entry(ctx, head.ID); err == nil {
			b.Last = e.Time
		}
		st.Branches = append(st.Branches, b)
	}
	st.Since = earliest(f.Proof.A.Time, f.Proof.B.Time)
	return st
}

func earliest(a, b moot.Time) time.Time { return min(a, b).Wall() }
