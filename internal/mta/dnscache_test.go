package mta

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers TXT questions below else.example with a TTL of 60 s, that there is
// nothing below none.example for 30 s (the least of 30 and 600), and fails for the rest.
type nameServer struct {
	addr  string
	asked atomic.Int64
	lose  atomic.Int64 // so many queries are not answered
}

func newNameServer(t testing.TB) *nameServer {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close() })
	s := &nameServer{addr: udp.LocalAddr().String()}
	go func() {
		b := make([]byte, 1024)
		for {
			n, from, err := udp.ReadFrom(b)
			if err != nil {
				return
			}
			s.asked.Add(1)
			if s.lose.Add(-1) >= 0 {
				continue
			}
			_, _ = udp.WriteTo(s.reply(b[:n]), from)
		}
	}()
	return s
}

func (s *nameServer) reply(asked []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(asked) != nil {
		return nil
	}
	q := m.Questions[0]
	name := q.Name.String()
	m.Response, m.Additionals = true, nil
	h := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 60}
	switch {
	case strings.HasSuffix(name, "none.example."):
		m.RCode, h.TTL = dnsmessage.RCodeNameError, 600
		m.Authorities = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.SOAResource{NS: q.Name, MBox: q.Name, MinTTL: 30}}}
	case q.Type == dnsmessage.TypeTXT && strings.HasSuffix(name, "else.example."):
		long := h
		long.TTL = 3600
		m.Answers = []dnsmessage.Resource{{Header: long, Body: &dnsmessage.TXTResource{TXT: []string{"a"}}}, {Header: h, Body: &dnsmessage.TXTResource{TXT: []string{"b"}}}}
	default:
		m.RCode = dnsmessage.RCodeServerFailure
	}
	b, _ := m.Pack()
	return b
}

// cache returns a Cache that asks the server, and its clock.
func (s *nameServer) cache() (*Cache, *atomic.Int64) {
	seconds := &atomic.Int64{}
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialObserved(ctx, network, s.addr)
	}}
	return newCache(r, func() time.Time { return time.Unix(1e9+seconds.Load(), 0) }), seconds
}

// TestCache: a question is asked once in the TTL of its answer, also of one that there is
// nothing; a failure is remembered for a moment.
func TestCache(t *testing.T) {
	s := newNameServer(t)
	c, clock := s.cache()
	for _, step := range []struct {
		at    int64
		name  string
		found int
		asked bool
	}{
		{0, "spf.else.example.", 2, true}, {0, "SPF.else.example.", 2, false}, {59, "spf.else.example.", 2, false}, {61, "spf.else.example.", 2, true},
		{100, "none.example.", 0, true}, {129, "none.example.", 0, false}, {131, "none.example.", 0, true},
		{200, "broken.example.", 0, true}, {204, "broken.example.", 0, false}, {206, "broken.example.", 0, true},
	} {
		clock.Store(step.at)
		before := s.asked.Load()
		got, err := c.LookupTXT(t.Context(), step.name)
		if len(got) != step.found || (err == nil) != (step.found > 0) || notFound(err) != (step.name == "none.example.") {
			t.Errorf("%d s: %s is %q, %v", step.at, step.name, got, err)
		}
		if asked := s.asked.Load() > before; asked != step.asked {
			t.Errorf("%d s: %s was asked for: %v", step.at, step.name, asked)
		}
	}
}

// TestCacheTogether: what many want at once is asked once, and one who gives up takes
// nothing from the others.
func TestCacheTogether(t *testing.T) {
	s := newNameServer(t)
	s.lose.Store(1 << 40)
	c, _ := s.cache()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.LookupTXT(gone, "spf.else.example."); !errors.Is(err, context.Canceled) {
		t.Errorf("by one who has gone: %v", err)
	}
	s.lose.Store(0)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got, err := c.LookupTXT(t.Context(), "together.else.example."); err != nil || len(got) != 2 {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	all.Wait()
	if n := s.asked.Load(); n > 3 {
		t.Errorf("%d queries", n)
	}
}

func FuzzMessageTTL(f *testing.F) {
	s := &nameServer{}
	for _, name := range []string{"a.else.example.", "none.example.", "x.example."} {
		q := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET}}}
		b, err := q.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s.reply(b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if ttl, _ := messageTTL(b); ttl < 0 {
			t.Error(ttl)
		}
		o := &observation{}
		o.read(b)
		if ttl := o.ttl(nil); ttl < 0 || ttl > maxTTL {
			t.Error(ttl)
		}
	})
}
