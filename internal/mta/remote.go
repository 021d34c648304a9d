package mta

import (
	"errors"
	"io"
	"net"
	"time"
)

// Limits of what a remote server may send, in bytes.
const (
	maxResponses = 1 << 20 // per connection, TLS included
	maxHello     = 64 << 10
)

// remoteConn is a connection to an untrusted mail server, with limits on its time and
// bytes.
type remoteConn struct {
	net.Conn
	left int64
	stop func() bool
}

func (c *remoteConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("the server sent too much")
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

func (c *remoteConn) Write(p []byte) (int, error) {
	c.Conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	return c.Conn.Write(p)
}

func (c *remoteConn) Close() error {
	c.stop()
	return c.Conn.Close()
}

// replayConn is a connection whose greeting was read already and is read again.
type replayConn struct {
	net.Conn
	banner io.Reader
}

func (c *replayConn) Read(p []byte) (int, error) {
	if n, err := c.banner.Read(p); err == nil {
		return n, nil
	}
	return c.Conn.Read(p)
}
