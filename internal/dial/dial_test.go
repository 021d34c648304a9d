package dial_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/dial"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/throttle"
)

func TestHTTPSAddresses(t *testing.T) {
	got := dial.HTTPS([]string{"/ip4/127.0.0.1/tcp/1", "https://a:1/", "http://b", "https://c"})
	if !slices.Equal(got, []string{"https://a:1", "https://c"}) {
		t.Errorf("addresses %q", got)
	}
}

// newDialer counts the transports that it makes.
func newDialer(host func() *link.Host, wrapped *int) *dial.Dialer {
	return dial.New(dial.Config{
		Key: seal.FromSeed([32]byte{1}), Host: host, In: &throttle.Throttle{}, Out: &throttle.Throttle{},
		Wrap: func(_ moot.Peer, rt http.RoundTripper) http.RoundTripper { *wrapped++; return rt },
	})
}

func TestOneClientForEachPeerAndAddress(t *testing.T) {
	made := 0
	d := newDialer(func() *link.Host { return nil }, &made)
	defer d.CloseIdle()
	p := moot.Peer{ID: moot.Key{2}, Addrs: []string{"https://127.0.0.1:1"}}
	for range 3 {
		if _, err := d.Dial(p); err != nil {
			t.Fatal(err)
		}
	}
	if made != 1 {
		t.Errorf("%d connection pools for one peer", made)
	}
	p.Addrs = []string{"https://127.0.0.1:2"}
	if _, err := d.Dial(p); err != nil || made != 2 {
		t.Errorf("a peer that moved is asked at its old address (%d, %v)", made, err)
	}
	for range 2 { // nothing is remembered of a failure
		n, err := d.Dial(moot.Peer{ID: moot.Key{3}})
		if moot.KindOf(err) != moot.Unavailable || n != nil {
			t.Errorf("a peer without an address: %v, %v", n, err)
		}
	}
}

func TestPeerIsAskedOverItsLink(t *testing.T) {
	host, err := link.NewHost(link.HostConfig{Key: seal.FromSeed([32]byte{1}), Allow: func(moot.Key) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	made := 0
	d := newDialer(func() *link.Host { return host }, &made)
	peer := moot.Peer{ID: seal.Public(seal.FromSeed([32]byte{2}))}
	n, err := d.Dial(peer)
	if err != nil || made != 1 {
		t.Fatalf("%v, %d", err, made)
	}
	if _, err := n.Vector(t.Context()); moot.KindOf(err) != moot.Unavailable {
		t.Errorf("a peer without an address answers: %v", err)
	}
	c := dial.Peer(host, peer, asIs)
	defer c.Close()
	if _, err := c.Vector(t.Context()); moot.KindOf(err) != moot.Unavailable {
		t.Errorf("a peer without an address answers: %v", err)
	}
}

func TestServerThatDoesNotAnswer(t *testing.T) {
	key := seal.FromSeed([32]byte{1})
	if _, err := dial.Server(key, moot.Peer{Addrs: []string{"/ip4/127.0.0.1/tcp/1"}}, asIs); moot.KindOf(err) != moot.Unavailable {
		t.Errorf("a server without an https address: %v", err)
	}
	for addr, kind := range map[string]moot.ErrorKind{"https://127.0.0.1:1": moot.Unavailable, "https://%zz": moot.Invalid} {
		c, err := dial.Server(key, moot.Peer{ID: moot.Key{2}, Addrs: []string{addr}}, asIs)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Vector(t.Context()); moot.KindOf(err) != kind {
			t.Errorf("%s: kind %q, %v", addr, moot.KindOf(err), err)
		}
		c.Close()
	}
}

func asIs(_ moot.Peer, rt http.RoundTripper) http.RoundTripper { return rt }
