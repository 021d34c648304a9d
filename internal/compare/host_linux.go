package compare

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/mootspace/moot"
)

// place is a network namespace without a name, and the one thread that is in it. The
// kernel removes it with everything inside when its thread and its processes have
// ended, however they ended: nothing is left behind, even by kill -9.
type place struct {
	jobs  chan func()
	space netns.NsHandle
	net   *netlink.Handle
}

func newPlace() (*place, error) {
	p := &place{jobs: make(chan func())}
	made := make(chan error)
	go func() {
		// The thread is never unlocked, so that it ends with this goroutine instead of
		// doing other work in the wrong namespace.
		runtime.LockOSThread()
		err := p.make()
		made <- err
		if err != nil {
			return
		}
		for job := range p.jobs {
			job()
		}
	}()
	if err := <-made; err != nil {
		return nil, moot.Errorf(moot.Denied, "make a network namespace: %w", err)
	}
	return p, nil
}

// make puts the calling thread into a new namespace.
func (p *place) make() (err error) {
	if p.space, err = netns.New(); err != nil {
		return err
	}
	if p.net, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return errors.Join(err, p.space.Close())
	}
	return nil
}

// do runs a function on the thread that is in the namespace.
func (p *place) do(f func() error) error {
	done := make(chan error)
	p.jobs <- func() { done <- f() }
	return <-done
}

// close ends the thread. The namespace goes when its processes have gone.
func (p *place) close() error {
	close(p.jobs)
	p.net.Close()
	return p.space.Close()
}

// up brings a link of the namespace up.
func (p *place) up(name string) error {
	link, err := p.net.LinkByName(name)
	if err == nil {
		err = p.net.LinkSetUp(link)
	}
	if err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	return nil
}

// upWithin is how long a link may take to come up.
const upWithin = 10 * time.Second

// awaitUp waits until a link carries packets.
func (p *place) awaitUp(name string) error {
	deadline := time.After(upWithin)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		link, err := p.net.LinkByName(name)
		if err != nil || link.Attrs().OperState == netlink.OperUp {
			return err
		}
		select {
		case <-tick.C:
		case <-deadline:
			return fmt.Errorf("%s does not come up: it is %v after %v", name, link.Attrs().OperState, upWithin)
		}
	}
}

// How a link is shaped: as much at once as the largest packet that the kernel hands
// down, and as much in line as leaves within 50 ms.
const (
	shapeBurst   = 64 << 10 // bytes
	shapeLatency = 0.05     // seconds
)

// shape limits what a link of the namespace sends (tbf, see tc-tbf(8)); 0: not at all.
func (p *place) shape(name string, bits float64) error {
	if bits == 0 {
		return nil
	}
	link, err := p.net.LinkByName(name)
	if err != nil {
		return fmt.Errorf("shape %s: %w", name, err)
	}
	rate := uint64(bits / 8)
	err = p.net.QdiscAdd(&netlink.Tbf{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: link.Attrs().Index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT},
		Rate:       rate,
		Limit:      uint32(float64(rate)*shapeLatency) + shapeBurst,
		Buffer:     netlink.Xmittime(rate, shapeBurst),
	})
	if err != nil {
		return fmt.Errorf("shape %s: %w", name, err)
	}
	return nil
}

// counters returns what a link of the namespace has sent and received, in bytes. What
// was sent is what the shaper counted, if there is one: the device counts a batch of
// packets as one, with one header (see segmentation-offloads in the kernel's manual).
func (p *place) counters(name string) (sent, received int64, err error) {
	link, err := p.net.LinkByName(name)
	if err != nil {
		return 0, 0, fmt.Errorf("count the bytes of %s: %w", name, err)
	}
	s := link.Attrs().Statistics
	if s == nil {
		return 0, 0, fmt.Errorf("count the bytes of %s: the kernel does not", name)
	}
	shapers, err := p.net.QdiscList(link)
	if err != nil {
		return 0, 0, fmt.Errorf("count the bytes of %s: %w", name, err)
	}
	for _, q := range shapers {
		if counted := q.Attrs().Statistics; q.Type() == "tbf" && counted != nil && counted.Basic != nil {
			return int64(counted.Basic.Bytes), int64(s.RxBytes), nil
		}
	}
	return int64(s.TxBytes), int64(s.RxBytes), nil
}
