package locate

import (
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/mootspace/moot"
)

const maxAddrs = 16 // kept for each member

// Add learns where a member may be reached, and has Run try at once. Addresses that
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
	if w := m.again[p.ID]; w != nil {
		w.until, w.wait = time.Time{}, firstRetry
	}
}

// HandlePeerFound implements mdns.Notifee. Anybody on the local network can say
// anything, so only what it says of members is heard; the handshake proves it.
func (m *Mesh) HandlePeerFound(info peer.AddrInfo) {
	if key, err := m.KeyOf(info.ID); err == nil && m.isMember(info.ID) {
		m.Add(moot.Peer{ID: key, Addrs: texts(info)})
	}
}

// seen returns where a member was seen: as Add was told, and as peers have said.
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
