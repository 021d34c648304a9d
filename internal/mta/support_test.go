package mta_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mta"
)

// dns is a resolver in memory. A name with an error fails with it.
type dns struct {
	txt  map[string][]string
	mx   map[string][]*net.MX
	ip   map[string][]string
	fail map[string]error
}

func (d *dns) LookupTXT(_ context.Context, name string) ([]string, error) {
	return lookup(d, d.txt, name)
}
func (d *dns) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	return lookup(d, d.mx, name)
}
func (d *dns) LookupAddr(context.Context, string) ([]string, error) {
	return nil, &net.DNSError{IsNotFound: true}
}
func (d *dns) LookupIPAddr(_ context.Context, host string) ([]net.IPAddr, error) {
	ips, err := lookup(d, d.ip, host)
	var addrs []net.IPAddr
	for _, ip := range ips {
		addrs = append(addrs, net.IPAddr{IP: net.ParseIP(ip)})
	}
	return addrs, err
}

func lookup[T any](d *dns, records map[string][]T, name string) ([]T, error) {
	name, absolute := strings.CutSuffix(strings.ToLower(name), ".")
	if !absolute {
		return nil, fmt.Errorf("%s was looked up without a final dot", name)
	}
	if err := d.fail[name]; err != nil {
		return nil, err
	}
	if found := records[name]; len(found) > 0 {
		return found, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// timeout is what a resolver returns that was not answered.
var timeout = &net.DNSError{Err: "no answer", IsTimeout: true, IsTemporary: true}

// memoryMailboxes are mailboxes in memory.
type memoryMailboxes struct {
	accept map[string]error // by address
	result error            // of Deliver
	hold   chan struct{}    // Deliver waits for it, unless nil

	mu  sync.Mutex
	got []delivered
}

type delivered struct {
	mta.Received
	text string
}

func (b *memoryMailboxes) Accepts(_ context.Context, address string) error {
	err, known := b.accept[address]
	if !known {
		return moot.Errorf(moot.NotFound, "no such mailbox in a secret place")
	}
	return err
}

func (b *memoryMailboxes) Deliver(ctx context.Context, m mta.Received) error {
	text, err := io.ReadAll(m.MIME)
	if err != nil {
		return err
	}
	if b.hold != nil {
		select {
		case <-b.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, delivered{m, string(text)})
	return b.result
}

func (b *memoryMailboxes) all() []delivered {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.got
}

// only returns the one message that came in.
func (b *memoryMailboxes) only(t *testing.T) delivered {
	t.Helper()
	got := b.all()
	if len(got) != 1 {
		t.Fatalf("%d messages were delivered", len(got))
	}
	return got[0]
}

// newServer returns a server with mailboxes ann@ and bob@space.example.
func newServer() (*mta.Server, *memoryMailboxes) {
	b := &memoryMailboxes{accept: map[string]error{"ann@space.example": nil, "bob@space.example": nil}}
	return &mta.Server{Hostname: "mx.space.example", Domains: []string{"space.example"}, Mailboxes: b, Resolver: &dns{}}, b
}

// serve runs the server on a socket until the test ends.
func serve(t *testing.T, s *mta.Server) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// wire is an SMTP client that controls each byte.
type wire struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, addr string) *wire {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return newWire(t, c)
}

func newWire(t *testing.T, c net.Conn) *wire { return &wire{t, c, bufio.NewReader(c)} }

// send writes bytes, and checks the codes of the replies; "" is the end of the
// connection.
func (w *wire) send(raw string, codes ...string) (last string) {
	w.t.Helper()
	if raw != "" {
		if _, err := io.WriteString(w, raw); err != nil {
			w.t.Fatalf("%.60q: %v", raw, err)
		}
	}
	for _, code := range codes {
		last = w.reply()
		if code == "" && last != "" || !strings.HasPrefix(last, code) {
			w.t.Fatalf("after %.60q: got %q, want %q", raw, last, code)
		}
	}
	return last
}

// reply returns all lines of the next reply; "" at the end of the connection.
func (w *wire) reply() string {
	var all strings.Builder
	for {
		line, err := w.r.ReadString('\n')
		if err != nil {
			return ""
		}
		all.WriteString(line)
		if len(line) < 4 || line[3] != '-' {
			return all.String()
		}
	}
}

// hello greets, and begins a message to ann.
func (w *wire) begin() *wire {
	w.t.Helper()
	w.send("", "220")
	w.send("EHLO mail.else.example\r\n", "250")
	w.send("MAIL FROM:<eve@else.example>\r\n", "250")
	w.send("RCPT TO:<ann@space.example>\r\n", "250")
	return w
}

// certificate returns a self-signed certificate for a name.
func certificate(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Now().AddDate(100, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

type listener = net.Listener

func tlsConfig(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }

// pass lets virtual time pass, in a synctest bubble.
func pass(d time.Duration) { <-time.After(d) }
