package mta

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Smarthost is a mail server that relays mail for every domain.
type Smarthost struct {
	Addr     string // host:port; on port 465 TLS begins at once (RFC 8314), else with STARTTLS
	Username string // with Password for AUTH PLAIN; then TLS with a valid certificate is required
	Password string
}

// host is a server to attempt.
type host struct {
	name string   // for its certificate
	addr []string // host:port
}

// Limits of one attempt; further hosts and addresses of a domain are ignored.
const (
	maxHosts    = 5
	maxAddrs    = 4 // of a host
	implicitTLS = "465"
)

// route returns the mail hosts of a domain, by preference.
func (cl *client) route(ctx context.Context, domain string) ([]string, error) {
	mx, err := cl.dns.LookupMX(ctx, domain)
	if err != nil && !notFound(err) && len(mx) == 0 { // an error may come with valid records
		return nil, failuref("4.4.3", "the DNS lookup failed for %s: %w", domain, err)
	}
	if len(mx) == 0 {
		return []string{domain}, nil // RFC 5321, 5.1
	}
	if len(mx) == 1 && strings.Trim(mx[0].Host, ".") == "" {
		return nil, failuref("5.1.10", "%s accepts no mail", domain) // RFC 7505
	}
	rand.Shuffle(len(mx), func(i, j int) { mx[i], mx[j] = mx[j], mx[i] })
	slices.SortStableFunc(mx, func(a, b *net.MX) int { return cmp.Compare(a.Pref, b.Pref) })
	var hosts []string
	for _, m := range mx {
		if sameName(m.Host, cl.Hostname) {
			break // less preferred hosts would relay back to this one
		}
		if name, err := domainName(m.Host); err == nil {
			hosts = append(hosts, name)
		}
	}
	if len(hosts) == 0 {
		return nil, failuref("5.4.6", "the DNS names this server as the mail server of %s, which it is not", domain)
	}
	return hosts[:min(maxHosts, len(hosts))], nil
}

// resolve looks up the addresses of a host.
func (cl *client) resolve(ctx context.Context, name string) (host, error) {
	ips, err := cl.dns.LookupIPAddr(ctx, name)
	if notFound(err) || err == nil && len(ips) == 0 {
		return host{}, failuref("5.1.2", "there is no host %s", name)
	}
	if err != nil {
		return host{}, failuref("4.4.3", "the DNS lookup failed for %s: %w", name, err)
	}
	h := host{name: name}
	for _, ip := range ips {
		a, ok := netip.AddrFromSlice(ip.IP)
		if a = a.Unmap(); ok && len(h.addr) < maxAddrs && (cl.Private || public(a)) {
			h.addr = append(h.addr, net.JoinHostPort(a.String(), strconv.Itoa(cl.Port)))
		}
	}
	if len(h.addr) == 0 {
		return host{}, failuref("5.4.4", "%s has no public address", name)
	}
	return h, nil
}

// public reports whether an address may be a remote mail server's: a domain must not
// direct connections into the local network.
func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate()
}

// host returns the smarthost as a host.
func (s *Smarthost) host() (host, error) {
	name, _, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return host{}, failuref("4.3.5", "smarthost: %w", err)
	}
	return host{name: name, addr: []string{s.Addr}}, nil
}
