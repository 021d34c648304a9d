package listen

import (
	"net"
	"slices"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
)

// TestPeerAddrs is where a node listens for peers, by what was asked for.
func TestPeerAddrs(t *testing.T) {
	for _, c := range []struct {
		listen []string
		want   []string
	}{
		{[]string{"192.168.1.5:7444"}, []string{"/ip4/192.168.1.5/tcp/7444", "/ip4/192.168.1.5/udp/7444/quic-v1"}},
		{[]string{":9"}, []string{"/ip4/0.0.0.0/tcp/9", "/ip4/0.0.0.0/udp/9/quic-v1"}},
		{[]string{"[::1]:9"}, []string{"/ip6/::1/tcp/9", "/ip6/::1/udp/9/quic-v1"}},
		{[]string{"a.example:9"}, []string{"/dns/a.example/tcp/9", "/dns/a.example/udp/9/quic-v1"}},
		{[]string{"/ip4/1.2.3.4/tcp/5", "10.0.0.1:6"}, []string{"/ip4/1.2.3.4/tcp/5", "/ip4/10.0.0.1/tcp/6", "/ip4/10.0.0.1/udp/6/quic-v1"}},
	} {
		if got, err := peerAddrs(app.RunOptions{Listen: c.listen}); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%v: listen on %v, %v; want %v", c.listen, got, err, c.want)
		}
	}
	if _, err := peerAddrs(app.RunOptions{Listen: []string{"nowhere"}}); moot.KindOf(err) != moot.Invalid {
		t.Errorf("an address without a port: %v", err)
	}
}

// TestPeerHosts of a server are those of its HTTPS addresses.
func TestPeerHosts(t *testing.T) {
	everywhere := []string{"0.0.0.0", "::"}
	for _, c := range []struct {
		o    app.RunOptions
		want []string
	}{
		{app.RunOptions{}, everywhere},
		{app.RunOptions{Listen: []string{"10.0.0.1:1"}}, everywhere},
		{app.RunOptions{Serve: true}, everywhere},
		{app.RunOptions{Serve: true, Listen: []string{":443"}}, everywhere},
		{app.RunOptions{Serve: true, Listen: []string{"10.0.0.1:443", "127.0.0.1:0"}}, []string{"10.0.0.1", "127.0.0.1"}},
	} {
		if got := peerHosts(c.o); !slices.Equal(got, c.want) {
			t.Errorf("%+v: hosts %v, want %v", c.o, got, c.want)
		}
	}
}

func TestFreePort(t *testing.T) {
	ln, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if got := freePort(port); got != "0" {
		t.Errorf("port %s is in use, and %s taken", port, got)
	}
}

func TestHTTPSAddrs(t *testing.T) {
	if got := httpsAddrs(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 443}); !slices.Equal(got, []string{"https://10.0.0.1:443"}) {
		t.Errorf("one interface: %v", got)
	}
	if got := httpsAddrs(&net.TCPAddr{IP: net.IPv6unspecified, Port: 443}); len(got) != len(interfaceIPs()) {
		t.Errorf("all interfaces: %v", got)
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{"localhost": true, "127.0.0.1": true, "127.8.8.8": true, "::1": true, "": false, "0.0.0.0": false, "10.0.0.1": false, "localhost.example": false} {
		if got := isLoopback(host); got != want {
			t.Errorf("%q is the loopback: %t, want %t", host, got, want)
		}
	}
}
