package daemon

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/wire"
)

// dialTimeout bounds how long one address of a server may stay silent.
const dialTimeout = 5 * time.Second

// dialer turns peers into nodes: by HTTPS if they name an https address, else by
// libp2p. It keeps one client, and so one pool of connections, for each.
type dialer struct {
	n       *node
	mu      sync.Mutex
	clients map[string]pooled
}

type pooled struct {
	*wire.Client
	transport interface{ CloseIdleConnections() }
}

func newDialer(n *node) *dialer { return &dialer{n: n, clients: map[string]pooled{}} }

func (d *dialer) Dial(p moot.Peer) (moot.Node, error) {
	web := httpsAddrs(p.Addrs)
	id := p.ID.String() + strings.Join(web, " ")
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := d.clients[id]; ok {
		return d.n.metered(c), nil
	}
	c, err := d.client(p, web)
	if err != nil {
		return nil, err
	}
	d.clients[id] = c
	return d.n.metered(c), nil
}

// worker returns a node that is asked to run tasks.
func (d *dialer) worker(p moot.Peer) (remoteNode, error) {
	n, err := d.Dial(p)
	if err != nil {
		return remoteNode{}, err
	}
	return n.(remoteNode), nil // Dial made it
}

func (d *dialer) client(p moot.Peer, web []string) (pooled, error) {
	if len(web) > 0 {
		transport, err := serverTransport(d.n.key, p.ID, web)
		if err != nil {
			return pooled{}, err
		}
		return pooled{wire.NewClient(transport, web[0]), transport}, nil
	}
	if d.n.host == nil {
		return pooled{}, moot.Errorf(moot.Unavailable, "%s can only be reached as a peer, and this node has no peer-to-peer link", p.ID.Short())
	}
	return peerClient(d.n.host, p), nil
}

func peerClient(h *link.Host, p moot.Peer) pooled {
	transport := h.Transport(p)
	return pooled{wire.NewClient(transport, "http://"+p.ID.Short()), transport}
}

// serverTransport speaks to a server as the holder of key.
func serverTransport(key ed25519.PrivateKey, server moot.Key, web []string) (*http.Transport, error) {
	transport, err := link.TLSTransport(key, server)
	if err != nil {
		return nil, err
	}
	transport.DialContext = dialAny(web)
	return transport, nil
}

// dialAny connects to the first of a server's addresses that answers.
func dialAny(web []string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var failed error
		for _, base := range web {
			u, err := url.Parse(base)
			if err != nil {
				continue
			}
			host := u.Host
			if u.Port() == "" {
				host = net.JoinHostPort(u.Hostname(), "443")
			}
			conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, host)
			if err == nil {
				return conn, nil
			}
			failed = err
		}
		return nil, moot.Errorf(moot.Unavailable, "does not answer: %s", reason(failed))
	}
}

// reason is why a connection failed, without what was said already.
func reason(err error) string {
	var op *net.OpError
	if !errors.As(err, &op) {
		return "it has no address"
	}
	var syscall *os.SyscallError
	if errors.As(op.Err, &syscall) {
		return syscall.Err.Error()
	}
	return op.Err.Error()
}

func httpsAddrs(addrs []string) (web []string) {
	for _, a := range addrs {
		if strings.HasPrefix(a, "https://") {
			web = append(web, strings.TrimSuffix(a, "/"))
		}
	}
	return web
}

func (d *dialer) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.clients {
		c.transport.CloseIdleConnections()
	}
}
