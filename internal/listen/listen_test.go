package listen

import (
	"bufio"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/dial"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/seal"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newListeners returns listeners of a new space's server.
func newListeners(t *testing.T) *Listeners {
	t.Helper()
	data, key := node.Dir(t.TempDir()), seal.NewKey()
	founding, err := members.Founding("club", "laptop", key, time.Now)
	must(t, err)
	n, err := node.New(t.Context(), node.Config{Space: feed.SpaceOf(&founding), Names: node.Names{Space: "club"}, Key: key, Data: data, Role: arch.Server(), Mail: node.MailServer{Domain: "club.example"}})
	must(t, err)
	t.Cleanup(func() { n.Close() })
	_, err = n.Found(t.Context(), founding, "ann")
	must(t, err)
	return &Listeners{node: n, data: data, log: slog.New(slog.DiscardHandler)}
}

// serve answers until the test ends.
func serve(t *testing.T, l *Listeners) {
	t.Helper()
	ctx, end := context.WithCancelCause(context.Background())
	l.Serve(ctx, end)
	t.Cleanup(func() {
		if cause := context.Cause(ctx); cause != nil {
			t.Errorf("a listener failed: %v", cause)
		}
		end(nil)
		l.Close()
	})
}

func TestAddressesToListenOn(t *testing.T) {
	for _, c := range []struct {
		name string
		o    app.RunOptions
		want []string
		kind moot.ErrorKind
	}{
		{"a port", app.RunOptions{Listen: []string{":81"}}, []string{"/ip4/0.0.0.0/tcp/81", "/ip4/0.0.0.0/udp/81/quic-v1"}, ""},
		{"IPv6", app.RunOptions{Listen: []string{"[::1]:81"}}, []string{"/ip6/::1/tcp/81", "/ip6/::1/udp/81/quic-v1"}, ""},
		{"a name", app.RunOptions{Listen: []string{"host.example:81"}}, []string{"/dns/host.example/tcp/81", "/dns/host.example/udp/81/quic-v1"}, ""},
		{"a multiaddr", app.RunOptions{Listen: []string{"/ip4/127.0.0.1/tcp/1"}}, []string{"/ip4/127.0.0.1/tcp/1"}, ""},
		{"no port", app.RunOptions{Listen: []string{"host"}}, nil, moot.Invalid},
	} {
		got, err := peerAddrs(c.o)
		if !slices.Equal(got, c.want) || moot.KindOf(err) != c.kind {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
	server, err := peerAddrs(app.RunOptions{Serve: true, Listen: []string{"127.0.0.1:443"}})
	must(t, err)
	if len(server) != 2 || !strings.HasPrefix(server[0], "/ip4/127.0.0.1/tcp/") || strings.HasSuffix(server[0], "/443") {
		t.Errorf("a server answers peers at %q", server)
	}
	everywhere, err := peerAddrs(app.RunOptions{})
	must(t, err)
	if len(everywhere) != 4 || !strings.HasPrefix(everywhere[2], "/ip6/::/tcp/") {
		t.Errorf("by default peers are answered at %q", everywhere)
	}
}

func TestPortInUseIsReplaced(t *testing.T) {
	ln, err := net.Listen("tcp", ":0")
	must(t, err)
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	must(t, err)
	if got := freePort(port); got != "0" {
		t.Errorf("port %s is in use, and %s was chosen", port, got)
	}
}

func TestAddressesForOthers(t *testing.T) {
	loop := httpsAddrs(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 81})
	if !slices.Equal(loop, []string{"https://127.0.0.1:81"}) {
		t.Errorf("addresses %q", loop)
	}
	all := httpsAddrs(&net.TCPAddr{IP: net.IPv6unspecified, Port: 81})
	if len(all) == 0 || all[len(all)-1] != "https://127.0.0.1:81" {
		t.Errorf("addresses of all interfaces %q, want the loopback last", all)
	}
	if got := httpsAddrs(&net.UnixAddr{Name: "x"}); got != nil {
		t.Errorf("a socket has the addresses %q", got)
	}
}

func TestLoopbackHosts(t *testing.T) {
	for host, want := range map[string]bool{"localhost": true, "127.9.9.9": true, "::1": true, "": false, "0.0.0.0": false, "10.0.0.1": false, "localhost.evil.example": false} {
		if isLoopback(host) != want {
			t.Errorf("%q: loopback %v", host, !want)
		}
	}
}

// get asks for a page with a token, "" for none.
func get(t *testing.T, client *http.Client, address, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	must(t, err)
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	resp, err := client.Do(req)
	must(t, err)
	resp.Body.Close()
	return resp.StatusCode
}

func TestWebNeedsAToken(t *testing.T) {
	l := newListeners(t)
	must(t, l.web(t.Context(), app.RunOptions{Web: "127.0.0.1:0"}))
	must(t, l.web(t.Context(), app.RunOptions{})) // nothing
	serve(t, l)
	made, err := l.node.Tokens().Add(accounts.TokenOptions{Name: "script"})
	must(t, err)
	if len(l.Addrs()) != 1 || !strings.HasPrefix(l.Addrs()[0], "http://127.0.0.1:") {
		t.Fatalf("addresses %q", l.Addrs())
	}
	files := l.Addrs()[0] + "api/members"
	for token, want := range map[string]int{
		"Bearer " + made.Token: 200, "": 401, "Bearer wrong": 401, made.Token: 401, "Basic " + made.Token: 401,
	} {
		if got := get(t, http.DefaultClient, files, token); got != want {
			t.Errorf("authorization %.10q is answered %d, want %d", token, got, want)
		}
	}
	must(t, l.node.Tokens().Remove("script"))
	if got := get(t, http.DefaultClient, files, "Bearer "+made.Token); got != 401 {
		t.Errorf("a revoked token is answered %d", got)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestWebBeyondLoopbackIsEncrypted(t *testing.T) {
	l := newListeners(t)
	must(t, l.web(t.Context(), app.RunOptions{Web: "0.0.0.0:0"}))
	serve(t, l)
	_, port, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(l.addrs[0], "https://"), "/"))
	must(t, err)
	conn, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{InsecureSkipVerify: true}) // self-signed
	must(t, err)
	defer conn.Close()
	cert := conn.ConnectionState().PeerCertificates[0]
	must(t, cert.VerifyHostname("localhost"))
	plain := &http.Client{Timeout: 5 * time.Second}
	if got := get(t, plain, "http://127.0.0.1:"+port+"/api/members", ""); got != http.StatusBadRequest {
		t.Errorf("plain HTTP is answered %d", got)
	}
}

func TestListenersRefuse(t *testing.T) {
	l := newListeners(t)
	defer l.Close()
	ctx := t.Context()
	mail := l.mail(ctx, app.MailOptions{IMAP: "127.0.0.1:99999"})
	cert := l.mail(ctx, app.MailOptions{IMAP: "127.0.0.1:0", CertFile: "/does/not/exist"})
	for name, err := range map[string]error{
		"a web address":     l.web(ctx, app.RunOptions{Web: "nowhere"}),
		"a web port":        l.web(ctx, app.RunOptions{Web: "127.0.0.1:99999"}),
		"a web certificate": l.web(ctx, app.RunOptions{Web: "0.0.0.0:0", CertFile: "/does/not/exist"}),
		"a server's port":   l.server(ctx, app.RunOptions{Listen: []string{"127.0.0.1:99999"}}),
		"a mail port":       mail,
		"a certificate":     cert,
		"a multiaddr":       l.peers(ctx, app.RunOptions{Listen: []string{"/nonsense/1"}}),
		"a socket":          l.socket(ctx, "/does/not/exist/node.sock"),
	} {
		if moot.KindOf(err) != moot.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestServerAnswersItsMembersAtAnnouncedAddresses(t *testing.T) {
	l := newListeners(t)
	must(t, l.server(t.Context(), app.RunOptions{Listen: []string{"127.0.0.1:0"}}))
	serve(t, l)
	addrs := l.Addrs()
	for key, kind := range map[bool]moot.ErrorKind{true: "", false: moot.Stranger} {
		holder := l.node.Key()
		if !key {
			holder = seal.NewKey()
		}
		c, err := dial.Server(holder, moot.Peer{ID: l.node.Self(), Addrs: addrs}, func(_ moot.Peer, rt http.RoundTripper) http.RoundTripper { return rt })
		must(t, err)
		if _, err = c.Vector(t.Context()); moot.KindOf(err) != kind {
			t.Errorf("member %v: %v", key, err)
		}
		c.Close()
	}
	other := newListeners(t)
	must(t, other.server(t.Context(), app.RunOptions{Listen: []string{"127.0.0.1:0"}, Announce: []string{"https://club.example"}}))
	other.Close()
	if got := other.Addrs(); !slices.Equal(got, []string{"https://club.example"}) {
		t.Errorf("announced %q", got)
	}
}

// greeting returns the first line of a server.
func greeting(t *testing.T, addr string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	line, err := bufio.NewReader(conn).ReadString('\n')
	must(t, err)
	return line
}

func TestMailListeners(t *testing.T) {
	l := newListeners(t)
	o := app.MailOptions{
		IMAP: "127.0.0.1:0", IMAPS: "127.0.0.1:0", Submission: "127.0.0.1:0", Submissions: "127.0.0.1:0",
		Domain: "club.example", Host: "mx.club.example", SMTP: "127.0.0.1:0", Smarthost: "127.0.0.1:1",
	}
	must(t, l.mail(t.Context(), o))
	serve(t, l)
	if len(l.addrs) != 5 || !strings.HasSuffix(l.addrs[4], "(for other servers)") {
		t.Fatalf("addresses %q", l.addrs)
	}
	for i, want := range map[int]string{0: "* OK", 2: "220 ", 4: "220 mx.club.example"} {
		_, addr, _ := strings.Cut(l.addrs[i], "://")
		addr, _, _ = strings.Cut(addr, " ")
		if got := greeting(t, addr); !strings.HasPrefix(got, want) {
			t.Errorf("%s greets with %q", l.addrs[i], got)
		}
	}
	for _, i := range []int{1, 3} {
		_, addr, _ := strings.Cut(l.addrs[i], "://")
		conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true}) // self-signed
		must(t, err)
		if err := conn.ConnectionState().PeerCertificates[0].VerifyHostname("mx.club.example"); err != nil {
			t.Errorf("%s: %v", l.addrs[i], err)
		}
		conn.Close()
	}
}

func TestNoMailListensNowhere(t *testing.T) {
	l := newListeners(t)
	must(t, l.mail(t.Context(), app.MailOptions{}))
	if len(l.serve) != 0 || len(l.addrs) != 0 {
		t.Errorf("%d listeners at %q", len(l.serve), l.addrs)
	}
}

func TestListenerThatFailsEndsTheNode(t *testing.T) {
	l := newListeners(t)
	l.add(func(context.Context) error { return moot.Errorf(moot.Internal, "the port is gone") })
	l.add(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	ctx, end := context.WithCancelCause(t.Context())
	l.Serve(ctx, end)
	l.running.Wait()
	if err := context.Cause(ctx); moot.KindOf(err) != moot.Internal {
		t.Errorf("ended by %v", err)
	}
}

func TestPortsAreFreeAfterClose(t *testing.T) {
	l := newListeners(t)
	socket := l.data.Path("node.sock")
	must(t, l.socket(t.Context(), socket))
	must(t, l.web(t.Context(), app.RunOptions{Web: "127.0.0.1:0"}))
	addr := strings.TrimSuffix(strings.TrimPrefix(l.addrs[0], "http://"), "/")
	l.Close() // never served
	ln, err := net.Listen("tcp", addr)
	must(t, err)
	ln.Close()
	if _, err := net.Dial("unix", socket); err == nil {
		t.Error("the socket still answers")
	}
}
