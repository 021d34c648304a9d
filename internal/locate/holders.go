package locate

import (
	"context"
	"iter"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"

	"github.com/mootspace/moot"
)

// maxProviders is the number of holders requested from the table.
const maxProviders = 32

// Locate implements moot.Locator: the members connected now and, unless these are all,
// the holders in the table.
func (m *Mesh) Locate(ctx context.Context, id moot.BlobID) iter.Seq[moot.Peer] {
	return func(yield func(moot.Peer) bool) {
		near := m.neighbours()
		for _, n := range near {
			if ctx.Err() != nil || !yield(n) {
				return
			}
		}
		if m.dht.RoutingTable().Size() > 0 && len(near) < len(m.Members()) { // else the table has no other node
			m.holders(ctx, id, yield)
		}
	}
}

// holders yields the members that the table names. It returns as soon as ctx ends,
// whatever the table's library still waits for.
func (m *Mesh) holders(ctx context.Context, id moot.BlobID, yield func(moot.Peer) bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	found := m.dht.FindProvidersAsync(ctx, cidOf(id), maxProviders)
	for {
		select {
		case info, more := <-found:
			if !more {
				return
			}
			key, err := m.KeyOf(info.ID)
			if err != nil || key == m.Self || !m.isMember(info.ID) {
				continue
			}
			if !yield(moot.Peer{ID: key, Addrs: texts(info)}) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// neighbours returns the members connected now.
func (m *Mesh) neighbours() []moot.Peer {
	var list []moot.Peer
	for _, id := range m.Host.Network().Peers() {
		key, err := m.KeyOf(id)
		if err != nil || m.Host.Network().Connectedness(id) != network.Connected || !m.isMember(id) {
			continue
		}
		list = append(list, moot.Peer{ID: key, Addrs: texts(m.Host.Peerstore().PeerInfo(id))})
	}
	return list
}

func texts(info peer.AddrInfo) []string {
	list := make([]string, 0, len(info.Addrs))
	for _, a := range info.Addrs {
		list = append(list, a.String())
	}
	return list
}

// cidOf names a blob in the table, in the form that the table's library wants.
func cidOf(id moot.BlobID) cid.Cid {
	sum, err := multihash.Encode(id[:], multihash.BLAKE3)
	if err != nil { // 32 bytes always fit
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, sum)
}
