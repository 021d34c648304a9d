package locate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"sync"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/mootspace/moot"
)

// MeshConfig configures a Mesh.
type MeshConfig struct {
	Host    host.Host
	Space   moot.SpaceID
	Self    moot.Key
	Members func() []moot.Key // in force, other than Self; a list of the caller's own, from any goroutine
	KeyOf   func(peer.ID) (moot.Key, error)
	PeerID  func(moot.Key) peer.ID
	Known   []moot.Peer // of members, with multiaddrs; other addresses are ignored
	MDNS    bool        // search for members on the local network, and be found (RFC 6762)
	Log     *slog.Logger
}

// Mesh locates among peers: those connected first, then those that a Kademlia table
// (Maymounkov and Mazières, IPTPS 2002) of this space's own names as holders.
type Mesh struct {
	MeshConfig
	dht    *dht.IpfsDHT
	search mdnsSearch

	announced chan moot.BlobID
	once      sync.Once
	closeErr  error

	mu      sync.Mutex
	addrs   map[moot.Key][]string // of members
	retries map[moot.Key]*retry   // of members
}

var _ moot.Locator = (*Mesh)(nil)

// alpha is the number of nodes that a lookup queries at once, as in the Kademlia paper.
const alpha = 3

// serviceTag names the space on the local network without disclosing its key. A
// service's name has at most 15 characters (RFC 6335, section 5.1), so that spaces may
// share one: members are identified by their keys, not by the tag.
func serviceTag(space moot.SpaceID) string {
	sum := sha256.Sum256(append([]byte("moot mdns v1\x00"), space[:]...))
	return "_moot-" + hex.EncodeToString(sum[:])[:8] + "._udp"
}

// NewMesh joins the space's table. Run keeps the node connected. The error is of
// kind Internal.
func NewMesh(ctx context.Context, cfg MeshConfig) (*Mesh, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	m := &Mesh{
		MeshConfig: cfg, announced: make(chan moot.BlobID, maxAnnounced),
		addrs: map[moot.Key][]string{}, retries: map[moot.Key]*retry{},
	}
	for _, p := range cfg.Known {
		m.Add(p)
	}
	table, err := dht.New(ctx, cfg.Host,
		dht.ProtocolPrefix(protocolPrefix(cfg.Space)),
		dht.Mode(dht.ModeServer),
		dht.DisableValues(),
		dht.BucketSize(20),
		dht.Concurrency(alpha),
		dht.LookupCheckConcurrency(16),
		dht.RoutingTableFilter(func(_ any, id peer.ID) bool { return m.isMember(id) }),
		dht.QueryFilter(func(_ any, info peer.AddrInfo) bool { return m.isMember(info.ID) }),
	)
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "join the space's hash table: %w", err)
	}
	m.dht = table
	m.updateSearch(time.Now())
	return m, nil
}

// Authority implements moot.Locator: among peers there is none.
func (m *Mesh) Authority() (moot.Authority, bool) { return moot.Authority{}, false }

// Close leaves the table; the host stays. Run is ended by its context.
func (m *Mesh) Close() error {
	m.once.Do(func() {
		m.search.close()
		m.closeErr = m.dht.Close()
	})
	return m.closeErr
}
