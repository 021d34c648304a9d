package mta_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/mootspace/moot/internal/mta"
)

// remote is a mail server of another domain. Its fields are its replies; it stores what
// it receives.
type remote struct {
	rcpt     func(to string) error
	data     func() error
	password string // of user "moot"; "" for no AUTH
	srv      *smtp.Server

	mu       sync.Mutex
	has      []got
	attempts []time.Time // of RCPT
}

// got is what a remote got.
type got struct {
	from, text string
	utf8, tls  bool
	to         []string
	auth       string
}

func newRemote() *remote {
	r := &remote{}
	r.srv = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		_, secure := c.TLSConnectionState()
		return &remoteSession{r: r, secure: secure}, nil
	}))
	r.srv.EnableSMTPUTF8 = true
	r.srv.ErrorLog = log.New(io.Discard, "", 0)
	return r
}

func (r *remote) mails() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.has
}

type remoteSession struct {
	r *remote
	got
	secure bool
}

func (v *remoteSession) Reset()        { v.got = got{auth: v.auth} }
func (v *remoteSession) Logout() error { return nil }
func (v *remoteSession) Mail(from string, o *smtp.MailOptions) error {
	v.from, v.utf8, v.tls = from, o.UTF8, v.secure
	return nil
}
func (v *remoteSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	v.r.mu.Lock()
	v.r.attempts = append(v.r.attempts, time.Now())
	v.r.mu.Unlock()
	if v.r.rcpt != nil {
		if err := v.r.rcpt(to); err != nil {
			return err
		}
	}
	v.to = append(v.to, to)
	return nil
}
func (v *remoteSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	v.text = string(text)
	if v.r.data != nil {
		if err := v.r.data(); err != nil {
			return err
		}
	}
	v.r.mu.Lock()
	defer v.r.mu.Unlock()
	v.r.has = append(v.r.has, v.got)
	return nil
}
func (v *remoteSession) AuthMechanisms() []string {
	if v.r.password == "" {
		return nil
	}
	return []string{"PLAIN"}
}
func (v *remoteSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "moot" || password != v.r.password {
			return smtp.ErrAuthFailed
		}
		v.auth = user
		return nil
	}), nil
}

func smtpError(code, class, subject int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, subject, 1}, Message: text}
}

// network has the servers by address and port.
type network map[string]func(net.Conn)

// put makes a server reachable at an address.
func (n network) put(t *testing.T, addr string, serve func(net.Listener) error) {
	r := newRoom()
	done := make(chan struct{})
	go func() {
		serve(r)
		close(done)
	}()
	t.Cleanup(func() {
		r.Close()
		<-done
	})
	n[addr] = func(c net.Conn) { r.calls <- addressed{c, &net.TCPAddr{IP: net.ParseIP("192.0.2.100"), Port: 1}} }
}

// script makes a function the server at 198.51.100.1.
func (n network) script(serve func(net.Conn)) {
	n["198.51.100.1:25"] = func(c net.Conn) { go serve(c) }
}

func (n network) dial(_ context.Context, _, addr string) (net.Conn, error) {
	reply, ok := n[addr]
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
	ours, theirs := net.Pipe()
	reply(theirs)
	return ours, nil
}

// outbox is a queue with a sender.
type outbox struct {
	*mta.Sender
	t       *testing.T
	net     network
	names   *dns
	bounces []bounced
	bounce  func(to string) error
}

type bounced struct {
	to, text string
	at       time.Time
}

// newOutbox makes a queue for mail from space.example, and the domain else.example with
// the server r.
func newOutbox(t *testing.T, r *remote, sign ...mta.Signature) *outbox {
	t.Helper()
	q, err := mta.OpenQueue(t.Context(), t.TempDir(), mta.QueueLimits{}, sign...)
	if err != nil {
		t.Fatal(err)
	}
	p := &outbox{t: t, net: network{}, names: &dns{
		mx: map[string][]*net.MX{"else.example": {{Host: "mx.else.example.", Pref: 10}}},
		ip: map[string][]string{"mx.else.example": {"198.51.100.1"}},
	}}
	p.Sender = &mta.Sender{
		Queue: q, Hostname: "mx.space.example", Resolver: p.names, Dial: p.net.dial,
		Bounce: func(_ context.Context, to string, dsn io.Reader) error {
			text, _ := io.ReadAll(dsn)
			p.bounces = append(p.bounces, bounced{to, string(text), time.Now()})
			if p.bounce != nil {
				return p.bounce(to)
			}
			return nil
		},
	}
	t.Cleanup(func() { p.Queue.Close() })
	if r != nil {
		p.net.put(t, "198.51.100.1:25", r.srv.Serve)
	}
	return p
}

// add queues a message.
func (p *outbox) add(from string, to ...string) {
	p.t.Helper()
	p.addText("From: ann@space.example\nSubject: hi\nMessage-ID: <1@space.example>\n\nHello\n", from, to...)
}

func (p *outbox) addText(text, from string, to ...string) {
	p.t.Helper()
	if err := p.Queue.Add(p.t.Context(), mta.Envelope{From: from, To: to}, reader(text)); err != nil {
		p.t.Fatal(err)
	}
}

// run runs the sender for so long.
func (p *outbox) run(d time.Duration) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.t.Context(), d)
	defer stop()
	if err := p.Run(ctx); err != nil {
		p.t.Fatal(err)
	}
}

func (p *outbox) pending() int {
	p.t.Helper()
	n, _, err := p.Queue.Pending(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// withTLS gives the server a certificate, and returns what a client trusts.
func (r *remote) withTLS(t *testing.T, name string) *tls.Config {
	cert, pool := certificate(t, name)
	r.srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	return &tls.Config{RootCAs: pool}
}
