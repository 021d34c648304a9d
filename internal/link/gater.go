package link

import (
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/mootspace/moot"
)

// gater ends connections with strangers as soon as their key is known: right after
// the handshake, before any protocol.
type gater struct{ allow func(moot.Key) bool }

func (g gater) known(id peer.ID) bool {
	key, err := KeyOf(id)
	return err == nil && g.allow(key)
}

// InterceptPeerDial implements libp2p's ConnectionGater.
func (g gater) InterceptPeerDial(id peer.ID) bool { return g.known(id) }

// InterceptAddrDial implements libp2p's ConnectionGater.
func (g gater) InterceptAddrDial(id peer.ID, _ ma.Multiaddr) bool { return g.known(id) }

// InterceptAccept implements libp2p's ConnectionGater: the key is not known yet.
func (g gater) InterceptAccept(network.ConnMultiaddrs) bool { return true }

// InterceptSecured implements libp2p's ConnectionGater.
func (g gater) InterceptSecured(_ network.Direction, id peer.ID, _ network.ConnMultiaddrs) bool {
	return g.known(id)
}

// InterceptUpgraded implements libp2p's ConnectionGater.
func (g gater) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
