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

// conn is a client's connection. Until somebody has logged in, it may take only so
// long and send only so much. A deadline set on it is a limit of idleness: whoever
// still moves bytes may take as long as a big message needs.
type conn struct {
	net.Conn
	in   *listener
	from netip.Prefix

	readIdle, writeIdle atomic.Int64 // nanoseconds; 0: no limit
	broken              atomic.Bool  // reading has ended
	left                atomic.Int64 // bytes that a stranger may still send
	strange             *time.Timer

	mu      sync.Mutex
	known   bool // somebody has logged in
	closed  bool
	holders int
}

func newConn(raw net.Conn, in *listener, from netip.Prefix) *conn {
	c := &conn{Conn: raw, in: in, from: from, holders: 1}
	c.left.Store(strangerBytes)
	in.wg.Add(1)
	c.strange = time.AfterFunc(strangerTime, c.kill)
	return c
}

// connOf returns what is below TLS, if there is TLS.
func connOf(nc net.Conn) *conn {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	return nc.(*conn)
}

// welcome lifts the limits for strangers.
func (c *conn) welcome() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known || c.closed {
		return
	}
	c.known = true
	c.strange.Stop()
	c.in.rooms.welcome(c.from)
}

func (c *conn) Read(p []byte) (int, error) {
	if d := c.readIdle.Load(); d > 0 {
		if err := c.Conn.SetReadDeadline(time.Now().Add(time.Duration(d))); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(p)
	if err == nil && c.left.Add(-int64(n)) < 0 && !c.isKnown() {
		err = moot.Errorf(moot.TooLarge, "more than %d bytes before a login", strangerBytes)
	}
	if err != nil {
		c.broken.Store(true)
	}
	return n, err
}

func (c *conn) isKnown() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known
}

// writeSize is how much is written under one deadline.
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

// kill ends the connection for whoever uses it; they then close it.
func (c *conn) kill() { c.Conn.Close() }

// hold makes the listener wait for something that may outlive the connection, until
// release; false if all is over already.
func (c *conn) hold() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holders == 0 {
		return false
	}
	c.holders++
	return true
}

func (c *conn) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holders--; c.holders == 0 {
		c.in.wg.Done()
	}
}

func (c *conn) Close() error {
	err := c.Conn.Close()
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	c.mu.Unlock()
	if first {
		c.strange.Stop()
		c.in.forget(c)
		c.in.rooms.leave(c.from, !c.known)
		c.release()
	}
	return err
}
