package suite

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/store"
)

// Store is a kind of store.
type Store struct {
	New func(dir string) store.Config
	// Volatile stores lose all when they are closed. A member over one is not stopped but
	// cut off from everybody, and comes back with what it has.
	Volatile bool
}

// Stores are the kinds of store.
var Stores = map[string]Store{
	"memory": {Volatile: true, New: func(string) store.Config { return store.Config{} }},
	"sqlite": {New: func(dir string) store.Config {
		return store.Config{Database: filepath.Join(dir, "moot.db"), Blobs: filepath.Join(dir, "blobs")}
	}},
}

// Link is a kind of link.
type Link struct {
	Peers string // multiaddr on which peers listen; "" for no links with peers
	// Web listens for HTTPS at an address, "" for a new one, and returns the address.
	Web func(addr string) (net.Listener, string, error)
	// Dial connects to such an address; nil: as net/http does.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Servers: worlds without peers are run over it, too.
	Servers bool
}

// Carries reports whether the link is of use in an architecture.
func (l Link) Carries(a arch.Architecture) bool {
	return a.Mesh && l.Peers != "" || !a.Mesh && l.Servers
}

// Links are the kinds of link, each made anew for a world.
var Links = map[string]func(T) Link{
	"tcp":  func(T) Link { return Link{Peers: "/ip4/127.0.0.1/tcp/0", Web: loopback, Servers: true} },
	"quic": func(T) Link { return Link{Peers: "/ip4/127.0.0.1/udp/0/quic-v1", Web: loopback} },
	"unix": unixSocket,
}

// Architectures are the architectures by name.
func Architectures() map[string]arch.Architecture {
	all := map[string]arch.Architecture{}
	for _, a := range arch.All() {
		all[a.Asks.Name()] = a
	}
	return all
}

func loopback(addr string) (net.Listener, string, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	ln, err := link.ListenTCP(context.Background(), addr, false)
	if err != nil {
		return nil, "", err
	}
	return ln, ln.Addr().String(), nil
}

// unixSocket carries HTTPS within the machine's memory, of one server.
func unixSocket(t T) Link {
	var socket atomic.Value // its path, as a string; another one after a restart
	return Link{
		Servers: true,
		Web: func(string) (net.Listener, string, error) {
			dir, err := os.MkdirTemp("", "moot") // a short path, because a socket's is bounded
			if err != nil {
				return nil, "", err
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			path := filepath.Join(dir, "socket")
			socket.Store(path)
			ln, err := net.Listen("unix", path)
			return ln, "server.unix", err
		},
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			path, _ := socket.Load().(string)
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}
}

// over has the world's link dial servers.
func (w *World) over(_ moot.Peer, rt http.RoundTripper) http.RoundTripper {
	if t, ok := rt.(*http.Transport); ok && w.link.Dial != nil {
		t.DialContext = w.link.Dial
	}
	return rt
}

// transport fails while two members are separated.
func (m *Member) transport(p moot.Peer, rt http.RoundTripper) http.RoundTripper {
	return cuttable{m.world.over(p, rt), func() bool { return m.world.separated(m.Key(), p.ID) }}
}

type cuttable struct {
	http.RoundTripper
	cut func() bool
}

// RoundTrip implements http.RoundTripper.
func (c cuttable) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.cut() {
		return nil, moot.Errorf(moot.Unavailable, "the two members are separated")
	}
	return c.RoundTripper.RoundTrip(r)
}
