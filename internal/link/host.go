package link

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/net/gostream"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
	"golang.org/x/sync/errgroup"

	"github.com/mootspace/moot"
)

// Protocols of HTTP over a libp2p stream, one connection of net/http each. The one of the
// version before is spoken, too: there both sides learn, over HTTP, that they differ.
const (
	Protocol    = "/moot/http/2"
	oldProtocol = "/moot/http/1"
)

// HostConfig configures a host.
type HostConfig struct {
	Key    ed25519.PrivateKey
	Listen []string            // multiaddrs; none: the host only dials
	Allow  func(moot.Key) bool // others are refused in the handshake
	Relay  bool                // help members behind NATs to reach each other
	Log    *slog.Logger
}

// Host is this node among peers: libp2p over TCP with TLS, and over QUIC.
type Host struct {
	host host.Host
	log  *slog.Logger
}

// NewHost starts listening. Close ends it.
func NewHost(cfg HostConfig) (*Host, error) {
	key, err := crypto.UnmarshalEd25519PrivateKey(cfg.Key)
	if err != nil {
		return nil, moot.Errorf(moot.Invalid, "the node's key: %w", err)
	}
	opts := []libp2p.Option{
		libp2p.Identity(key),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Transport(libp2pquic.NewTransport),
		libp2p.Security(libp2ptls.ID, libp2ptls.New),
		libp2p.SwarmOpts(swarm.WithDialRanker(rank), swarm.WithDialTimeoutLocal(connectLocally)),
		libp2p.ConnectionGater(gater{cfg.Allow}),
		libp2p.UserAgent("moot"),
		libp2p.DisableMetrics(),
		libp2p.EnableHolePunching(),
		libp2p.Ping(false),
	}
	if len(cfg.Listen) == 0 {
		opts = append(opts, libp2p.NoListenAddrs, libp2p.EnableRelay())
	} else {
		opts = append(opts, libp2p.ListenAddrStrings(cfg.Listen...))
	}
	if cfg.Relay {
		opts = append(opts, libp2p.EnableRelayService(), libp2p.NATPortMap())
	}
	h, err := libp2p.New(opts...)
	if err != nil {
		return nil, moot.Errorf(moot.Invalid, "cannot listen on %s: %w", strings.Join(cfg.Listen, ", "), err)
	}
	return &Host{host: h, log: orDiscard(cfg.Log)}, nil
}

// rank dials TCP before QUIC, which is slower where both work, and relays last.
func rank(addrs []ma.Multiaddr) []network.AddrDelay {
	delayed := make([]network.AddrDelay, 0, len(addrs))
	for _, a := range addrs {
		var delay time.Duration
		if _, err := a.ValueForProtocol(ma.P_QUIC_V1); err == nil {
			delay = 300 * time.Millisecond
		}
		if _, err := a.ValueForProtocol(ma.P_CIRCUIT); err == nil {
			delay = time.Second
		}
		delayed = append(delayed, network.AddrDelay{Addr: a, Delay: delay})
	}
	return delayed
}

// Serve answers the requests of peers until ctx ends.
func (h *Host) Serve(ctx context.Context, handler http.Handler) error {
	serving, ctx := errgroup.WithContext(ctx)
	for _, p := range []protocol.ID{Protocol, oldProtocol} {
		ln, err := gostream.Listen(h.host, p, gostream.IgnoreEOF())
		if err != nil {
			return moot.Errorf(moot.Internal, "serve peers: %w", err)
		}
		serving.Go(func() error { return serve(ctx, ln, peerServer(handler)) })
	}
	return serving.Wait()
}

// peerServer sets the caller to the key that the connection has proven.
func peerServer(handler http.Handler) *http.Server {
	return &http.Server{Handler: handler, ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		id, err := peer.Decode(c.RemoteAddr().String())
		if err != nil {
			return ctx
		}
		key, err := KeyOf(id)
		if err != nil {
			return ctx
		}
		return moot.WithCaller(ctx, key)
	}}
}

// connectWithin bounds the time in which a peer must be reached.
const connectWithin = 10 * time.Second

// connectLocally bounds one attempt within a local network: QUIC would wait for longer
// although TCP was refused, because the peer's program does not run.
const connectLocally = 2 * time.Second

// Connect makes sure that there is a connection. Kind Unavailable, or Denied if one
// of the two does not want it, or Invalid if the peer's key is zero.
func (h *Host) Connect(ctx context.Context, p moot.Peer) error {
	if p.ID == (moot.Key{}) {
		return errNoKey()
	}
	id := PeerID(p.ID)
	if h.host.Network().Connectedness(id) == network.Connected {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	if s, ok := h.host.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(id) // a request waits, and the peer may be back
	}
	if err := h.host.Connect(ctx, peer.AddrInfo{ID: id, Addrs: dialable(p.Addrs)}); err != nil {
		h.log.Debug("a peer cannot be reached", "key", p.ID, "name", p.Name, "error", err)
		return unreachable(err)
	}
	return nil
}

// unreachable says in words for people why a peer does not answer, without its addresses.
func unreachable(err error) error {
	var code syscall.Errno
	switch {
	case errors.Is(err, swarm.ErrNoAddresses), errors.Is(err, swarm.ErrNoGoodAddresses):
		return moot.Errorf(moot.Unavailable, "cannot be reached: no address is known")
	case errors.As(err, &code):
		return moot.Errorf(moot.Unavailable, "cannot be reached: %s", code)
	case errors.Is(err, context.DeadlineExceeded):
		return moot.Errorf(moot.Unavailable, "cannot be reached: no answer")
	}
	return moot.Errorf(moot.Unavailable, "cannot be reached")
}

// dialable reads multiaddrs, without the peer's ID at their end; others are left out.
func dialable(addrs []string) []ma.Multiaddr {
	var list []ma.Multiaddr
	for _, s := range addrs {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			continue
		}
		if a, _ = peer.SplitAddr(a); a != nil {
			list = append(list, a)
		}
	}
	return list
}

// Peers returns the connected peers with their addresses.
func (h *Host) Peers() []moot.Peer {
	var peers []moot.Peer
	for _, id := range h.host.Network().Peers() {
		if h.host.Network().Connectedness(id) != network.Connected {
			continue
		}
		if key, err := KeyOf(id); err == nil {
			peers = append(peers, moot.Peer{ID: key, Addrs: texts(h.host.Peerstore().Addrs(id))})
		}
	}
	return peers
}

// Remember stores a peer's addresses.
func (h *Host) Remember(p moot.Peer) {
	h.host.Peerstore().AddAddrs(PeerID(p.ID), dialable(p.Addrs), peerstore.RecentlyConnectedAddrTTL)
}

// Addrs returns the addresses of this host.
func (h *Host) Addrs() []string {
	return texts(h.host.Addrs())
}

func texts(addrs []ma.Multiaddr) []string {
	list := make([]string, 0, len(addrs))
	for _, a := range addrs {
		list = append(list, a.String())
	}
	return list
}

// Disconnect ends all connections with the holder of a key.
func (h *Host) Disconnect(k moot.Key) {
	id := PeerID(k)
	h.host.Peerstore().ClearAddrs(id)
	if err := h.host.Network().ClosePeer(id); err != nil {
		h.log.Debug("disconnect", "peer", k, "error", err)
	}
}

// LibP2P returns the host itself, for discovery and gossip.
func (h *Host) LibP2P() host.Host { return h.host }

// Close ends all connections.
func (h *Host) Close() error { return h.host.Close() }
