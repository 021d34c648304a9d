package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/mootspace/moot"
)

// How a link is measured: for some seconds at the rate asked for, but with enough
// bytes that its burst is a small part, and not for ever.
const (
	calibrateFor    = 1.5     // seconds
	calibrateLeast  = 2 << 20 // bytes
	calibrateWithin = 20 * time.Second
)

// tolerance is how far a link may be from its rate: Ethernet, IP and TCP headers take
// 4.4 % (66 bytes with 1448 of payload), and no more is expected.
const tolerance = 0.08

// calibrate implements ground: a plain TCP transfer from the source to a receiver.
func (s *star) calibrate(ctx context.Context) (*Calibration, error) {
	asked := least(s.o.SourceUp, s.o.Down)
	if asked == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, calibrateWithin)
	defer cancel()
	before, _, err := s.hosts[0].counters(link)
	if err != nil {
		return nil, err
	}
	size := max(int64(asked/8*calibrateFor), calibrateLeast)
	took, err := s.transfer(ctx, size)
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "calibrate a link: %w", err)
	}
	after, _, err := s.hosts[0].counters(link)
	if err != nil {
		return nil, err
	}
	c := &Calibration{Asked: asked, Payload: 8 * float64(size) / took.Seconds()}
	c.Wire = c.Payload * float64(after-before) / float64(size)
	if off := c.Payload/asked - 1; off > tolerance || off < -tolerance {
		c.Void = fmt.Sprintf("links not as shaped: one of %.4g Mbit/s carried %.4g", asked/1e6, c.Payload/1e6)
	}
	return c, nil
}

// least is the smaller of two rates, where 0 is no limit.
func least(a, b float64) float64 {
	if a == 0 || b == 0 {
		return a + b
	}
	return min(a, b)
}

// transfer sends bytes from host 0 to host 1 and times them at the receiver. Sockets
// belong to the namespace of the thread that made them, so only that is done there.
func (s *star) transfer(ctx context.Context, size int64) (took time.Duration, err error) {
	var in net.Listener
	if err := s.hosts[1].do(func() (err error) {
		in, err = new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort(ip(1).String(), "7400"))
		return err
	}); err != nil {
		return 0, err
	}
	defer in.Close()
	var out net.Conn
	if err := s.hosts[0].do(func() (err error) {
		// From the host's own address, so that a wrong namespace is an error.
		d := net.Dialer{Timeout: calibrateWithin, LocalAddr: &net.TCPAddr{IP: ip(0)}}
		out, err = d.Dial("tcp4", in.Addr().String())
		return err
	}); err != nil {
		return 0, err
	}
	defer out.Close()
	from, err := in.Accept()
	if err != nil {
		return 0, err
	}
	defer from.Close()
	defer context.AfterFunc(ctx, func() { errors.Join(out.Close(), from.Close()) })()
	sent := make(chan error, 1)
	began := time.Now()
	go func() { _, err := io.CopyN(out, zeros{}, size); sent <- err }()
	_, err = io.CopyN(io.Discard, from, size)
	return time.Since(began), errors.Join(err, <-sent, ctx.Err())
}

// zeros is read without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
