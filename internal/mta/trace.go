package mta

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// trace returns the value of a Received field (RFC 5321, 4.4).
func (s *session) trace(to []string, at time.Time) string {
	var b strings.Builder
	helo := s.helo
	if helo == "" {
		helo = "unknown"
	}
	fmt.Fprintf(&b, "from %s (%s) by %s with %s", helo, literal(s.remote), s.Hostname, s.protocol())
	if s.tls != "" {
		fmt.Fprintf(&b, " (%s)", s.tls)
	}
	if len(to) == 1 { // several would disclose Bcc recipients
		fmt.Fprintf(&b, " for %s", angle(to[0]))
	}
	return b.String() + "; " + at.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700")
}

// protocol returns the name of RFC 3848.
func (s *session) protocol() string {
	if s.tls != "" {
		return "ESMTPS"
	}
	return "ESMTP"
}

// literal formats an address literal (RFC 5321, 4.1.3).
func literal(ip netip.Addr) string {
	switch {
	case ip.Is4():
		return "[" + ip.String() + "]"
	case ip.Is6():
		return "[IPv6:" + ip.WithZone("").String() + "]"
	}
	return "[]"
}
