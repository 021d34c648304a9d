package mta

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// door lets no more connections in than are allowed, and can send all away.
type door struct {
	net.Listener
	limits Limits

	mu     sync.Mutex
	inside map[*visitor]struct{}
	each   map[origin]int
	shut   bool
}

func newDoor(l net.Listener, limits Limits) *door {
	return &door{Listener: l, limits: limits, inside: map[*visitor]struct{}{}, each: map[origin]int{}}
}

// Accept waits for the next connection that may come in.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if v := d.admit(c); v != nil {
			return v, nil
		}
		// The line fits into any socket's buffer, so that this waits for nobody.
		c.SetWriteDeadline(time.Now().Add(time.Second))
		fmt.Fprint(c, "421 4.7.0 Too many connections, try again later\r\n")
		c.Close()
	}
}

func (d *door) admit(c net.Conn) *visitor {
	v := &visitor{Conn: c, door: d, from: originOf(c.RemoteAddr()), until: time.Now().Add(maxSession)}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut || len(d.inside) >= d.limits.Connections || d.each[v.from] >= d.limits.PerAddress {
		return nil
	}
	d.inside[v] = struct{}{}
	d.each[v.from]++
	return v
}

func (d *door) left(v *visitor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, in := d.inside[v]; !in {
		return
	}
	delete(d.inside, v)
	if d.each[v.from]--; d.each[v.from] == 0 {
		delete(d.each, v.from)
	}
}

// hangUp lets nobody in any more, and nothing more be read from those who are inside;
// they may still be answered.
func (d *door) hangUp() {
	for _, v := range d.all() {
		v.hangUp()
	}
}

func (d *door) close() {
	d.Listener.Close()
	for _, v := range d.all() {
		v.Close()
	}
}

func (d *door) all() (all []*visitor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = true
	for v := range d.inside {
		all = append(all, v)
	}
	return all
}
