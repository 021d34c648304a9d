package mta

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// listener limits open connections, and can close all of them.
type listener struct {
	net.Listener
	limits Limits

	mu        sync.Mutex
	open      map[*serverConn]struct{}
	perOrigin map[origin]int
	closed    bool
}

func newListener(l net.Listener, limits Limits) *listener {
	return &listener{Listener: l, limits: limits, open: map[*serverConn]struct{}{}, perOrigin: map[origin]int{}}
}

// Accept returns the next connection within the limits.
func (d *listener) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if admitted := d.admit(c); admitted != nil {
			return admitted, nil
		}
		// The line fits into the socket's buffer, so that this does not block.
		c.SetWriteDeadline(time.Now().Add(time.Second))
		fmt.Fprint(c, "421 4.7.0 Too many connections, try again later\r\n")
		c.Close()
	}
}

func (d *listener) admit(c net.Conn) *serverConn {
	conn := &serverConn{Conn: c, listener: d, origin: originOf(c.RemoteAddr()), deadline: time.Now().Add(maxSession)}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.open) >= d.limits.Connections || d.perOrigin[conn.origin] >= d.limits.PerAddress {
		return nil
	}
	d.open[conn] = struct{}{}
	d.perOrigin[conn.origin]++
	return conn
}

func (d *listener) remove(c *serverConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, in := d.open[c]; !in {
		return
	}
	delete(d.open, c)
	if d.perOrigin[c.origin]--; d.perOrigin[c.origin] == 0 {
		delete(d.perOrigin, c.origin)
	}
}

// stopReads rejects new connections and ends reads of open ones, which can still be
// written to.
func (d *listener) stopReads() {
	for _, c := range d.closeAll() {
		c.stopReads()
	}
}

func (d *listener) close() {
	d.Listener.Close()
	for _, c := range d.closeAll() {
		c.Close()
	}
}

func (d *listener) closeAll() (conns []*serverConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for c := range d.open {
		conns = append(conns, c)
	}
	return conns
}
