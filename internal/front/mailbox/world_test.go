package mailbox

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/mootspace/moot"
	moots "github.com/mootspace/moot/internal/mail"
)

// world is a server for ann, whose password is "secret", and its addresses.
type world struct {
	t       *testing.T
	mailbox *memory
	server  *Server
	client  *tls.Config
	logged  *journal
	imap    string
	imaps   string
	smtp    string
	smtps   string
	stop    func() // and wait for all that runs to end
}

func (w *world) Login(_ context.Context, user, password string) (moots.Mailbox, error) {
	switch {
	case user == "down":
		return nil, moot.Errorf(moot.Internal, "the disk is gone")
	case user != "ann" || password != "secret":
		return nil, moot.Errorf(moot.Denied, "no")
	}
	return w.mailbox, nil
}

func newWorld(t *testing.T, plain bool) *world {
	t.Helper()
	server, client := certificates(t)
	w := &world{t: t, mailbox: newMemory(), client: client, logged: &journal{}}
	log := slog.New(slog.NewTextHandler(w.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.server = New(Config{Accounts: w, TLS: server, Plain: plain, Domain: "moot.test", MaxMessage: 8 << 20, Log: log})
	w.server.recent = nil // \Recent has tests of its own
	ctx, cancel := context.WithCancel(t.Context())
	finished := make(chan error, 4)
	serve := func(f func(context.Context, net.Listener, bool) error, implicit bool) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() { finished <- f(ctx, l, implicit) }()
		return l.Addr().String()
	}
	w.imap, w.imaps = serve(w.server.ServeIMAP, false), serve(w.server.ServeIMAP, true)
	w.smtp, w.smtps = serve(w.server.ServeSubmission, false), serve(w.server.ServeSubmission, true)
	w.stop = sync.OnceFunc(func() {
		cancel()
		for range 4 {
			if err := <-finished; err != nil {
				t.Errorf("serve: %v", err)
			}
		}
	})
	t.Cleanup(w.stop)
	return w
}

func certificates(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "moot.test"}, DNSNames: []string{"moot.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: pool, ServerName: "moot.test"}
}

// journal is a log that several write to.
type journal struct {
	mu sync.Mutex
	b  strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// dial logs in over TLS.
func (w *world) dial(options *imapclient.Options) *imapclient.Client {
	w.t.Helper()
	if options == nil {
		options = &imapclient.Options{}
	}
	options.TLSConfig = w.client
	c, err := imapclient.DialTLS(w.imaps, options)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	if err := c.Login("ann", "secret").Wait(); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// put saves messages in the inbox.
func (w *world) put(texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		if _, err := w.mailbox.Save(w.t.Context(), moots.Inbox, nil, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), strings.NewReader(text)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// wire speaks to a server by hand.
type wire struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func (w *world) wire(addr string, implicit bool) *wire {
	w.t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		w.t.Fatal(err)
	}
	if implicit {
		nc = tls.Client(nc, w.client)
	}
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	w.t.Cleanup(func() { nc.Close() })
	return &wire{nc, w.t, bufio.NewReader(nc)}
}

// tlsOver begins TLS on a connection, and drops what was read of it before.
func tlsOver(c *wire, config *tls.Config) *wire {
	nc := tls.Client(c.Conn, config)
	return &wire{nc, c.t, bufio.NewReader(nc)}
}

func (c *wire) send(s string) {
	c.t.Helper()
	if _, err := c.Write([]byte(s)); err != nil {
		c.t.Fatalf("send %.60q: %v", s, err)
	}
}

// line reads a line; "" at the end.
func (c *wire) line() string {
	s, _ := c.r.ReadString('\n')
	return strings.TrimRight(s, "\r\n")
}

// until reads lines up to one that begins with one of the words, and returns all.
func (c *wire) until(begin ...string) string {
	c.t.Helper()
	var all []string
	for {
		l, err := c.r.ReadString('\n')
		all = append(all, strings.TrimRight(l, "\r\n"))
		for _, b := range begin {
			if strings.HasPrefix(l, b) {
				return strings.Join(all, "\n")
			}
		}
		if err != nil {
			c.t.Fatalf("want a line that begins with %q, the connection ended (%v) after:\n%s", begin, err, strings.Join(all, "\n"))
		}
	}
}

// command sends an IMAP command and returns the response.
func (c *wire) command(command string) string {
	c.t.Helper()
	c.send("t " + command + "\r\n")
	return c.until("t ")
}

// pass lets virtual time pass, in a synctest bubble.
func pass(d time.Duration) { <-time.After(d) }
