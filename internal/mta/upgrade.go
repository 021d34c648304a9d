package mta

import (
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"
)

// commandListener accepts connections without TLS.
type commandListener struct {
	*listener
	domain string
	secure func(net.Conn) // nil without a certificate
}

// Accept implements net.Listener.
func (l commandListener) Accept() (net.Conn, error) {
	accepted, err := l.listener.Accept()
	if err != nil {
		return nil, err
	}
	c := newCommandConn(accepted, l.domain)
	c.secure = l.secure
	return c, nil
}

// upgrades is the listener of connections that become TLS: a second go-smtp server has
// them, which knows nothing of what was said before (RFC 3207, 4.2).
type upgrades struct {
	net.Listener // for its address
	config       *tls.Config
	domain       string
	idle         time.Duration

	conns chan net.Conn
	ended chan struct{}
	once  sync.Once
}

func newUpgrades(l net.Listener, r *runningServer) *upgrades {
	return &upgrades{
		Listener: l, config: r.TLS, domain: r.defaultDomain(), idle: r.limits.Idle,
		conns: make(chan net.Conn), ended: make(chan struct{}),
	}
}

// begin answers STARTTLS. The handshake is made with the first read.
func (u *upgrades) begin(plain net.Conn) {
	c := newCommandConn(tls.Server(plain, u.config), u.domain)
	c.silent = true
	_ = plain.SetWriteDeadline(time.Now().Add(u.idle)) // fails only on a closed connection, as the write then does
	if _, err := fmt.Fprint(plain, "220 2.0.0 Ready to start TLS\r\n"); err != nil {
		_ = plain.Close()
		return
	}
	select {
	case u.conns <- c:
	case <-u.ended:
		_ = plain.Close()
	}
}

// Accept implements net.Listener.
func (u *upgrades) Accept() (net.Conn, error) {
	select {
	case c := <-u.conns:
		return c, nil
	case <-u.ended:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (u *upgrades) Close() error {
	u.once.Do(func() { close(u.ended) })
	return nil
}
