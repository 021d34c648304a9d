package mailbox

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Limits of connections. A mail program opens a handful, and several users may share an
// address.
const (
	maxConns           = 1000
	maxConnsPerAddress = 100
	maxAnonymous       = 32 // from one address, before a login
	loginTimeout       = 90 * time.Second
	maxBeforeLogin     = 64 << 10
	refuseTimeout      = time.Second
)

// connSlots counts connections over all listeners.
type connSlots struct {
	mu         sync.Mutex
	total      int
	perAddress map[netip.Prefix]int
	anonymous  map[netip.Prefix]int
}

func newConnSlots() *connSlots {
	return &connSlots{perAddress: map[netip.Prefix]int{}, anonymous: map[netip.Prefix]int{}}
}

func (r *connSlots) acquire(a netip.Prefix) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.total >= maxConns || r.perAddress[a] >= maxConnsPerAddress || r.anonymous[a] >= maxAnonymous {
		return false
	}
	r.total++
	r.perAddress[a]++
	r.anonymous[a]++
	return true
}

func (r *connSlots) authenticated(a netip.Prefix) {
	r.mu.Lock()
	defer r.mu.Unlock()
	decrement(r.anonymous, a)
}

func (r *connSlots) release(a netip.Prefix, stranger bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total--
	decrement(r.perAddress, a)
	if stranger {
		decrement(r.anonymous, a)
	}
}

func decrement(m map[netip.Prefix]int, a netip.Prefix) {
	if m[a]--; m[a] <= 0 {
		delete(m, a)
	}
}

// source is the unit that limits count: an IPv4 address, or the /64 of an IPv6 address,
// all of which one machine may have.
func source(a net.Addr) netip.Prefix {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{} // not TCP: all are counted together
	}
	ip := ap.Addr().Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits)
	return p
}

// listener accepts connections within the limits, and can close all of them.
type listener struct {
	net.Listener
	slots   *connSlots
	tls     *tls.Config // nil: no implicit TLS
	refusal string

	wg     sync.WaitGroup // connections in use
	mu     sync.Mutex
	conns  map[*conn]struct{}
	closed bool
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
	if !l.slots.acquire(from) {
		return nil
	}
	c := newConn(raw, l, from)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
	if l.closed {
		c.abort()
	}
	return c
}

// refuse sends the reason, unless it would need TLS.
func (l *listener) refuse(raw net.Conn) {
	defer raw.Close()
	if l.tls == nil && raw.SetDeadline(time.Now().Add(refuseTimeout)) == nil {
		_, _ = raw.Write([]byte(l.refusal + "Too many connections from you, or in all. Close some, or try again later.\r\n"))
	}
}

// closeAll closes the listener and all its connections.
func (l *listener) closeAll() {
	l.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c := range l.conns {
		c.abort()
	}
}

func (l *listener) remove(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}
