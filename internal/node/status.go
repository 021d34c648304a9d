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
	if err := c.countBlobs(ctx, h); err != nil {
		return err
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

// countBlobs fills in what the blobs take that lie in the store, and what lies elsewhere.
func (c control) countBlobs(ctx context.Context, h *app.Holdings) error {
	usage, err := c.store.Usage(ctx)
	if err != nil {
		return err
	}
	h.Blobs, h.Bytes, h.InPlace = usage.Blobs, usage.Bytes, usage.Linked
	for _, f := range c.files.folders.List() {
		h.InPlace += f.Bytes
	}
	inForce, err := c.versions(ctx)
	if err != nil {
		return err
	}
	for b, err := range c.store.Sizes(ctx) {
		if err != nil {
			return err
		}
		switch is, retained := inForce[b.ID]; {
		case is:
			h.InForce += b.Size
		case retained:
			h.Old += b.Size
		}
	}
	return nil
}

// versions returns of the blobs of versions in force and retained whether they are in force.
func (c control) versions(ctx context.Context) (map[moot.BlobID]bool, error) {
	inForce := map[moot.BlobID]bool{}
	lists := map[moot.BlobID]bool{}
	err := c.viewRetained(ctx, func(t *tree.Tree, retention func(string) tree.Retention) error {
		for b, is := range t.Needed(c.cfg.Now(), retention) {
			inForce[b.ID] = inForce[b.ID] || is
		}
		for v := range t.Versions() {
			if v.Manifest {
				lists[v.Blob.ID] = true
			}
		}
		return ctx.Err()
	})
	for id := range lists {
		is, retained := inForce[id]
		if err != nil || !retained {
			continue
		}
		parts := map[moot.BlobID]bool{}
		c.listed(ctx, id, parts)
		for part := range parts {
			inForce[part] = inForce[part] || is
		}
	}
	return inForce, err
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
