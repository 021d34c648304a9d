package compare

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"syscall"

	"github.com/vishvananda/netlink"

	"github.com/mootspace/moot"
)

// netnsTopology is network namespaces as hosts, each connected to a bridge in the hub's
// namespace by a pair of veth devices. A host's uplink is shaped at its own end, its
// downlink at the bridge's. None can reach the machine's own networks.
type netnsTopology struct {
	hub   *namespace
	hosts []*namespace
	o     Options
}

// newNetnsTopology makes a source and n receivers. The error is of kind Denied or Internal.
func newNetnsTopology(n int, o Options) (_ topology, err error) {
	t := &netnsTopology{o: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
		}
	}()
	if t.hub, err = newNamespace(); err != nil {
		return nil, err
	}
	err = t.hub.net.LinkAdd(&netlink.Bridge{LinkAttrs: named(bridge)})
	if err == nil {
		err = t.hub.up(bridge)
	}
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "make a bridge: %w", err)
	}
	for range n + 1 {
		host, err := newNamespace()
		if err != nil {
			return nil, err
		}
		t.hosts = append(t.hosts, host)
	}
	for _, step := range []func(host int) error{t.connect, t.addNeighbours, t.shape} {
		for host := range t.hosts {
			if err := step(host); err != nil {
				return nil, moot.Errorf(moot.Internal, "host %d: %w", host, err)
			}
		}
	}
	return t, nil
}

// Names of the links, each in its own namespace.
const (
	bridge = "br0"
	link   = "eth0"
)

func port(host int) string { return fmt.Sprintf("v%d", host) }

// ip is a host's address: all are in 10.77.0.0/16.
func ip(host int) net.IP { return net.IPv4(10, 77, byte(host/250), byte(host%250+1)).To4() }

// mac is a host's link address, locally administered (RFC 9542, section 2.1).
func mac(host int) net.HardwareAddr {
	return net.HardwareAddr{0x02, 0x6d, 0x6f, 0x6f, byte(host >> 8), byte(host)}
}

func named(name string) netlink.LinkAttrs {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	return attrs
}

// connect links a host to the hub.
func (t *netnsTopology) connect(host int) error {
	ns := t.hosts[host]
	veth := netlink.NewVeth(named(link))
	veth.HardwareAddr, veth.PeerName, veth.PeerNamespace = mac(host), port(host), netlink.NsFd(t.hub.handle)
	if err := ns.net.LinkAdd(veth); err != nil {
		return fmt.Errorf("make its link: %w", err)
	}
	if err := t.addPort(host); err != nil {
		return fmt.Errorf("add its port to the bridge: %w", err)
	}
	eth, err := ns.net.LinkByName(link)
	if err != nil {
		return err
	}
	addr := &netlink.Addr{IPNet: &net.IPNet{IP: ip(host), Mask: net.CIDRMask(16, 32)}}
	if err := ns.net.AddrAdd(eth, addr); err != nil {
		return fmt.Errorf("give it an address: %w", err)
	}
	for _, name := range []string{"lo", link} {
		if err := ns.up(name); err != nil {
			return err
		}
	}
	everywhere := &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}
	if err := ns.net.RouteAdd(&netlink.Route{LinkIndex: eth.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: everywhere}); err != nil {
		return fmt.Errorf("give it a route: %w", err)
	}
	return nil
}

// addNeighbours gives a host permanent link addresses of all others. By ARP they would
// share one table of 1024 with all namespaces of the machine, which 33 hosts in a full
// mesh overflow.
func (t *netnsTopology) addNeighbours(host int) error {
	ns := t.hosts[host]
	eth, err := ns.net.LinkByName(link)
	if err != nil {
		return err
	}
	for other := range t.hosts {
		if other == host {
			continue
		}
		n := &netlink.Neigh{LinkIndex: eth.Attrs().Index, State: netlink.NUD_PERMANENT, IP: ip(other), HardwareAddr: mac(other)}
		if err := ns.net.NeighSet(n); err != nil {
			return fmt.Errorf("add host %d as a neighbour: %w", other, err)
		}
	}
	return nil
}

// shape limits the rates of a host's link once both ends are up, which takes the kernel
// a while.
func (t *netnsTopology) shape(host int) error {
	up := t.o.Up
	if host == 0 {
		up = t.o.SourceUp
	}
	ns := t.hosts[host]
	if err := errors.Join(ns.awaitUp(link), t.hub.awaitUp(port(host))); err != nil {
		return err
	}
	return errors.Join(ns.shape(link, up), t.hub.shape(port(host), t.o.Down))
}

// addPort makes the hub's end of a host's link a port of the bridge.
func (t *netnsTopology) addPort(host int) error {
	br, err := t.hub.net.LinkByName(bridge)
	if err != nil {
		return err
	}
	v, err := t.hub.net.LinkByName(port(host))
	if err != nil {
		return err
	}
	if err := t.hub.net.LinkSetMaster(v, br); err != nil {
		return err
	}
	return t.hub.net.LinkSetUp(v)
}

// start implements topology. The process ends with its host, however this program ends.
func (t *netnsTopology) start(host int, cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return t.hosts[host].do(cmd.Start)
}

func (t *netnsTopology) address(host int) string { return ip(host).String() + ":7444" }

func (t *netnsTopology) nodeStarted(context.Context, int, *Testbed) error { return nil }

func (t *netnsTopology) sent(context.Context, *Testbed) ([]int64, error) {
	all := make([]int64, len(t.hosts))
	for host, ns := range t.hosts {
		sent, _, err := ns.counters()
		if err != nil {
			return nil, moot.Errorf(moot.Internal, "host %d: %w", host, err)
		}
		all[host] = sent
	}
	return all, nil
}

func (t *netnsTopology) received(host int) (int64, bool) {
	_, received, err := t.hosts[host].counters()
	return received, err == nil
}

func (t *netnsTopology) close() error {
	var errs []error
	for _, ns := range append(t.hosts, t.hub) {
		if ns != nil {
			errs = append(errs, ns.close())
		}
	}
	t.hosts, t.hub = nil, nil
	return errors.Join(errs...)
}
