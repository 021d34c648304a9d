package node

import (
	"context"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
)

// people are the space's members in a session; invitations name nodes of this network.
type people struct {
	*members.Members
	node *Node
	// pull brings what others have said meanwhile, as the confirmation of a name.
	pull func(context.Context)
}

var _ app.Members = people{}

// Rename implements app.Members.
func (p people) Rename(ctx context.Context, name string) error {
	if err := p.Members.Rename(ctx, name); err != nil {
		return err
	}
	p.node.witness.now(ctx, false) // the founder confirms its own
	p.pull(ctx)
	return nil
}

// Revoke implements app.Members.
func (p people) Revoke(ctx context.Context, name string, o app.RevokeOptions) (policy.Member, error) {
	member, err := p.Members.Lookup(ctx, name)
	if err != nil {
		return member, err
	}
	if member.ID == p.node.Member() {
		return member, moot.WithHint(moot.Errorf(moot.Denied, "this would end the membership of your own home"), moot.HintLeave)
	}
	return p.Members.Revoke(ctx, member.ID.String(), o.Strict)
}

// Leave implements app.Members.
func (p people) Leave(ctx context.Context) error {
	_, err := p.Members.Revoke(ctx, p.node.Member().String(), false)
	return err
}

// Invite implements app.Members.
func (p people) Invite(ctx context.Context, o app.InviteOptions) (app.Invitation, error) {
	in := members.Invitation{Role: o.Role, Uses: o.Uses, Expires: o.Expires}
	var err error
	if in.Servers, in.Peers, err = p.node.introducers(ctx, o.ServersOnly, o.PeersOnly); err != nil {
		return app.Invitation{}, err
	}
	l, err := p.Members.Invite(ctx, in)
	return p.invitation(l, o.Uses), err
}

// AddDevice implements app.Members.
func (p people) AddDevice(ctx context.Context, o app.DeviceOptions) (app.Invitation, error) {
	d := members.DeviceLink{Expires: o.Expires, Sealed: p.node.keys.sealTo(p.node.cfg.Key)}
	var err error
	if d.Servers, d.Peers, err = p.node.introducers(ctx, o.ServersOnly, o.PeersOnly); err != nil {
		return app.Invitation{}, err
	}
	l, err := p.Members.AddDevice(ctx, d)
	return p.invitation(l, 1), err
}

// invitation describes a link that was just made.
func (p people) invitation(l members.Link, uses int) app.Invitation {
	return app.Invitation{
		ID: l.Invite, Link: l.String(), Role: l.Role, For: l.For, By: p.node.Member(), Uses: uses, Expires: time.Unix(l.Expires, 0).UTC(),
	}
}

// Invitations implements app.Members.
func (p people) Invitations(ctx context.Context, all bool) (list []app.Invitation, err error) {
	found, err := p.Members.Invitations(ctx, all)
	for _, in := range found {
		list = append(list, describeInvitation(in))
	}
	return list, err
}

// Withdraw implements app.Members.
func (p people) Withdraw(ctx context.Context, id string) (app.Invitation, error) {
	in, err := p.Members.Withdraw(ctx, id)
	in.Withdrawn = true
	return describeInvitation(in), err
}

func describeInvitation(in policy.Invitation) app.Invitation {
	out := app.Invitation{ID: in.ID, Role: in.Role, For: in.For, By: in.By, Uses: in.Uses, Used: in.Used, Withdrawn: in.Withdrawn}
	if in.Expires > 0 {
		out.Expires = time.Unix(in.Expires, 0).UTC()
	}
	return out
}

// RemoveDevice implements app.Members.
func (p people) RemoveDevice(ctx context.Context, r app.DeviceRemoval) (d policy.Device, err error) {
	if r.Recovery != "" {
		d, err = p.node.recover(ctx, r.Recovery, r.Device)
	} else {
		d, err = p.Members.RemoveDevice(ctx, r.Member, r.Device)
	}
	if err == nil {
		p.node.keys.renew(ctx)
	}
	return d, err
}

// Recovery implements app.Members.
func (p people) Recovery(ctx context.Context) (string, error) {
	return p.Members.Recovery(ctx, p.node.keys.sealTo(p.node.cfg.Key))
}

// ResolveFork implements app.Members.
func (p people) ResolveFork(ctx context.Context, c app.BranchChoice) (policy.Device, error) {
	return p.Members.ResolveFork(ctx, c.Member, c.Device, c.Head)
}

// Limits that keep an invitation short enough for a QR code.
const (
	maxLinkPeers = 3
	maxLinkAddrs = 4
)

// introducers returns the nodes that a link names. Kind Unavailable if there are none.
func (n *Node) introducers(ctx context.Context, serversOnly, peersOnly bool) (servers, peers []moot.Peer, err error) {
	servers, peers = n.addresses(ctx)
	if peersOnly {
		servers = nil
	}
	if serversOnly {
		peers = nil
	}
	if len(servers)+len(peers) == 0 {
		err = moot.WithHint(moot.Errorf(moot.Unavailable, "nobody could use the link: no node of this space runs that the newcomer may ask"), moot.HintStartNode)
	}
	return servers, peers, err
}

// addresses returns what an invitation names: the servers, this node if it runs, and
// some peers.
func (n *Node) addresses(ctx context.Context) (servers, peers []moot.Peer) {
	running := n.state.running.Load()
	servers = n.network.Servers(ctx)
	if n.cfg.Role.Copies && running {
		servers = slices.Insert(servers, 0, moot.Peer{ID: n.Self(), Addrs: n.state.addrs(), Server: true})
	}
	if running && n.network.Host() != nil {
		peers = append(peers, moot.Peer{ID: n.Self(), Addrs: n.network.addrs()})
	}
	peers = append(peers, n.network.Connected()...)
	if !running {
		peers = append(peers, n.network.known...)
	}
	peers = slices.Clone(peers[:min(len(peers), maxLinkPeers)])
	for i := range peers {
		peers[i].Addrs = peers[i].Addrs[:min(len(peers[i].Addrs), maxLinkAddrs)]
	}
	return servers, peers
}
