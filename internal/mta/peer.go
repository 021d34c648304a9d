package mta

import (
	"errors"
	"io"
	"net"
	"time"
)

// Limits on what a server may say, in bytes.
const (
	maxAnswers = 1 << 20 // on one connection, TLS included
	maxHello   = 64 << 10
)

// server is a connection to somebody's mail server, which may be slow, or say a lot.
type server struct {
	net.Conn
	left int64
	stop func() bool
}

func (s *server) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, errors.New("the server says too much")
	}
	n, err := s.Conn.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	return n, err
}

func (s *server) Write(p []byte) (int, error) {
	s.Conn.SetWriteDeadline(time.Now().Add(writeTime))
	return s.Conn.Write(p)
}

func (s *server) Close() error {
	s.stop()
	return s.Conn.Close()
}

// greeted is a connection whose greeting was read already: it is read once more.
type greeted struct {
	net.Conn
	banner io.Reader
}

func (g *greeted) Read(p []byte) (int, error) {
	if n, err := g.banner.Read(p); err == nil {
		return n, nil
	}
	return g.Conn.Read(p)
}
