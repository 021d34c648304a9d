package mta

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

func (l Limits) orDefault() Limits {
	l.Message = cmp.Or(l.Message, 64<<20)
	l.Memory = max(cmp.Or(l.Memory, 256<<20), l.Message+chunk)
	l.Recipients = cmp.Or(l.Recipients, 100)
	l.Connections = cmp.Or(l.Connections, 200)
	l.PerAddress = cmp.Or(l.PerAddress, 20)
	l.PerMinute = cmp.Or(l.PerMinute, 300)
	l.Hops = cmp.Or(l.Hops, 50)
	l.Idle = cmp.Or(l.Idle, 5*time.Minute)
	l.Data = cmp.Or(l.Data, 15*time.Minute)
	return l
}

func (l Limits) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(l.Trusted, func(p netip.Prefix) bool { return p.Contains(a) })
}

// origin is the unit that limits count: an IPv4 address, or an IPv6 /64, all of which
// one machine may have.
type origin = netip.Prefix

func originOf(a net.Addr) origin {
	ip := ipOf(a)
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, _ := ip.Prefix(bits) // zero for a connection without an address, as a pipe
	return p
}

func ipOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// rateLimits has a rate limiter for each origin, for the most recent maxOrigins.
type rateLimits struct {
	perMinute int
	limiters  *lru.Cache[origin, *rate.Limiter]
}

const maxOrigins = 10_000

func newRateLimits(perMinute int) *rateLimits {
	rates, err := lru.New[origin, *rate.Limiter](maxOrigins)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &rateLimits{perMinute, rates}
}

// allow reports whether the origin may send a message now.
func (s *rateLimits) allow(o origin) bool {
	r := rate.NewLimiter(rate.Limit(float64(s.perMinute)/60), s.perMinute)
	if known, ok, _ := s.limiters.PeekOrAdd(o, r); ok {
		r = known
		s.limiters.Get(o) // now the most recent
	}
	return r.Allow()
}
