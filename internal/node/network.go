package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/dial"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/locate"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/throttle"
)

// network is whom this node knows and how it reaches them: the space's servers, the
// members, the connected peers.
type network struct {
	networkConfig
	in   throttle.Throttle // bytes of blobs from others
	out  throttle.Throttle // bytes to others
	dial *dial.Dialer

	mu   sync.Mutex
	host *link.Host   // nil without links with peers
	mesh *locate.Mesh // nil without links with peers
}

type networkConfig struct {
	space   moot.SpaceID
	key     ed25519.PrivateKey
	self    moot.Key
	feeds   moot.Feeds // this node's own
	roster  *policy.Roster
	servers []moot.Peer         // known from the invitation
	known   []moot.Peer         // peers, from the invitation or seen before
	allow   func(moot.Key) bool // vetoes connections
	log     *slog.Logger
}

// isMember reports whether a device acts for a member.
func (n *network) isMember(k moot.Key) bool {
	_, err := n.roster.Acting(k)
	return err == nil
}

// member returns the member for whom a device acts, or did; zero for a stranger.
func (n *network) member(k moot.Key) moot.MemberID {
	id, _ := n.roster.Owner(k)
	return id
}

// mayConnect reports whether a connection with the key may exist at all: members, heirs of
// their devices, and holders of an invitation (also of an expired one, who must learn that
// it is).
func (n *network) mayConnect(k moot.Key) bool {
	if !n.allow(k) {
		return false
	}
	if n.isMember(k) {
		return true
	}
	if _, ok := n.roster.Heir(k); ok {
		return true
	}
	_, err := n.roster.Invitation(k)
	return err == nil || !errors.Is(err, moot.Stranger)
}

// others returns the devices that act for members, other than this node.
func (n *network) others() (keys []moot.Key) {
	for _, m := range n.roster.Members() {
		for _, d := range m.Devices {
			if !m.Revoked && !d.Recovery && d.Key != n.self {
				keys = append(keys, d.Key)
			}
		}
	}
	return keys
}

// Servers returns the space's servers other than this node: as announced in the space,
// else as known from the invitation.
func (n *network) Servers(ctx context.Context) []moot.Peer {
	announced, err := members.New(members.Config{Space: n.space, Node: n.feeds, Roster: n.roster}).Servers(ctx)
	if err != nil {
		n.log.Warn("read the servers", "error", err)
	}
	servers := distinct(slices.Concat(announced, n.servers), n.self)
	if len(announced) == 0 {
		return servers
	}
	gone := func(p moot.Peer) bool { return !n.isMember(p.ID) }
	if !slices.ContainsFunc(servers, func(p moot.Peer) bool { return !gone(p) }) {
		gone = func(p moot.Peer) bool { return !n.roster.Retired(p.ID) } // its heir proves its key
	}
	return slices.DeleteFunc(servers, gone)
}

// distinct returns each node once, and self not at all.
func distinct(list []moot.Peer, self moot.Key) []moot.Peer {
	seen := map[moot.Key]bool{self: true}
	return slices.DeleteFunc(list, func(p moot.Peer) bool {
		known := seen[p.ID]
		seen[p.ID] = true
		return known
	})
}

// Connected returns the members' nodes that are connected now, with their names.
func (n *network) Connected() []moot.Peer {
	host := n.Host()
	if host == nil {
		return nil
	}
	peers := host.Peers()
	for i := range peers {
		peers[i].Name = n.nameOf(peers[i].ID)
	}
	return slices.DeleteFunc(peers, func(p moot.Peer) bool { return !n.isMember(p.ID) })
}

// nameOf returns the name of the member for whom a device acts; "" if it acts for none.
func (n *network) nameOf(device moot.Key) string {
	m, err := n.roster.Acting(device)
	if err != nil {
		return ""
	}
	return m.Name
}

// online returns the keys of Connected.
func (n *network) online() (keys []moot.Key) {
	for _, p := range n.Connected() {
		keys = append(keys, p.ID)
	}
	return keys
}

// unconfirmed returns the most entries of one feed that nobody has confirmed.
func (n *network) unconfirmed() (most uint64) {
	vector, err := n.feeds.Vector(context.Background())
	if err != nil {
		return 0
	}
	for device := range vector.Heads {
		most = max(most, n.roster.Unconfirmed(device, vector.Seq(device)))
	}
	return most
}

// Host returns this node among peers; nil without links with peers.
func (n *network) Host() *link.Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.host
}

// Mesh returns the locator among peers; nil without links with peers.
func (n *network) Mesh() *locate.Mesh {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.mesh
}

// join connects this node with peers; without addresses to listen on it only dials.
func (n *network) join(ctx context.Context, listen []string, localNetwork bool) error {
	host, err := link.NewHost(link.HostConfig{Key: n.key, Listen: listen, Allow: n.mayConnect, Relay: len(listen) > 0, Log: n.log})
	if err != nil {
		return err
	}
	mesh, err := locate.NewMesh(ctx, locate.MeshConfig{
		Host: host.LibP2P(), Space: n.space, Self: n.self,
		Members: n.others, KeyOf: link.KeyOf, PeerID: link.PeerID,
		Known: slices.Concat(n.known, n.Servers(ctx)), MDNS: localNetwork, Log: n.log,
	})
	if err != nil {
		return errors.Join(err, host.Close())
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.host, n.mesh = host, mesh
	return nil
}

// announce makes this node findable as a holder of a blob. Best effort: connected peers
// are asked anyway.
func (n *network) announce(ctx context.Context, id moot.BlobID) {
	if mesh := n.Mesh(); mesh != nil {
		_ = mesh.Announce(ctx, id)
	}
}

// addrs returns where this node can be reached by peers.
func (n *network) addrs() []string {
	if host := n.Host(); host != nil {
		return host.Addrs()
	}
	return nil
}

// disconnectStrangers ends connections with keys that may not connect any more.
func (n *network) disconnectStrangers() {
	host := n.Host()
	if host == nil {
		return
	}
	for _, p := range host.Peers() {
		if !n.mayConnect(p.ID) {
			host.Disconnect(p.ID)
		}
	}
}

// probe asks a server for the least it can tell.
func (n *network) probe(ctx context.Context, server moot.Peer) app.ServerStatus {
	ctx, cancel := context.WithTimeout(ctx, dial.Timeout)
	defer cancel()
	remote, err := n.dial.Dial(server)
	if err == nil {
		_, err = remote.Vector(ctx)
	}
	if err != nil {
		return app.ServerStatus{Peer: server, Why: err.Error()}
	}
	return app.ServerStatus{Peer: server, Reachable: true}
}

func (n *network) answers(ctx context.Context) func(moot.Peer) bool {
	return func(p moot.Peer) bool { return n.probe(ctx, p).Reachable }
}

// close ends all connections.
func (n *network) close() error {
	var err error
	if mesh := n.Mesh(); mesh != nil {
		err = mesh.Close()
	}
	if host := n.Host(); host != nil {
		err = errors.Join(err, host.Close())
	}
	n.dial.CloseIdle()
	return err
}
