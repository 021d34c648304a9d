package mailbox

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Limits on connections. A mail program holds a handful, and several people may share
// an address.
const (
	maxConns       = 1000
	maxConnsOfOne  = 100
	maxStrangers   = 32 // of one address, not logged in
	strangerTime   = 90 * time.Second
	strangerBytes  = 64 << 10
	sayBusyTimeout = time.Second
)

// rooms counts connections, over all listeners.
type rooms struct {
	mu        sync.Mutex
	all       int
	of        map[netip.Prefix]int
	strangers map[netip.Prefix]int
}

func newRooms() *rooms {
	return &rooms{of: map[netip.Prefix]int{}, strangers: map[netip.Prefix]int{}}
}

func (r *rooms) enter(a netip.Prefix) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all >= maxConns || r.of[a] >= maxConnsOfOne || r.strangers[a] >= maxStrangers {
		return false
	}
	r.all++
	r.of[a]++
	r.strangers[a]++
	return true
}

func (r *rooms) welcome(a netip.Prefix) {
	r.mu.Lock()
	defer r.mu.Unlock()
	less(r.strangers, a)
}

func (r *rooms) leave(a netip.Prefix, stranger bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all--
	less(r.of, a)
	if stranger {
		less(r.strangers, a)
	}
}

func less(m map[netip.Prefix]int, a netip.Prefix) {
	if m[a]--; m[a] <= 0 {
		delete(m, a)
	}
}

// source is whom a connection counts for: an IPv4 address, or the /64 of an IPv6
// address, which is what one household or machine has.
func source(a net.Addr) netip.Prefix {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{} // not TCP: all are one
	}
	ip := ap.Addr().Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits)
	return p
}

// listener admits connections within the limits, and can close them all.
type listener struct {
	net.Listener
	rooms *rooms
	tls   *tls.Config // nil: connections begin without TLS
	busy  string

	wg    sync.WaitGroup // the connections in use
	mu    sync.Mutex
	conns map[*conn]struct{}
	ended bool
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := l.admit(raw)
		switch {
		case c == nil:
			go l.refuse(raw)
		case l.tls != nil:
			return tls.Server(c, l.tls), nil
		default:
			return c, nil
		}
	}
}

func (l *listener) admit(raw net.Conn) *conn {
	from := source(raw.RemoteAddr())
	if !l.rooms.enter(from) {
		return nil
	}
	c := newConn(raw, l, from)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
	if l.ended {
		c.kill()
	}
	return c
}

// refuse tells why, if that can be said without TLS.
func (l *listener) refuse(raw net.Conn) {
	defer raw.Close()
	if l.tls == nil && raw.SetDeadline(time.Now().Add(sayBusyTimeout)) == nil {
		_, _ = raw.Write([]byte(l.busy + "Too many connections from you, or in all. Close some, or try again later.\r\n"))
	}
}

// shut closes the listener and all its connections.
func (l *listener) shut() {
	l.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	for c := range l.conns {
		c.kill()
	}
}

func (l *listener) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}
