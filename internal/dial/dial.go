// Package dial turns peers into nodes: over HTTPS if they have an https address, else
// over libp2p. Blobs pass at limited rates.
//
// It must not know which peers are asked, what for, or in which architecture.
package dial

import (
	"crypto/ed25519"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/throttle"
	"github.com/mootspace/moot/internal/wire"
)

// Timeout bounds how long one address of a server may take to accept a connection.
const Timeout = 5 * time.Second

// Config is what a Dialer needs.
type Config struct {
	Key  ed25519.PrivateKey // of this node
	Host func() *link.Host  // this node among peers; nil results: it has no peer-to-peer link
	In   *throttle.Throttle // bytes of blobs from others
	Out  *throttle.Throttle // bytes of blobs to others
	// Wrap is applied to the transport to each peer; nil leaves transports as they are.
	Wrap func(moot.Peer, http.RoundTripper) http.RoundTripper
}

// Dialer keeps one client, and so one pool of connections, for each peer. It is safe
// for concurrent use.
type Dialer struct {
	cfg     Config
	mu      sync.Mutex
	clients map[string]Client
}

// New returns a Dialer without connections.
func New(cfg Config) *Dialer {
	if cfg.Wrap == nil {
		cfg.Wrap = func(_ moot.Peer, rt http.RoundTripper) http.RoundTripper { return rt }
	}
	return &Dialer{cfg: cfg, clients: map[string]Client{}}
}

// Dial returns the node behind a peer: it implements moot.Dialer.
func (d *Dialer) Dial(p moot.Peer) (moot.Node, error) {
	n, err := d.Remote(p)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// Remote is Dial, and the node can run tasks, too.
func (d *Dialer) Remote(p moot.Peer) (Remote, error) {
	c, err := d.Client(p)
	return Remote{c.Client, d.cfg.In, d.cfg.Out}, err
}

// Client returns the HTTP client of a peer, without limits of rates.
func (d *Dialer) Client(p moot.Peer) (Client, error) {
	web := HTTPS(p.Addrs)
	id := p.ID.String() + strings.Join(web, " ")
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := d.clients[id]; ok {
		return c, nil
	}
	c, err := d.newClient(p, web)
	if err == nil {
		d.clients[id] = c
	}
	return c, err
}

func (d *Dialer) newClient(p moot.Peer, web []string) (Client, error) {
	if len(web) > 0 {
		return server(d.cfg.Key, p, web, d.cfg.Wrap)
	}
	host := d.cfg.Host()
	if host == nil {
		return Client{}, moot.Errorf(moot.Unavailable, "%s can only be reached as a peer, and this node has no peer-to-peer link", p.ID.Short())
	}
	return peer(host, p, d.cfg.Wrap), nil
}

// CloseIdle closes connections that no request uses.
func (d *Dialer) CloseIdle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.clients {
		c.idle.CloseIdleConnections()
	}
}

// Client is a node on the wire with its pool of connections.
type Client struct {
	*wire.Client
	idle interface{ CloseIdleConnections() }
}

// Close closes the connections that no request uses.
func (c Client) Close() { c.idle.CloseIdleConnections() }

// Server returns a client of a server by its https addresses, which asks as the holder
// of key. wrap is applied to the transport.
func Server(key ed25519.PrivateKey, p moot.Peer, wrap func(moot.Peer, http.RoundTripper) http.RoundTripper) (Client, error) {
	return server(key, p, HTTPS(p.Addrs), wrap)
}

// Peer returns a client of a peer, which asks as the host's holder.
func Peer(h *link.Host, p moot.Peer, wrap func(moot.Peer, http.RoundTripper) http.RoundTripper) Client {
	return peer(h, p, wrap)
}

func server(key ed25519.PrivateKey, p moot.Peer, web []string, wrap func(moot.Peer, http.RoundTripper) http.RoundTripper) (Client, error) {
	if len(web) == 0 {
		return Client{}, moot.Errorf(moot.Unavailable, "%s has no https address", p.ID.Short())
	}
	transport, err := link.TLSTransport(key, p.ID)
	if err != nil {
		return Client{}, err
	}
	transport.DialContext = dialAny(web)
	return Client{wire.NewClient(wrap(p, transport), web[0]), transport}, nil
}

func peer(h *link.Host, p moot.Peer, wrap func(moot.Peer, http.RoundTripper) http.RoundTripper) Client {
	transport := h.Transport(p)
	return Client{wire.NewClient(wrap(p, transport), "http://"+p.ID.Short()), transport}
}
