package listen

import (
	"net"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
)

// peerAddrs returns the multiaddrs to listen on. A server's listen addresses are for
// HTTPS: it answers peers on the same interfaces.
func peerAddrs(o app.RunOptions) (listen []string, err error) {
	named := o.Listen
	if o.Serve {
		named = nil
	}
	for _, a := range named {
		if strings.HasPrefix(a, "/") {
			listen = append(listen, a)
			continue
		}
		h, p, err := net.SplitHostPort(a)
		if err != nil {
			return nil, moot.Errorf(moot.Invalid, "%q is no address to listen on: want host:port or a multiaddr", a)
		}
		if h == "" {
			h = "0.0.0.0"
		}
		listen = append(listen, multiaddrs(h, p)...)
	}
	if len(listen) > 0 {
		return listen, nil
	}
	port := freePort(peerPort)
	for _, h := range peerHosts(o) {
		listen = append(listen, multiaddrs(h, port)...)
	}
	return listen, nil
}

func peerHosts(o app.RunOptions) (hosts []string) {
	if o.Serve {
		for _, a := range o.Listen {
			if h, _, err := net.SplitHostPort(a); err == nil && h != "" {
				hosts = append(hosts, h)
			}
		}
	}
	if len(hosts) == 0 {
		hosts = []string{"0.0.0.0", "::"}
	}
	return hosts
}

// freePort returns the port if it is free, else "0": any.
func freePort(port string) string {
	ln, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return "0"
	}
	ln.Close()
	return port
}

func multiaddrs(h, port string) []string {
	family := "/ip4/"
	switch ip := net.ParseIP(h); {
	case ip == nil:
		family = "/dns/"
	case ip.To4() == nil:
		family = "/ip6/"
	}
	return []string{family + h + "/tcp/" + port, family + h + "/udp/" + port + "/quic-v1"}
}

// httpsAddrs returns the https addresses under which others may reach a listener.
func httpsAddrs(a net.Addr) (addrs []string) {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return nil
	}
	hosts := []string{host}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		hosts = interfaceIPs()
	}
	for _, h := range hosts {
		addrs = append(addrs, "https://"+net.JoinHostPort(h, port))
	}
	return addrs
}

// interfaceIPs returns this machine's addresses, those of the network first, the
// loopback last; link-local ones mean nothing elsewhere.
func interfaceIPs() (ips []string) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return []string{"127.0.0.1"}
	}
	var loop []string
	for _, a := range all {
		ipnet, ok := a.(*net.IPNet)
		switch {
		case !ok || ipnet.IP.IsLinkLocalUnicast():
		case ipnet.IP.IsLoopback():
			if ipnet.IP.To4() != nil {
				loop = append(loop, ipnet.IP.String())
			}
		default:
			ips = append(ips, ipnet.IP.String())
		}
	}
	return append(ips, loop...)
}
