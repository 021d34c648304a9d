package mta

import (
	"net"
	"sync"
	"time"
)

// visitor is a connection that came in. After the first failure to read – the peer was
// too slow, above all – nothing is ever read from it again: else what is left of a
// message would be taken for commands, and whoever wrote the message could give them.
type visitor struct {
	net.Conn
	door  *door
	from  origin
	until time.Time // no read ends later

	mu     sync.Mutex
	failed error
	gone   bool
}

func (v *visitor) Read(p []byte) (int, error) {
	v.mu.Lock()
	err := v.failed
	v.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := v.Conn.Read(p)
	if err != nil {
		v.mu.Lock()
		v.failed = err
		v.mu.Unlock()
	}
	return n, err
}

// SetReadDeadline implements net.Conn, within the connection's life.
func (v *visitor) SetReadDeadline(t time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.gone {
		t = time.Unix(1, 0)
	} else if t.IsZero() || t.After(v.until) {
		t = v.until
	}
	return v.Conn.SetReadDeadline(t)
}

func (v *visitor) hangUp() {
	v.mu.Lock()
	v.gone = true
	v.mu.Unlock()
	v.SetReadDeadline(time.Time{})
}

// Close implements net.Conn.
func (v *visitor) Close() error {
	v.door.left(v)
	return v.Conn.Close()
}

// visitorOf returns the connection below c, which may be TLS.
func visitorOf(c net.Conn) *visitor {
	for {
		switch t := c.(type) {
		case *visitor:
			return t
		case interface{ NetConn() net.Conn }:
			c = t.NetConn()
		default:
			return nil
		}
	}
}
