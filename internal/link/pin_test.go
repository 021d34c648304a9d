package link_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/p2p/net/gostream"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/seal"
)

// authority is one that this process trusts as the system's.
var authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// TestMain makes the authority the only one of the system.
func TestMain(m *testing.M) {
	os.Exit(withAuthority(m))
}

func withAuthority(m *testing.M) int {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: "authority"}}
	der := sign(template, template, key.Public(), key)
	if authority.cert, err = x509.ParseCertificate(der); err != nil {
		log.Fatal(err)
	}
	authority.key = key
	file, err := os.CreateTemp("", "roots")
	if err == nil {
		defer os.Remove(file.Name())
		err = errors.Join(pem.Encode(file, &pem.Block{Type: "CERTIFICATE", Bytes: der}), file.Close(), os.Setenv("SSL_CERT_FILE", file.Name()))
	}
	if err != nil {
		log.Fatal(err)
	}
	return m.Run()
}

func sign(template, parent *x509.Certificate, key crypto.PublicKey, by crypto.Signer) []byte {
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(1), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, by)
	if err != nil {
		log.Fatal(err)
	}
	return der
}

// certified is a certificate of the authority for localhost, by name and by address.
func certified(t *testing.T, key crypto.Signer) *tls.Certificate {
	t.Helper()
	template := &x509.Certificate{DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature}
	der := sign(template, authority.cert, key.Public(), authority.key)
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, authority.cert.Raw}, PrivateKey: key, Leaf: leaf}
}

func ecdsaKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// byAddressAndName are the two ways to a server on the loopback.
func byAddressAndName(url string) [2]string {
	return [2]string{url, strings.Replace(url, "127.0.0.1", "localhost", 1)}
}

// TestServerByAnyName: the server's key is proven also where it has a certificate for
// browsers, which others get.
func TestServerByAnyName(t *testing.T) {
	server := seal.NewKey()
	for _, cert := range []*tls.Certificate{nil, certified(t, ecdsaKey(t))} {
		for _, url := range byAddressAndName(serveTLS(t, server, cert)) {
			client := seal.NewKey()
			if got, err := get(t, transport(t, client, seal.Public(server)), url); err != nil || got != seal.Public(client).String() {
				t.Errorf("%s, with a certificate %v: %q, %v", url, cert != nil, got, err)
			}
		}
	}
	url := byAddressAndName(serveTLS(t, server, certified(t, ecdsaKey(t))))[1]
	browser := &http.Transport{}
	defer browser.CloseIdleConnections()
	if _, err := get(t, browser, url); err != nil {
		t.Errorf("a browser: %v", err)
	}
}

// impostor counts the requests that reach it over TLS with the certificate.
func impostor(t *testing.T, cert *tls.Certificate, requests *atomic.Int32) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{*cert}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

// TestImpostor: a certificate that the system trusts, for the right name, is not enough.
func TestImpostor(t *testing.T) {
	server := seal.Public(seal.NewKey())
	own, err := seal.Certificate(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cert *tls.Certificate
		hint moot.Hint
	}{
		"certified":                {certified(t, ecdsaKey(t)), moot.HintPassTLS},
		"certified, of a key":      {certified(t, seal.NewKey()), moot.HintCheckInvite},
		"another node's, not ours": {&own, moot.HintCheckInvite},
	} {
		var requests atomic.Int32
		for _, url := range byAddressAndName(impostor(t, c.cert, &requests)) {
			rt := transport(t, seal.NewKey(), server)
			for range 3 { // a session that was refused is not resumed
				_, err := (&http.Client{Transport: rt}).Post(url, "", strings.NewReader("a secret"))
				if !errors.Is(err, moot.Stranger) || moot.HintOf(asError(err)) != c.hint || !strings.Contains(err.Error(), server.Short()) {
					t.Errorf("%s at %s: %v", name, url, err)
				}
			}
		}
		if n := requests.Load(); n != 0 {
			t.Errorf("%s: %d requests reached it", name, n)
		}
	}
}

// asError is the error of this project within one of net/http.
func asError(err error) error {
	var e *moot.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// TestNetworkSeesNoHost: the name in the clear is a hash of the key that is asked for.
func TestNetworkSeesNoHost(t *testing.T) {
	names := make(chan string, 1)
	own, err := seal.Certificate(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(whoami)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		names <- hello.ServerName
		return &tls.Config{Certificates: []tls.Certificate{own}}, nil
	}}
	s.StartTLS()
	defer s.Close()
	asked := seal.Public(seal.NewKey())
	_, _ = get(t, transport(t, seal.NewKey(), asked), byAddressAndName(s.URL)[1])
	got := <-names
	if !strings.HasSuffix(got, ".node.moot.alt") || strings.Contains(got, asked.String()) || len(got) != 32+len(".node.moot.alt") {
		t.Errorf("the network sees %q", got)
	}
}

