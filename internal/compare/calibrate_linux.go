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

// Parameters of a link's measurement.
const (
	calibrateSeconds = 1.5     // at the nominal rate
	calibrateMinimum = 2 << 20 // bytes, of which the shaper's burst is a small part
	calibrateTimeout = 20 * time.Second
)

// tolerance is the permitted deviation of a link from its rate; Ethernet, IP and TCP
// headers alone take 4.4 % (66 bytes with 1448 of payload).
const tolerance = 0.08

// calibrate implements topology: a plain TCP transfer from the source to a receiver.
func (t *netnsTopology) calibrate(ctx context.Context) (*Calibration, error) {
	nominal := lowerRate(t.o.SourceUp, t.o.Down)
	if nominal == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, calibrateTimeout)
	defer cancel()
	before, _, err := t.hosts[0].counters()
	if err != nil {
		return nil, err
	}
	size := max(int64(nominal/8*calibrateSeconds), calibrateMinimum)
	took, err := t.transfer(ctx, size)
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "calibrate a link: %w", err)
	}
	after, _, err := t.hosts[0].counters()
	if err != nil {
		return nil, err
	}
	c := &Calibration{Nominal: nominal, Payload: 8 * float64(size) / took.Seconds()}
	c.Wire = c.Payload * float64(after-before) / float64(size)
	if off := c.Payload/nominal - 1; off > tolerance || off < -tolerance {
		c.Void = fmt.Sprintf("links not as shaped: one of %.4g Mbit/s carried %.4g", nominal/1e6, c.Payload/1e6)
	}
	return c, nil
}

// lowerRate is the lower of two rates, where 0 is no limit.
func lowerRate(a, b float64) float64 {
	if a == 0 || b == 0 {
		return a + b
	}
	return min(a, b)
}

// transfer sends bytes from host 0 to host 1 and times them at the receiver. Only the
// sockets are created in the namespaces: each belongs to that of its creating thread.
func (t *netnsTopology) transfer(ctx context.Context, size int64) (took time.Duration, err error) {
	var in net.Listener
	if err := t.hosts[1].do(func() (err error) {
		in, err = new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort(ip(1).String(), "7400"))
		return err
	}); err != nil {
		return 0, err
	}
	defer in.Close()
	var out net.Conn
	if err := t.hosts[0].do(func() (err error) {
		// Bound to the host's address, so that a wrong namespace is an error.
		d := net.Dialer{Timeout: calibrateTimeout, LocalAddr: &net.TCPAddr{IP: ip(0)}}
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

// zeros is an endless reader.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
