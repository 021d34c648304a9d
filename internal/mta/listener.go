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
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if admitted := l.admit(c); admitted != nil {
			return admitted, nil
		}
		// The line fits into the socket's buffer, so that this does not block.
		c.SetWriteDeadline(time.Now().Add(time.Second))
		fmt.Fprint(c, "421 4.7.0 Too many connections, try again later\r\n")
		_ = c.Close()
	}
}

func (l *listener) admit(c net.Conn) *serverConn {
	conn := &serverConn{Conn: c, listener: l, origin: originOf(c.RemoteAddr()), deadline: time.Now().Add(maxSession)}
	bounded := !l.limits.trusts(ipOf(c.RemoteAddr()))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.open) >= l.limits.Connections || bounded && l.perOrigin[conn.origin] >= l.limits.PerAddress {
		return nil
	}
	l.open[conn] = struct{}{}
	l.perOrigin[conn.origin]++
	return conn
}

func (l *listener) remove(c *serverConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, in := l.open[c]; !in {
		return
	}
	delete(l.open, c)
	if l.perOrigin[c.origin]--; l.perOrigin[c.origin] == 0 {
		delete(l.perOrigin, c.origin)
	}
}

// stopReads rejects new connections and ends reads of open ones, which can still be
// written to.
func (l *listener) stopReads() {
	for _, c := range l.markClosed() {
		c.stopReads()
	}
}

func (l *listener) closeConns() {
	l.Listener.Close()
	for _, c := range l.markClosed() {
		_ = c.Close()
	}
}

func (l *listener) markClosed() (conns []*serverConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c := range l.open {
		conns = append(conns, c)
	}
	return conns
}
