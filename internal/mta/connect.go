package mta

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Timeouts of a client. RFC 5321, 4.5.3.2 gives servers 5 minutes for most; who takes
// longer than this is tried again later.
const (
	dialTime    = 30 * time.Second
	commandTime = 2 * time.Minute
	writeTime   = 3 * time.Minute  // for one piece of a message
	acceptTime  = 10 * time.Minute // after its end
)

// tlsFailed is the status when STARTTLS was offered and did not work (RFC 3463, 3.8).
const tlsFailed = "4.7.5"

// errTLS marks a failed handshake.
var errTLS = errors.New("TLS")

// connect returns a client that has said EHLO, encrypted if the server can, or, with
// plain, in plain text.
//
// A certificate need not be valid: who can forge one can take the offer of STARTTLS
// away as well, and many servers have none (RFC 7435). But after a failed handshake the
// message is not sent in plain text at once, as that may be somebody's doing or a
// passing fault; only if it fails the same way when it is tried again, see try.
func (w *way) connect(ctx context.Context, h host, addr string, plain bool) (*smtp.Client, error) {
	dial, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	c, err := w.Dial(dial, "tcp", addr)
	if err != nil {
		return nil, failuref("4.4.1", "%s: %w", h.name, err)
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	client, err := w.greet(ctx, &server{Conn: c, left: maxAnswers, stop: stop}, h, plain)
	if err != nil {
		c.Close()
		stop()
	}
	return client, err
}

func (w *way) greet(ctx context.Context, c *server, h host, plain bool) (*smtp.Client, error) {
	secure := net.Conn(c)
	var err error
	smart := w.Smarthost != nil
	if smart && strings.HasSuffix(w.Smarthost.Addr, ":"+implicitTLS) {
		if secure, err = w.encrypt(ctx, c, h); err != nil {
			return nil, err
		}
	}
	text, banner, err := w.hello(secure)
	if err != nil {
		return nil, err
	}
	if _, done := secure.(*tls.Conn); !done && !plain && offers(text, "STARTTLS") {
		if secure, err = w.startTLS(ctx, c, h); err != nil {
			return nil, err
		}
	}
	if _, ok := secure.(*tls.Conn); !ok && (w.RequireTLS || smart && w.Smarthost.Username != "") {
		return nil, failuref("4.7.10", "%s offers no TLS, which is required", h.name)
	}
	client := smtp.NewClient(&greeted{Conn: secure, banner: bytes.NewReader([]byte(banner))})
	client.CommandTimeout, client.SubmissionTimeout = commandTime, acceptTime
	if err := client.Hello(w.Hostname); err != nil {
		return nil, passing(err)
	}
	if smart && w.Smarthost.Username != "" {
		if err := client.Auth(sasl.NewPlainClient("", w.Smarthost.Username, w.Smarthost.Password)); err != nil {
			return nil, passing(err)
		}
	}
	return client, nil
}

// hello reads the greeting and says EHLO, to learn what the server offers before the
// client does the same: go-smtp's would call itself localhost before STARTTLS.
func (w *way) hello(c net.Conn) (offered, banner string, err error) {
	c.SetReadDeadline(time.Now().Add(commandTime))
	t := textproto.NewConn(struct {
		io.Reader
		io.Writer
		io.Closer
	}{io.LimitReader(c, maxHello), c, c})
	if _, _, err = t.ReadResponse(220); err != nil {
		return "", "", passing(err)
	}
	if err = t.PrintfLine("EHLO %s", w.Hostname); err != nil {
		return "", "", err
	}
	if _, offered, err = t.ReadResponse(250); err != nil {
		var raw *textproto.Error
		if !errors.As(err, &raw) || raw.Code == 421 {
			return "", "", passing(err)
		}
		offered = "" // an old server, which the client greets with HELO
	}
	if t.R.Buffered() > 0 {
		return "", "", failuref("4.5.0", "the server talks out of turn")
	}
	return offered, "220 greeted before\r\n", nil
}

func offers(ehlo, extension string) bool {
	_, lines, _ := strings.Cut(ehlo, "\n")
	for line := range strings.Lines(lines) {
		if strings.EqualFold(strings.TrimSpace(line), extension) {
			return true
		}
	}
	return false
}

// startTLS has the server begin TLS. What it says in plain text after its consent is
// not taken for its words (CVE-2011-0411, the other way round).
func (w *way) startTLS(ctx context.Context, c net.Conn, h host) (net.Conn, error) {
	t := textproto.NewConn(struct {
		io.Reader
		io.Writer
		io.Closer
	}{io.LimitReader(c, maxHello), c, c})
	c.SetReadDeadline(time.Now().Add(commandTime))
	if err := t.PrintfLine("STARTTLS"); err != nil {
		return nil, err
	}
	if _, _, err := t.ReadResponse(220); err != nil {
		return nil, failuref(tlsFailed, "%s offers STARTTLS and refuses it: %w: %w", h.name, errTLS, err)
	}
	if t.R.Buffered() > 0 {
		return nil, failuref("4.5.0", "the server talks out of turn")
	}
	return w.encrypt(ctx, c, h)
}

func (w *way) encrypt(ctx context.Context, c net.Conn, h host) (net.Conn, error) {
	cfg := &tls.Config{}
	if w.TLS != nil {
		cfg = w.TLS.Clone()
	}
	cfg.ServerName = h.name
	if w.Smarthost == nil || w.Smarthost.Username == "" {
		cfg.InsecureSkipVerify = true
		cfg.VerifyConnection = func(state tls.ConnectionState) error {
			w.log.Info("encrypted mail", "host", h.name, "tls", tlsName(state), "verified", verify(state, cfg.RootCAs, h.name) == nil)
			return nil
		}
	}
	secure := tls.Client(c, cfg)
	handshake, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	if err := secure.HandshakeContext(handshake); err != nil {
		return nil, failuref(tlsFailed, "%s: %w: %w", h.name, errTLS, err)
	}
	return secure, nil
}

func verify(state tls.ConnectionState, roots *x509.CertPool, name string) error {
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: name})
	return err
}
