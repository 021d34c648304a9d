package node

import (
	"context"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/members"
)

// people are the space's members in a session; invitations name nodes of this network.
type people struct {
	*members.Members
	node *Node
}

var _ app.Members = people{}

// Rename implements app.Members.
func (p people) Rename(ctx context.Context, name string) error {
	return p.Members.Rename(ctx, p.node.Self(), name)
}

// Invite implements app.Members.
func (p people) Invite(ctx context.Context, o app.InviteOptions) (app.Invitation, error) {
	in := members.Invitation{Role: o.Role, Uses: o.Uses, Expires: o.Expires}
	servers, peers := p.node.addresses(ctx)
	if !o.PeersOnly {
		in.Servers = servers
	}
	if !o.ServersOnly {
		in.Peers = peers
	}
	if len(in.Servers)+len(in.Peers) == 0 {
		return app.Invitation{}, moot.WithHint(moot.Errorf(moot.Unavailable, "nobody could use the link: no node of this space runs that the newcomer may ask"), moot.HintStartNode)
	}
	l, err := p.Members.Invite(ctx, in)
	if err != nil {
		return app.Invitation{}, err
	}
	return app.Invitation{Link: l.String(), Role: l.Role, Expires: time.Unix(l.Expires, 0).UTC()}, nil
}

// Limits that keep an invitation short enough for a QR code.
const (
	maxLinkPeers = 3
	maxLinkAddrs = 4
)

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
