package daemon

import (
	"context"
	"net"
	"strings"

	"github.com/libp2p/go-libp2p/core/host"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/front/cli"
	"github.com/mootspace/moot/internal/gossip"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/locate"
)

// openPeer makes this node one among peers.
func (d *doors) openPeer(o cli.RunOptions) error {
	listen, err := peerListen(o)
	if err != nil {
		return err
	}
	if err := d.joinMesh(d.ctx, listen); err != nil {
		return err
	}
	handler := d.handler()
	d.hold(func() error { return d.host.Serve(d.ctx, handler) })
	return nil
}

// peerListen returns the multiaddrs to listen on.
func peerListen(o cli.RunOptions) ([]string, error) {
	hosts, port, named := []string{"0.0.0.0", "::"}, freePort(peerPort), o.Listen
	if o.Serve { // named for HTTPS: peers are answered on the same interfaces
		hosts = nil
		for _, a := range o.Listen {
			if h, _, err := net.SplitHostPort(a); err == nil && h != "" {
				hosts = append(hosts, h)
			}
		}
		if len(hosts) == 0 {
			hosts = []string{"0.0.0.0", "::"}
		}
		named = nil
	}
	var listen []string
	for _, a := range named {
		if strings.HasPrefix(a, "/") {
			listen = append(listen, a)
			continue
		}
		h, p, err := net.SplitHostPort(a)
		if err != nil {
			return nil, moot.Errorf(moot.Invalid, "--listen %q: want host:port or a multiaddr", a)
		}
		listen = append(listen, multiaddrs(orDefault(h, "0.0.0.0"), p)...)
	}
	if len(listen) > 0 {
		return listen, nil
	}
	for _, h := range hosts {
		listen = append(listen, multiaddrs(h, port)...)
	}
	return listen, nil
}

// freePort returns the port if nobody listens on it, else "0": any.
func freePort(port string) string {
	ln, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return "0"
	}
	ln.Close()
	return port
}

func multiaddrs(h, port string) []string {
	family := "/ip4/"
	switch ip := net.ParseIP(h); {
	case ip == nil:
		family = "/dns/"
	case ip.To4() == nil:
		family = "/ip6/"
	}
	return []string{family + h + "/tcp/" + port, family + h + "/udp/" + port + "/quic-v1"}
}

// joinMesh connects this node with peers; without addresses to listen on it only dials.
func (n *node) joinMesh(ctx context.Context, listen []string) (err error) {
	n.host, err = link.NewHost(link.HostConfig{Key: n.key, Listen: listen, Allow: n.knows, Relay: len(listen) > 0, Log: n.log})
	if err != nil {
		return err
	}
	known := append(n.peers(), n.servers(ctx)...)
	n.mesh, err = locate.NewMesh(ctx, locate.MeshConfig{
		Host: n.host.LibP2P(), Space: n.settings.Space, Self: n.self(),
		Members: n.memberKeys, KeyOf: link.KeyOf, PeerID: link.PeerID,
		Known: known, MDNS: len(listen) > 0, Log: n.log,
	})
	if err != nil {
		return err
	}
	n.crew.Go(func() { n.mesh.Run(ctx) })
	return nil
}

// gossip keeps the catalogue in step with peers and servers.
func (n *node) gossip(ctx context.Context) {
	var h host.Host
	if n.host != nil {
		h = n.host.LibP2P()
	}
	err := gossip.Run(ctx, gossip.Config{
		Host: h, Space: n.settings.Space, Self: n.self(), Local: n.store,
		Neighbours: n.neighbours, Servers: n.servers, Key: link.KeyOf, Member: n.isMember,
		Dial: n.dial.Dial, Log: n.log,
		Reached: func(moot.Peer, int, int) {
			n.heard()
			n.forgetStaleVias(ctx)
		},
	})
	if err != nil && ctx.Err() == nil {
		n.log.Error("gossip ended", "error", err)
	}
}

// forgetStaleVias has the architectures made anew if the space's servers changed.
func (n *node) forgetStaleVias(ctx context.Context) {
	servers := n.servers(ctx)
	n.mu.Lock()
	defer n.mu.Unlock()
	if !samePeers(servers, n.viaServers) {
		clear(n.vias)
	}
	n.viaServers = servers
}

func samePeers(a, b []moot.Peer) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ID != b[i].ID || strings.Join(a[i].Addrs, " ") != strings.Join(b[i].Addrs, " ") {
			return false
		}
	}
	return true
}

// announceAll makes this node findable as a holder of what it holds.
func (n *node) announceAll(ctx context.Context) {
	for b, err := range n.store.Blobs(ctx) {
		if err != nil || ctx.Err() != nil {
			return
		}
		n.mesh.Announce(ctx, b.ID) // best effort: neighbours are asked anyway
	}
}