// TestServerProvesKeysOfBefore: a server that goes on under another key still proves the
// one that clients have pinned.
func TestServerProvesKeysOfBefore(t *testing.T) {
	now, before, other, client := seal.NewKey(), seal.NewKey(), seal.NewKey(), seal.NewKey()
	ln, err := link.ListenTCP(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- link.ServeTLS(ctx, ln, []ed25519.PrivateKey{now, before}, nil, whoami, nil) }()
	defer func() {
		cancel()
		<-done
	}()
	url := "https://" + ln.Addr().String()
	for what, key := range map[string]ed25519.PrivateKey{"its key": now, "the one before": before} {
		if _, err := get(t, transport(t, client, seal.Public(key)), url); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := get(t, transport(t, client, seal.Public(other)), url); moot.KindOf(err) != moot.Stranger {
		t.Errorf("a key that it never had: %v", err)
	}
}

// TestResumedSession: the key is compared again when a session is resumed.
func TestResumedSession(t *testing.T) {
	server, client := seal.NewKey(), seal.NewKey()
	url := byAddressAndName(serveTLS(t, server, nil))[1]
	right := transport(t, client, seal.Public(server))
	resumed := func() bool {
		resp, err := (&http.Client{Transport: right}).Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		right.CloseIdleConnections()
		return resp.TLS.DidResume
	}
	if resumed() || !resumed() {
		t.Fatal("the second connection does not resume the session of the first")
	}
	wrong := transport(t, client, seal.Public(seal.NewKey()))
	wrong.TLSClientConfig.ClientSessionCache = right.TLSClientConfig.ClientSessionCache
	if got, err := get(t, wrong, url); !errors.Is(err, moot.Stranger) {
		t.Errorf("the session of another server: %q, %v", got, err)
	}
}

// TestUnknownKey: a node whose key is not known is not dialled, over any link.
func TestUnknownKey(t *testing.T) {
	if _, err := link.TLSTransport(seal.NewKey(), moot.Key{}); moot.KindOf(err) != moot.Invalid || moot.HintOf(err) != moot.HintCheckInvite {
		t.Error(err)
	}
	server := newHost(t, seal.NewKey(), everybody, "/ip4/127.0.0.1/tcp/0")
	_, err := request(t, newHost(t, seal.NewKey(), everybody), moot.Peer{Addrs: server.Addrs()})
	if !errors.Is(err, moot.Invalid) || moot.HintOf(asError(err)) != moot.HintCheckInvite {
		t.Error(err)
	}
}

// TestClientWithoutHandshakeKey: what a client claims without holding the key counts for
// nothing.
func TestClientWithoutHandshakeKey(t *testing.T) {
	server, victim := seal.NewKey(), seal.NewKey()
	claimed, err := seal.Certificate(victim)
	if err != nil {
		t.Fatal(err)
	}
	claimed.PrivateKey = seal.NewKey()
	url := serveTLS(t, server, nil)
	rt := transport(t, seal.NewKey(), seal.Public(server))
	rt.TLSClientConfig.Certificates = []tls.Certificate{claimed}
	if got, err := get(t, rt, url); err == nil {
		t.Errorf("taken for %s", got)
	}
}

// TestVersionsMeet: over the protocol of the version before, requests arrive both ways,
// so that HTTP can say that the versions differ.
func TestVersionsMeet(t *testing.T) {
	const old = "/moot/http/1"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a, b := seal.NewKey(), seal.NewKey()
	today := newHost(t, a, everybody, "/ip4/127.0.0.1/tcp/0")
	done := make(chan error, 1)
	go func() { done <- today.Serve(ctx, whoami) }()
	before := newHost(t, b, everybody, "/ip4/127.0.0.1/tcp/0")
	ln, err := gostream.Listen(before.LibP2P(), old, gostream.IgnoreEOF())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the older") })}
	go func() { _ = s.Serve(ln) }()
	defer s.Close()

	if got, err := request(t, today, moot.Peer{ID: seal.Public(b), Addrs: before.Addrs()}); err != nil || got != "the older" {
		t.Errorf("the newer asks the older: %q, %v", got, err)
	}
	rt := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return gostream.Dial(ctx, before.LibP2P(), link.PeerID(seal.Public(a)), old)
	}}
	defer rt.CloseIdleConnections()
	if got, err := get(t, rt, "http://peer/"); err != nil || got != seal.Public(b).String() {
		t.Errorf("the older asks the newer: %q, %v", got, err)
	}
	rt.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
