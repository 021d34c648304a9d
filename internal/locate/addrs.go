package locate

import (
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/mootspace/moot"
)

const maxAddrs = 16 // of each member

// Add adds addresses of a member, and makes Run dial it at once. Addresses that
// are no multiaddrs are ignored.
func (m *Mesh) Add(p moot.Peer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.addrs[p.ID]
	for _, a := range p.Addrs {
		if len(a) > 0 && a[0] == '/' && !slices.Contains(known, a) {
			known = append(known, a)
		}
	}
	m.addrs[p.ID] = known[max(0, len(known)-maxAddrs):]
	if w := m.retries[p.ID]; w != nil {
		w.next, w.wait = time.Time{}, firstRetry
	}
}

// HandlePeerFound implements mdns.Notifee. Messages on the local network are not
// authenticated: those about members are used, and the handshake proves the key.
func (m *Mesh) HandlePeerFound(info peer.AddrInfo) {
	if key, err := m.KeyOf(info.ID); err == nil && m.isMember(info.ID) {
		m.Add(moot.Peer{ID: key, Addrs: texts(info)})
	}
}

// seen returns the addresses of a member, from Add and from its peers.
func (m *Mesh) seen(key moot.Key) peer.AddrInfo {
	id := m.PeerID(key)
	info := peer.AddrInfo{ID: id, Addrs: m.Host.Peerstore().Addrs(id)}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.addrs[key] {
		if a, err := ma.NewMultiaddr(s); err == nil {
			if a, _ = peer.SplitAddr(a); a != nil {
				info.Addrs = append(info.Addrs, a)
			}
		}
	}
	return info
}
