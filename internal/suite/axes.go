package suite

import (
	"context"
	"net/http"
	"path/filepath"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/locate"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/wire"
)

// Stores are the kinds of store, each as where a new one keeps its things.
var Stores = map[string]func(t T) store.Config{
	"memory": func(T) store.Config { return store.Config{} },
	"sqlite": func(t T) store.Config {
		dir := t.TempDir()
		return store.Config{Database: filepath.Join(dir, "moot.db"), Blobs: filepath.Join(dir, "blobs")}
	},
}

// Architectures are the answers to "whom do I ask?".
var Architectures = map[string]func(m *Member) moot.Locator{
	"client-server": func(m *Member) moot.Locator { return m.server(locate.None()) },
	"peer-to-peer":  func(m *Member) moot.Locator { return m.near() },
	"hybrid": func(m *Member) moot.Locator {
		if m.isServer() {
			return m.near()
		}
		return locate.Both(m.server(nil), m.near())
	},
}

// Link connects members.
type Link interface {
	// Listen answers others with the handler, and returns where.
	Listen(m *Member, h http.Handler) (addrs []string, err error)
	// Dial returns the node behind a peer.
	Dial(m *Member, p moot.Peer) (moot.Node, error)
	// Cut ends m's connections with another member.
	Cut(m *Member, other moot.Key)
	Close()
}

// Links are the kinds of link, each as a new end of one.
var Links = map[string]func(m *Member) Link{
	"in process": func(*Member) Link { return &direct{} },
	"https":      func(*Member) Link { return &https{used: map[moot.Key]*http.Transport{}} },
	"libp2p":     func(*Member) Link { return &libp2p{} },
}

// direct calls the other member's store, after asking its guard.
type direct struct{}

func (*direct) Listen(*Member, http.Handler) ([]string, error) { return nil, nil }
func (*direct) Cut(*Member, moot.Key)                          {}
func (*direct) Close()                                         {}
func (*direct) Dial(m *Member, p moot.Peer) (moot.Node, error) {
	other, err := m.world.find(p.ID)
	if err != nil {
		return nil, err
	}
	return &guarded{other, m.Key()}, nil
}

// https is TLS with proven keys at both ends.
type https struct {
	stop context.CancelFunc
	mu   sync.Mutex
	used map[moot.Key]*http.Transport
}

func (l *https) Listen(m *Member, h http.Handler) ([]string, error) {
	ctx, stop := context.WithCancel(context.Background())
	ln, err := link.ListenTCP(ctx, m.listenOn("127.0.0.1:0"), false)
	if err != nil {
		stop()
		return nil, err
	}
	done := make(chan error, 1)
	go func() { done <- link.ServeTLS(ctx, ln, m.key, nil, h, nil) }()
	l.stop = func() { stop(); <-done }
	m.bound = ln.Addr().String()
	return []string{"https://" + m.bound}, nil
}

func (l *https) Dial(m *Member, p moot.Peer) (moot.Node, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rt := l.used[p.ID]
	if rt == nil {
		var err error
		if rt, err = link.TLSTransport(m.key, p.ID); err != nil {
			return nil, err
		}
		l.used[p.ID] = rt
	}
	return wire.NewClient(rt, p.Addrs[0]), nil
}

func (l *https) Cut(*Member, moot.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, rt := range l.used {
		rt.CloseIdleConnections()
	}
}

func (l *https) Close() {
	l.Cut(nil, moot.Key{})
	if l.stop != nil {
		l.stop()
	}
}

// libp2p is streams between hosts.
type libp2p struct {
	host *link.Host
	stop context.CancelFunc
}

func (l *libp2p) Listen(m *Member, h http.Handler) (addrs []string, err error) {
	l.host, err = link.NewHost(link.HostConfig{Key: m.key, Listen: []string{m.listenOn("/ip4/127.0.0.1/tcp/0")}, Allow: m.lets})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.host.Serve(ctx, h) }()
	l.stop = func() { stop(); l.host.Close(); <-done }
	m.bound = l.host.Addrs()[0]
	return l.host.Addrs(), nil
}

func (l *libp2p) Dial(_ *Member, p moot.Peer) (moot.Node, error) {
	return wire.NewClient(l.host.Transport(p), "http://"+p.ID.Short()), nil
}

func (l *libp2p) Cut(_ *Member, other moot.Key) { l.host.Disconnect(other) }
func (l *libp2p) Close()                        { l.stop() }
