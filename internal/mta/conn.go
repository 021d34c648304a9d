package mta

import (
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// serverConn is an accepted connection. After the first read error – a timeout, above
// all – every read fails: else the rest of a message would be parsed as commands, which
// its author could have planted.
type serverConn struct {
	net.Conn
	listener *listener
	origin   origin
	deadline time.Time // of the connection

	mu      sync.Mutex
	failed  error
	closing bool
}

func (c *serverConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	err := c.failed
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	if err != nil {
		c.mu.Lock()
		c.failed = err
		c.mu.Unlock()
	}
	return n, err
}

// SetReadDeadline implements net.Conn, within the connection's own deadline.
func (c *serverConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		t = time.Unix(1, 0)
	} else if t.IsZero() || t.After(c.deadline) {
		t = c.deadline
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *serverConn) stopReads() {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	_ = c.SetReadDeadline(time.Time{}) // fails only on a closed connection
}

// Close implements net.Conn.
func (c *serverConn) Close() error {
	c.listener.remove(c)
	return c.Conn.Close()
}

// connOf returns the connection below c, which may be TLS.
func connOf(c net.Conn) *serverConn {
	for {
		switch t := c.(type) {
		case *serverConn:
			return t
		case interface{ NetConn() net.Conn }:
			c = t.NetConn()
		default:
			return nil
		}
	}
}

// tlsOf returns the state of TLS on c, if there is TLS.
func tlsOf(c net.Conn) (state tls.ConnectionState, ok bool) {
	if commands, ok := c.(*commandConn); ok {
		c = commands.Conn
	}
	secure, ok := c.(*tls.Conn)
	if ok {
		state = secure.ConnectionState()
	}
	return state, ok
}
