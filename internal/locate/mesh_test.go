package locate_test

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	libp2ppeer "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/net/conngater"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multihash"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/locate"
)

// prefix is what the space's table is called between nodes.
var prefix = protocol.ID("/moot/2/" + space.String()[:16])

// people are the members according to a node.
type people struct {
	mu   sync.Mutex
	keys []moot.Key
}

func (p *people) list() []moot.Key {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.keys)
}

func (p *people) are(hosts ...host.Host) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = nil
	for _, h := range hosts {
		p.keys = append(p.keys, keyOf(h))
	}
}

func keyOf(h host.Host) moot.Key {
	key, err := link.KeyOf(h.ID())
	if err != nil {
		panic(err) // the test's own keys
	}
	return key
}

func newKey(t *testing.T) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newHost starts a bare host, which lets everybody in.
func newHost(t *testing.T, key crypto.PrivKey, listen string, gate connmgr.ConnectionGater) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.Identity(key), libp2p.ListenAddrStrings(listen), libp2p.Transport(tcp.NewTCPTransport),
		libp2p.DisableRelay(), libp2p.DisableMetrics(), libp2p.ConnectionGater(gate))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

const anyPort = "/ip4/127.0.0.1/tcp/0"

func host1(t *testing.T) host.Host { return newHost(t, newKey(t), anyPort, nil) }

// join gives a host a mesh that has not been started.
func join(t *testing.T, h host.Host, members *people, known ...moot.Peer) *locate.Mesh {
	t.Helper()
	m, err := locate.NewMesh(t.Context(), locate.MeshConfig{
		Host: h, Space: space, Self: keyOf(h), Members: members.list, KeyOf: link.KeyOf, PeerID: link.PeerID, Known: known,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 2 {
			if err := m.Close(); err != nil {
				t.Error("close:", err)
			}
		}
	})
	return m
}

// run starts a mesh, until the test ends.
func run(t *testing.T, m *locate.Mesh) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { m.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
}

// at returns a host's addresses; one of them in the form used in invitations.
func at(h host.Host) moot.Peer {
	p := moot.Peer{ID: keyOf(h), Addrs: []string{"https://127.0.0.1:1"}}
	for _, a := range h.Addrs() {
		p.Addrs = append(p.Addrs, a.String()+"/p2p/"+h.ID().String())
	}
	return p
}

func connect(t *testing.T, a, b host.Host) {
	t.Helper()
	if err := a.Connect(t.Context(), libp2ppeer.AddrInfo{ID: b.ID(), Addrs: b.Addrs()}); err != nil {
		t.Fatal(err)
	}
}

func connected(a, b host.Host) bool {
	return a.Network().Connectedness(b.ID()) == network.Connected
}

// named returns a host as a mesh names it.
func named(t *testing.T, m *locate.Mesh, id moot.BlobID, h host.Host) (moot.Peer, bool) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for p := range m.Locate(ctx, id) {
		if p.ID == keyOf(h) {
			return p, true
		}
	}
	return moot.Peer{}, false
}

// apart keeps a host from connecting with another.
func apart(t *testing.T, from libp2ppeer.ID) connmgr.ConnectionGater {
	t.Helper()
	gate, err := conngater.NewBasicConnectionGater(nil)
	if err == nil {
		err = gate.BlockPeer(from)
	}
	if err != nil {
		t.Fatal(err)
	}
	return gate
}

// spy speaks the table's protocol without being a mesh, and reads its victim's table.
type spy struct {
	host   host.Host
	table  *dht.IpfsDHT
	victim libp2ppeer.ID
}

func newSpy(t *testing.T, on host.Host) *spy {
	t.Helper()
	h := host1(t)
	table, err := dht.New(t.Context(), h, dht.ProtocolPrefix(prefix), dht.Mode(dht.ModeServer), dht.DisableValues())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	connect(t, h, on)
	eventually(t, "the spy speaks with its victim", func() bool { return table.RoutingTable().Find(on.ID()) != "" })
	return &spy{h, table, on.ID()}
}

// lists reports whether the victim's table leads to a host.
func (s *spy) lists(t *testing.T, h host.Host) bool {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for _, id := range s.table.RoutingTable().ListPeers() {
		if id != s.victim { // known from before, and perhaps no longer in the victim's
			s.table.RoutingTable().RemovePeer(id)
		}
	}
	ids, err := s.table.GetClosestPeers(ctx, "any key")
	if err != nil {
		t.Fatal(err)
	}
	return slices.Contains(ids, h.ID())
}

// cidOf is a blob's name in the table: its BLAKE3 hash.
func cidOf(t *testing.T, id moot.BlobID) cid.Cid {
	t.Helper()
	sum, err := multihash.Encode(id[:], multihash.BLAKE3)
	if err != nil {
		t.Fatal(err)
	}
	return cid.NewCidV1(cid.Raw, sum)
}

// provides claims to hold a blob.
func (s *spy) provides(t *testing.T, id moot.BlobID) {
	t.Helper()
	if err := s.table.Provide(t.Context(), cidOf(t, id), true); err != nil {
		t.Fatal(err)
	}
}

// finds reports whether a host is a holder according to unfiltered answers.
func (s *spy) finds(t *testing.T, id moot.BlobID, h host.Host) bool {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for info := range s.table.FindProvidersAsync(ctx, cidOf(t, id), 0) {
		if info.ID == h.ID() {
			return true
		}
	}
	return false
}
