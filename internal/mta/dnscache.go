package mta

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sync/singleflight"
)

// Cache is a Resolver that remembers answers for their TTL, also that there is no such
// record (RFC 2308), and for a moment that no server answered. It is safe for concurrent
// use.
//
// Go's resolver asks; it does not tell TTLs, so they are read off its connections. What
// it does not ask a server, as names of the hosts file, is not remembered.
type Cache struct {
	resolver Resolver
	answers  *lru.Cache[query, answer]
	asking   singleflight.Group
	now      func() time.Time
}

// Bounds of what is remembered.
const (
	maxAnswers   = 10_000
	maxAnswer    = 8 << 10 // bytes
	minTTL       = 5 * time.Second
	maxTTL       = 24 * time.Hour
	maxNegative  = 3 * time.Hour // RFC 2308, 5
	failureTTL   = 5 * time.Second
	lookupBudget = 10 * time.Second // of one lookup
)

type query struct{ kind, name string }

type answer struct {
	value any
	err   error
	until time.Time
}

// NewCache returns a resolver of the system's that remembers.
func NewCache() *Cache {
	return newCache(&net.Resolver{PreferGo: true, Dial: dialObserved}, time.Now)
}

func newCache(r Resolver, now func() time.Time) *Cache {
	answers, err := lru.New[query, answer](maxAnswers)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &Cache{resolver: r, answers: answers, now: now}
}

// LookupTXT implements Resolver.
func (c *Cache) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return remembered(ctx, c, query{"TXT", name}, c.resolver.LookupTXT, func(s string) int { return len(s) })
}

// LookupMX implements Resolver.
func (c *Cache) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	return remembered(ctx, c, query{"MX", name}, c.resolver.LookupMX, func(m *net.MX) int { return len(m.Host) })
}

// LookupIPAddr implements Resolver.
func (c *Cache) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	return remembered(ctx, c, query{"A", host}, c.resolver.LookupIPAddr, func(net.IPAddr) int { return net.IPv6len })
}

// LookupAddr implements Resolver.
func (c *Cache) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	return remembered(ctx, c, query{"PTR", addr}, c.resolver.LookupAddr, func(s string) int { return len(s) })
}

// remembered returns an answer, asking for it once however many want it. The list is shared.
func remembered[T any](ctx context.Context, c *Cache, q query, ask func(context.Context, string) ([]T, error), size func(T) int) ([]T, error) {
	q.name = strings.ToLower(q.name)
	if known, ok := c.answers.Get(q); ok && c.now().Before(known.until) {
		list, _ := known.value.([]T)
		return list, known.err
	}
	result := c.asking.DoChan(q.kind+" "+q.name, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupBudget)
		defer cancel()
		seen := &observation{}
		list, err := ask(context.WithValue(ctx, observationKey{}, seen), q.name)
		bytes := 0
		for _, one := range list {
			bytes += size(one)
		}
		if ttl := seen.ttl(err); ttl > 0 && bytes <= maxAnswer {
			c.answers.Add(q, answer{list, err, c.now().Add(ttl)})
		}
		return list, err
	})
	select {
	case r := <-result:
		list, _ := r.Val.([]T)
		return list, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// observation is the TTLs of the messages that answer a lookup.
type observation struct {
	mu       sync.Mutex
	answered bool
	least    time.Duration
}

type observationKey struct{}

// ttl returns how long the outcome of the lookup is remembered; 0 for not at all.
func (o *observation) ttl(err error) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err != nil && !notFound(err):
		return failureTTL
	case !o.answered:
		return 0
	case err != nil:
		return min(max(o.least, minTTL), maxNegative)
	}
	return min(max(o.least, minTTL), maxTTL)
}

// read takes in a message from a server. A forged one can only shorten what is remembered.
func (o *observation) read(message []byte) {
	ttl, ok := messageTTL(message)
	o.mu.Lock()
	defer o.mu.Unlock()
	if ok && (!o.answered || ttl < o.least) {
		o.answered, o.least = true, ttl
	}
}

// messageTTL returns the least TTL of the answers in a message; of one that has none, how
// long that holds (RFC 2308, 5), or zero if it does not say.
func messageTTL(message []byte) (ttl time.Duration, ok bool) {
	var p dnsmessage.Parser
	h, err := p.Start(message)
	if err != nil || !h.Response || h.Truncated || p.SkipAllQuestions() != nil {
		return 0, false
	}
	least, found := uint32(0), false
	for {
		rr, err := p.AnswerHeader()
		if err != nil || p.SkipAnswer() != nil {
			if err != nil && !errors.Is(err, dnsmessage.ErrSectionDone) {
				return 0, false
			}
			break
		}
		if !found || rr.TTL < least {
			least, found = rr.TTL, true
		}
	}
	if !found {
		least = negativeTTL(&p)
	}
	return time.Duration(least) * time.Second, true
}

// negativeTTL returns the seconds that the lack of a record holds, from the SOA record.
func negativeTTL(p *dnsmessage.Parser) uint32 {
	for {
		rr, err := p.AuthorityHeader()
		if err != nil {
			return 0
		}
		if rr.Type != dnsmessage.TypeSOA {
			if p.SkipAuthority() != nil {
				return 0
			}
			continue
		}
		soa, err := p.SOAResource()
		if err != nil {
			return 0
		}
		return min(rr.TTL, soa.MinTTL)
	}
}

// dialObserved connects to a DNS server for a lookup of a Cache.
func dialObserved(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	seen, ok := ctx.Value(observationKey{}).(*observation)
	if err != nil || !ok {
		return c, err
	}
	if udp, ok := c.(*net.UDPConn); ok {
		return &observedPackets{udp, seen}, nil
	}
	return &observedStream{Conn: c, seen: seen}, nil
}

// observedPackets is a connection over UDP: each read is a message.
type observedPackets struct {
	*net.UDPConn
	seen *observation
}

func (c *observedPackets) Read(p []byte) (int, error) {
	n, err := c.UDPConn.Read(p)
	if err == nil {
		c.seen.read(p[:n])
	}
	return n, err
}

// observedStream is a connection over TCP: each message follows its length (RFC 1035, 4.2.2).
type observedStream struct {
	net.Conn
	seen *observation
	got  []byte
}

func (c *observedStream) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.got = append(c.got, p[:n]...)
	if len(c.got) >= 2 {
		if end := 2 + int(c.got[0])<<8 + int(c.got[1]); len(c.got) >= end {
			c.seen.read(c.got[2:end])
			c.got = c.got[end:]
		}
	}
	return n, err
}
