package mailbox

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mootspace/moot"
)

// conn is a client's connection. Before a login its time and bytes are limited.
// Deadlines are idle timeouts: each read and each 64 KiB written extends them, so that
// large messages may take long.
type conn struct {
	net.Conn
	listener *listener
	from     netip.Prefix

	readIdle, writeIdle atomic.Int64 // idle timeouts, ns; 0: none
	broken              atomic.Bool  // a read failed
	budget              atomic.Int64 // bytes left to read before a login
	timer               *time.Timer

	mu            sync.Mutex
	authenticated bool // after a login
	closed        bool
	users         int
}

func newConn(raw net.Conn, in *listener, from netip.Prefix) *conn {
	c := &conn{Conn: raw, listener: in, from: from, users: 1}
	c.budget.Store(maxBeforeLogin)
	in.wg.Add(1)
	c.timer = time.AfterFunc(loginTimeout, c.abort)
	return c
}

// connOf returns the connection below TLS, if there is TLS.
func connOf(nc net.Conn) *conn {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	return nc.(*conn)
}

// setAuthenticated lifts the limits before a login.
func (c *conn) setAuthenticated() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.authenticated || c.closed {
		return
	}
	c.authenticated = true
	c.timer.Stop()
	c.listener.slots.authenticated(c.from)
}

func (c *conn) Read(p []byte) (int, error) {
	if d := c.readIdle.Load(); d > 0 {
		if err := c.Conn.SetReadDeadline(time.Now().Add(time.Duration(d))); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(p)
	if err == nil && c.budget.Add(-int64(n)) < 0 && !c.isAuthenticated() {
		err = moot.Errorf(moot.TooLarge, "more than %d bytes before a login", maxBeforeLogin)
	}
	if err != nil {
		c.broken.Store(true)
	}
	return n, err
}

func (c *conn) isAuthenticated() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.authenticated
}

// writeSize is how many bytes are written under one deadline.
const writeSize = 64 << 10

func (c *conn) Write(p []byte) (n int, err error) {
	for first := true; first || len(p) > 0; first = false {
		if d := c.writeIdle.Load(); d > 0 {
			if err := c.Conn.SetWriteDeadline(time.Now().Add(time.Duration(d))); err != nil {
				return n, err
			}
		}
		m, err := c.Conn.Write(p[:min(len(p), writeSize)])
		n += m
		if err != nil {
			return n, err
		}
		p = p[m:]
	}
	return n, nil
}

func (c *conn) SetDeadline(t time.Time) error {
	c.readIdle.Store(idle(t))
	c.writeIdle.Store(idle(t))
	return c.Conn.SetDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.readIdle.Store(idle(t))
	return c.Conn.SetReadDeadline(t)
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.writeIdle.Store(idle(t))
	return c.Conn.SetWriteDeadline(t)
}

func idle(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(0, int64(time.Until(t)))
}

// abort ends the connection; its user then closes it.
func (c *conn) abort() { c.Conn.Close() }

// acquire keeps the listener waiting for a user that may outlive the connection, until
// release; false if the connection is already released.
func (c *conn) acquire() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users == 0 {
		return false
	}
	c.users++
	return true
}

func (c *conn) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users--; c.users == 0 {
		c.listener.wg.Done()
	}
}

func (c *conn) Close() error {
	err := c.Conn.Close()
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	c.mu.Unlock()
	if first {
		c.timer.Stop()
		c.listener.remove(c)
		c.listener.slots.release(c.from, !c.authenticated)
		c.release()
	}
	return err
}
