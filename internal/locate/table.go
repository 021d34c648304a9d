package locate

import (
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/mootspace/moot"
)

// protocolPrefix keeps the spaces' tables apart, from everybody else's, and from those of
// other versions of the protocol, whose nodes refuse each other.
func protocolPrefix(space moot.SpaceID) protocol.ID {
	return protocol.ID("/moot/2/" + space.String()[:16])
}

// isMember reports whether a peer ID is that of a member.
func (m *Mesh) isMember(id peer.ID) bool {
	key, err := m.KeyOf(id)
	if err != nil {
		return false
	}
	for _, member := range m.Members() {
		if member == key {
			return true
		}
	}
	return false
}

// updateTable keeps the table in step with the membership: the library calls its filter only
// when a peer connects, but members are revoked, and invited ones become members,
// while they are connected.
func (m *Mesh) updateTable() {
	members := map[peer.ID]bool{}
	for _, key := range m.Members() {
		members[m.PeerID(key)] = true
	}
	table := m.dht.RoutingTable()
	for _, id := range table.ListPeers() {
		if !members[id] {
			table.RemovePeer(id)
		}
	}
	speaks := protocolPrefix(m.Space) + "/kad/1.0.0"
	for _, id := range m.Host.Network().Peers() {
		if !members[id] || table.Find(id) != "" || m.Host.Network().Connectedness(id) != network.Connected {
			continue
		}
		if p, err := m.Host.Peerstore().FirstSupportedProtocol(id, speaks); err == nil && p == speaks {
			_, _ = table.TryAddPeer(id, false, true) // an error means that the bucket is full
		}
	}
}
