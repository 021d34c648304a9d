package locate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	"github.com/multiformats/go-multihash"

	"github.com/mootspace/moot"
)

// MeshConfig says among whom a node looks.
type MeshConfig struct {
	Host    host.Host
	Space   moot.Key
	Self    moot.Key
	Members func() []moot.Key // in force, other than Self
	KeyOf   func(peer.ID) (moot.Key, error)
	PeerID  func(moot.Key) peer.ID
	Known   []moot.Peer // where some were seen, as multiaddrs; other addresses are ignored
	MDNS    bool        // look for members on the local network, and be found (RFC 6762)
	Log     *slog.Logger
}

// Mesh locates among peers: those connected first, then those that a Kademlia table
// (Maymounkov and Mazières, IPTPS 2002) of this space's own names as holders.
type Mesh struct {
	MeshConfig
	dht  *dht.IpfsDHT
	mdns mdns.Service

	announced chan moot.BlobID
	once      sync.Once
	closeErr  error

	mu    sync.Mutex
	addrs map[moot.Key][]string  // where members were seen
	again map[moot.Key]*patience // when to dial them next
}

// protocolPrefix keeps the spaces' tables apart, and from everybody else's.
func protocolPrefix(space moot.Key) protocol.ID {
	return protocol.ID("/moot/" + space.String()[:16])
}

// serviceTag names the space on the local network to those who know its key only.
func serviceTag(space moot.Key) string {
	sum := sha256.Sum256(append([]byte("moot mdns v1\x00"), space[:]...))
	return "_moot-" + hex.EncodeToString(sum[:])[:8] + "._udp"
}

// NewMesh joins the space's table. Run keeps the node connected.
func NewMesh(ctx context.Context, cfg MeshConfig) (*Mesh, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	m := &Mesh{MeshConfig: cfg, announced: make(chan moot.BlobID, 4096), addrs: map[moot.Key][]string{}, again: map[moot.Key]*patience{}}
	table, err := dht.New(ctx, cfg.Host,
		dht.ProtocolPrefix(protocolPrefix(cfg.Space)),
		dht.Mode(dht.ModeServer),
		dht.DisableValues(),
		dht.BucketSize(20),
		dht.RoutingTableFilter(func(_ any, id peer.ID) bool { return m.isMember(id) }),
		dht.QueryFilter(func(_ any, info peer.AddrInfo) bool { return m.isMember(info.ID) }),
	)
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "join the space's hash table: %w", err)
	}
	m.dht = table
	for _, p := range cfg.Known {
		m.Add(p)
	}
	if cfg.MDNS {
		m.mdns = mdns.NewMdnsService(cfg.Host, serviceTag(cfg.Space), m)
		if err := m.mdns.Start(); err != nil { // a machine without multicast is no reason to stay alone
			m.Log.Debug("mDNS does not work here", "error", err)
			m.mdns = nil
		}
	}
	return m, nil
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

// maxProviders is how many holders the table is asked for.
const maxProviders = 32

// Locate implements moot.Locator.
func (m *Mesh) Locate(ctx context.Context, id moot.BlobID) iter.Seq[moot.Peer] {
	return func(yield func(moot.Peer) bool) {
		for _, n := range m.neighbours() {
			if !yield(n) {
				return
			}
		}
		if m.dht.RoutingTable().Size() == 0 {
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		for info := range m.dht.FindProvidersAsync(ctx, cidOf(id), maxProviders) {
			key, err := m.KeyOf(info.ID)
			if err != nil || key == m.Self || !m.isMember(info.ID) {
				continue
			}
			if !yield(moot.Peer{ID: key, Addrs: texts(info)}) {
				return
			}
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

// cidOf names a blob in the table, in the form that the table's library wants.
func cidOf(id moot.BlobID) cid.Cid {
	sum, err := multihash.Encode(id[:], multihash.BLAKE3)
	if err != nil { // 32 bytes always fit
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, sum)
}

// Announce implements moot.Locator: it has Run tell the table. When more wait than
// can be told, new ones are left out: neighbours are asked directly anyway.
func (m *Mesh) Announce(_ context.Context, id moot.BlobID) error {
	select {
	case m.announced <- id:
	default:
	}
	return nil
}

// Authority implements moot.Locator: among peers nobody's word is law.
func (m *Mesh) Authority() (moot.Authority, bool) { return moot.Authority{}, false }

const provideWithin = 30 * time.Second

// provide tells the table what this node holds.
func (m *Mesh) provide(ctx context.Context) {
	for {
		select {
		case id := <-m.announced:
			if m.dht.RoutingTable().Size() == 0 {
				continue
			}
			within, cancel := context.WithTimeout(ctx, provideWithin)
			if err := m.dht.Provide(within, cidOf(id), true); err != nil && ctx.Err() == nil {
				m.Log.Debug("announce", "blob", id, "error", err)
			}
			cancel()
		case <-ctx.Done():
			return
		}
	}
}

// Close leaves the table; the host stays.
func (m *Mesh) Close() error {
	m.once.Do(func() {
		if m.mdns != nil {
			m.mdns.Close()
		}
		m.closeErr = m.dht.Close()
	})
	return m.closeErr
}
