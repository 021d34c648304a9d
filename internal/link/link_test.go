package link_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/seal"
)

// whoami answers with the caller's key.
var whoami = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, moot.Caller(r.Context()))
})

// serveTLS returns the address of a server with the key.
func serveTLS(t *testing.T, key ed25519.PrivateKey, cert *tls.Certificate) string {
	t.Helper()
	ln, err := link.ListenTCP(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- link.ServeTLS(ctx, ln, []ed25519.PrivateKey{key}, cert, whoami, nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "https://" + ln.Addr().String()
}

func get(t *testing.T, rt http.RoundTripper, url string) (string, error) {
	t.Helper()
	resp, err := (&http.Client{Transport: rt}).Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

func transport(t *testing.T, key ed25519.PrivateKey, server moot.Key) *http.Transport {
	t.Helper()
	rt, err := link.TLSTransport(key, server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rt.CloseIdleConnections)
	return rt
}

func TestTLSProvesBothKeys(t *testing.T) {
	server, client := seal.NewKey(), seal.NewKey()
	url := serveTLS(t, server, nil)
	if got, err := get(t, transport(t, client, seal.Public(server)), url); err != nil || got != seal.Public(client).String() {
		t.Errorf("the server sees %q, %v", got, err)
	}
	if _, err := get(t, transport(t, client, seal.Public(seal.NewKey())), url); !errors.Is(err, moot.Stranger) {
		t.Errorf("another server's key: %v", err)
	}
	curl := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer curl.CloseIdleConnections()
	if got, err := get(t, curl, url); err != nil || got != (moot.Key{}).String() {
		t.Errorf("without a certificate the caller is %q, %v", got, err)
	}
	if _, err := get(t, &http.Transport{TLSClientConfig: &tls.Config{}}, url); err == nil {
		t.Error("a client that knows no key believes the server")
	}
}

func TestTakenPort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	other, err := link.ListenTCP(t.Context(), ln.Addr().String(), true)
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	if _, err := link.ListenTCP(t.Context(), ln.Addr().String(), false); moot.KindOf(err) != moot.Invalid {
		t.Errorf("a port that was named and is taken: %v", err)
	}
}

func newHost(t *testing.T, key ed25519.PrivateKey, allow func(moot.Key) bool, listen ...string) *link.Host {
	t.Helper()
	h, err := link.NewHost(link.HostConfig{Key: key, Listen: listen, Allow: allow})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func everybody(moot.Key) bool { return true }

func TestPeersProveTheirKeys(t *testing.T) {
	for _, listen := range []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"} {
		a, b := seal.NewKey(), seal.NewKey()
		server := newHost(t, a, func(k moot.Key) bool { return k == seal.Public(b) }, listen)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- server.Serve(ctx, whoami) }()
		at := moot.Peer{ID: seal.Public(a), Addrs: server.Addrs()}

		friend := newHost(t, b, everybody)
		if got, err := request(t, friend, at); err != nil || got != seal.Public(b).String() {
			t.Errorf("%s: the peer sees %q, %v", listen, got, err)
		}
		if peers := server.Peers(); len(peers) != 1 || peers[0].ID != seal.Public(b) {
			t.Errorf("%s: connected with %v", listen, peers)
		}
		if _, err := request(t, newHost(t, seal.NewKey(), everybody), at); moot.KindOf(err) != moot.Unavailable {
			t.Errorf("%s: a stranger: %v", listen, err)
		}
		wrong := moot.Peer{ID: seal.Public(seal.NewKey()), Addrs: server.Addrs()}
		if _, err := request(t, friend, wrong); moot.KindOf(err) != moot.Unavailable {
			t.Errorf("%s: a peer with another key: %v", listen, err)
		}
		server.Disconnect(seal.Public(b))
		if peers := server.Peers(); len(peers) != 0 {
			t.Errorf("%s: still connected with %v", listen, peers)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// request retries a request that broke because both sides ended it at once.
func request(t *testing.T, h *link.Host, p moot.Peer) (string, error) {
	t.Helper()
	rt := h.Transport(p)
	defer rt.CloseIdleConnections()
	got, err := get(t, rt, "http://peer/")
	var known *moot.Error
	if err != nil && !errors.As(err, &known) { // a stranger is cut off after the handshake: also seen as a broken stream
		err = moot.Errorf(moot.Unavailable, "%w", err)
	}
	return got, err
}

func TestKeysAndPeerIDs(t *testing.T) {
	k := seal.Public(seal.NewKey())
	if got, err := link.KeyOf(link.PeerID(k)); err != nil || got != k {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := link.KeyOf("garbage"); moot.KindOf(err) != moot.Invalid {
		t.Errorf("garbage: %v", err)
	}
}

// TestGarbageOnThePorts: after any garbage, the next valid request is served.
func TestGarbageOnThePorts(t *testing.T) {
	server, client := seal.NewKey(), seal.NewKey()
	url := serveTLS(t, server, nil)
	host := newHost(t, server, everybody, "/ip4/127.0.0.1/tcp/0")
	parts := strings.Split(host.Addrs()[0], "/")
	for _, addr := range []string{strings.TrimPrefix(url, "https://"), net.JoinHostPort(parts[2], parts[4])} {
		for _, text := range []string{"GET / HTTP/1.1\r\n\r\n", strings.Repeat("\xff\x00garbage", 1000), ""} {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(conn, text)
			conn.Close()
		}
	}
	if _, err := get(t, transport(t, client, seal.Public(server)), url); err != nil {
		t.Error(err)
	}
}

// TestAbsentPeer: a peer whose program does not run is given up soon, in words without its
// key and addresses.
func TestAbsentPeer(t *testing.T) {
	own, other := seal.NewKey(), seal.NewKey()
	a := newHost(t, own, everybody)
	b := newHost(t, other, everybody, "/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1")
	absent := moot.Peer{ID: seal.Public(other), Addrs: b.Addrs()}
	b.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	for want, p := range map[string]moot.Peer{
		"cannot be reached: connection refused":  absent,
		"cannot be reached: no address is known": {ID: seal.Public(seal.NewKey())},
	} {
		if err := a.Connect(ctx, p); moot.KindOf(err) != moot.Unavailable || err.Error() != want || ctx.Err() != nil {
			t.Errorf("%v, want %s (%v)", err, want, ctx.Err())
		}
	}
}
