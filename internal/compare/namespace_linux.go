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

// namespace is a network namespace without a name, and the one thread that is in it. The
// kernel removes it with all its devices when its thread and processes have ended,
// even by kill -9.
type namespace struct {
	calls  chan func()
	handle netns.NsHandle
	net    *netlink.Handle
}

func newNamespace() (*namespace, error) {
	n := &namespace{calls: make(chan func())}
	made := make(chan error)
	go func() {
		// Never unlocked: the thread ends with this goroutine instead of running others
		// in the wrong namespace.
		runtime.LockOSThread()
		err := n.make()
		made <- err
		if err != nil {
			return
		}
		for call := range n.calls {
			call()
		}
	}()
	if err := <-made; err != nil {
		return nil, moot.Errorf(moot.Denied, "make a network namespace: %w", err)
	}
	return n, nil
}

// make moves the calling thread into a new namespace.
func (n *namespace) make() (err error) {
	if n.handle, err = netns.New(); err != nil {
		return err
	}
	if n.net, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return errors.Join(err, n.handle.Close())
	}
	return nil
}

// do runs a function on the thread that is in the namespace.
func (n *namespace) do(f func() error) error {
	done := make(chan error)
	n.calls <- func() { done <- f() }
	return <-done
}

// close ends the thread; the namespace lasts as long as its processes.
func (n *namespace) close() error {
	close(n.calls)
	n.net.Close()
	return n.handle.Close()
}

// up brings a link of the namespace up.
func (n *namespace) up(name string) error {
	link, err := n.net.LinkByName(name)
	if err == nil {
		err = n.net.LinkSetUp(link)
	}
	if err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	return nil
}

// linkTimeout bounds the wait for a link to come up.
const linkTimeout = 10 * time.Second

// awaitUp waits until a link is operational.
func (n *namespace) awaitUp(name string) error {
	deadline := time.After(linkTimeout)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		link, err := n.net.LinkByName(name)
		if err != nil || link.Attrs().OperState == netlink.OperUp {
			return err
		}
		select {
		case <-tick.C:
		case <-deadline:
			return fmt.Errorf("%s does not come up: it is %v after %v", name, link.Attrs().OperState, linkTimeout)
		}
	}
}

// Parameters of the shaper: bursts of the kernel's largest packet, a queue of 50 ms.
const (
	shapeBurst   = 64 << 10 // bytes
	shapeLatency = 0.05     // seconds
)

// shape limits the rate at which a link sends (tbf, see tc-tbf(8)); 0 is no limit.
func (n *namespace) shape(name string, bits float64) error {
	if bits == 0 {
		return nil
	}
	link, err := n.net.LinkByName(name)
	if err != nil {
		return fmt.Errorf("shape %s: %w", name, err)
	}
	rate := uint64(bits / 8)
	err = n.net.QdiscAdd(&netlink.Tbf{
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

// counters returns the bytes that the host's link has sent and received. A shaper's count of
// sent bytes is preferred: the device counts a batch of packets as one, with one header
// (see segmentation-offloads in the kernel's manual).
func (n *namespace) counters() (sent, received int64, err error) {
	dev, err := n.net.LinkByName(link)
	if err != nil {
		return 0, 0, fmt.Errorf("count the bytes of %s: %w", link, err)
	}
	s := dev.Attrs().Statistics
	if s == nil {
		return 0, 0, fmt.Errorf("count the bytes of %s: the kernel does not", link)
	}
	shapers, err := n.net.QdiscList(dev)
	if err != nil {
		return 0, 0, fmt.Errorf("count the bytes of %s: %w", link, err)
	}
	for _, q := range shapers {
		if counted := q.Attrs().Statistics; q.Type() == "tbf" && counted != nil && counted.Basic != nil {
			return int64(counted.Basic.Bytes), int64(s.RxBytes), nil
		}
	}
	return int64(s.TxBytes), int64(s.RxBytes), nil
}
