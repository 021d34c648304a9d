package mta

import (
	"cmp"
	"net"
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

func (l Limits) orDefault() Limits {
	l.Message = cmp.Or(l.Message, 64<<20)
	l.Memory = max(cmp.Or(l.Memory, 256<<20), l.Message+chunk)
	l.Recipients = cmp.Or(l.Recipients, 100)
	l.Connections = cmp.Or(l.Connections, 100)
	l.PerAddress = cmp.Or(l.PerAddress, 10)
	l.PerMinute = cmp.Or(l.PerMinute, 60)
	l.Hops = cmp.Or(l.Hops, 50)
	l.Idle = cmp.Or(l.Idle, 5*time.Minute)
	l.Data = cmp.Or(l.Data, 15*time.Minute)
	return l
}

// origin is what limits are counted for: an IPv4 address, or the IPv6 network of 64
// bits, of which one machine has all addresses.
type origin = netip.Prefix

func originOf(a net.Addr) origin {
	ip := ipOf(a)
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, _ := ip.Prefix(bits) // the zero one for what has no address, as a pipe
	return p
}

func ipOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// senders counts the messages of each origin. Of very many origins it forgets those
// that were not heard of for the longest time.
type senders struct {
	perMinute int
	rates     *lru.Cache[origin, *rate.Limiter]
}

const maxOrigins = 10_000

func newSenders(perMinute int) *senders {
	rates, err := lru.New[origin, *rate.Limiter](maxOrigins)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &senders{perMinute, rates}
}

// allow reports whether the origin may send another message now.
func (s *senders) allow(o origin) bool {
	r := rate.NewLimiter(rate.Limit(float64(s.perMinute)/60), s.perMinute)
	if known, ok, _ := s.rates.PeekOrAdd(o, r); ok {
		r = known
		s.rates.Get(o) // is heard of now
	}
	return r.Allow()
}
