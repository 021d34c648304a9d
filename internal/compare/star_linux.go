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

// star is hosts around a hub: each host a network namespace, joined to a bridge in the
// hub's namespace by a pair of veth devices. A host's uplink is shaped at its own end,
// its downlink at the bridge's. Nothing of it can reach the machine's own networks.
type star struct {
	hub   *place
	hosts []*place
	o     Options
}

// newStar makes a source and n receivers. The error is of kind Denied or Internal.
func newStar(n int, o Options) (_ ground, err error) {
	s := &star{o: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.hub, err = newPlace(); err != nil {
		return nil, err
	}
	err = s.hub.net.LinkAdd(&netlink.Bridge{LinkAttrs: named(bridge)})
	if err == nil {
		err = s.hub.up(bridge)
	}
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "make a bridge: %w", err)
	}
	for range n + 1 {
		p, err := newPlace()
		if err != nil {
			return nil, err
		}
		s.hosts = append(s.hosts, p)
	}
	for _, step := range []func(host int) error{s.join, s.acquaint, s.shape} {
		for host := range s.hosts {
			if err := step(host); err != nil {
				return nil, moot.Errorf(moot.Internal, "host %d: %w", host, err)
			}
		}
	}
	return s, nil
}

// Names of the links, each in its own namespace.
const (
	bridge = "br0"
	link   = "eth0"
)

func port(host int) string { return fmt.Sprintf("v%d", host) }

// ip is a host's address: all are in 10.77.0.0/16.
func ip(host int) net.IP { return net.IPv4(10, 77, byte(host/250), byte(host%250+1)).To4() }

// mac is a host's link address, of those that nobody assigns (RFC 9542, section 2.1).
func mac(host int) net.HardwareAddr {
	return net.HardwareAddr{0x02, 0x6d, 0x6f, 0x6f, byte(host >> 8), byte(host)}
}

func named(name string) netlink.LinkAttrs {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	return attrs
}

// join joins a host to the hub.
func (s *star) join(host int) error {
	p := s.hosts[host]
	veth := netlink.NewVeth(named(link))
	veth.HardwareAddr, veth.PeerName, veth.PeerNamespace = mac(host), port(host), netlink.NsFd(s.hub.space)
	if err := p.net.LinkAdd(veth); err != nil {
		return fmt.Errorf("make its link: %w", err)
	}
	if err := s.plug(host); err != nil {
		return fmt.Errorf("join it to the bridge: %w", err)
	}
	eth, err := p.net.LinkByName(link)
	if err != nil {
		return err
	}
	addr := &netlink.Addr{IPNet: &net.IPNet{IP: ip(host), Mask: net.CIDRMask(16, 32)}}
	if err := p.net.AddrAdd(eth, addr); err != nil {
		return fmt.Errorf("give it an address: %w", err)
	}
	for _, name := range []string{"lo", link} {
		if err := p.up(name); err != nil {
			return err
		}
	}
	everywhere := &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}
	if err := p.net.RouteAdd(&netlink.Route{LinkIndex: eth.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: everywhere}); err != nil {
		return fmt.Errorf("give it a route: %w", err)
	}
	return nil
}

// acquaint tells a host the link addresses of all others, for good. Asked for by ARP
// they would share one table of 1024 with all namespaces of the machine: 33 hosts who
// all know each other overflow it, and then some cannot connect.
func (s *star) acquaint(host int) error {
	p := s.hosts[host]
	eth, err := p.net.LinkByName(link)
	if err != nil {
		return err
	}
	for other := range s.hosts {
		if other == host {
			continue
		}
		n := &netlink.Neigh{LinkIndex: eth.Attrs().Index, State: netlink.NUD_PERMANENT, IP: ip(other), HardwareAddr: mac(other)}
		if err := p.net.NeighSet(n); err != nil {
			return fmt.Errorf("tell it where host %d is: %w", other, err)
		}
	}
	return nil
}

// shape limits what a host's link carries, once both of its ends are up: the kernel
// notices that a while after it was told to bring them up.
func (s *star) shape(host int) error {
	up := s.o.Up
	if host == 0 {
		up = s.o.SourceUp
	}
	p := s.hosts[host]
	if err := errors.Join(p.awaitUp(link), s.hub.awaitUp(port(host))); err != nil {
		return err
	}
	return errors.Join(p.shape(link, up), s.hub.shape(port(host), s.o.Down))
}

// plug makes the hub's end of a host's link a port of the bridge.
func (s *star) plug(host int) error {
	br, err := s.hub.net.LinkByName(bridge)
	if err != nil {
		return err
	}
	v, err := s.hub.net.LinkByName(port(host))
	if err != nil {
		return err
	}
	if err := s.hub.net.LinkSetMaster(v, br); err != nil {
		return err
	}
	return s.hub.net.LinkSetUp(v)
}

// start implements ground. The process ends with the host, however this program ends.
func (s *star) start(host int, cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return s.hosts[host].do(cmd.Start)
}

func (s *star) address(host int) string { return ip(host).String() + ":7444" }

func (s *star) prepared(context.Context, int, *Stage) error { return nil }

func (s *star) sent(context.Context, *Stage) ([]int64, error) {
	all := make([]int64, len(s.hosts))
	for host, p := range s.hosts {
		sent, _, err := p.counters(link)
		if err != nil {
			return nil, moot.Errorf(moot.Internal, "host %d: %w", host, err)
		}
		all[host] = sent
	}
	return all, nil
}

func (s *star) received(host int) (int64, bool) {
	_, received, err := s.hosts[host].counters(link)
	return received, err == nil
}

func (s *star) close() error {
	var errs []error
	for _, p := range append(s.hosts, s.hub) {
		if p != nil {
			errs = append(errs, p.close())
		}
	}
	s.hosts, s.hub = nil, nil
	return errors.Join(errs...)
}
