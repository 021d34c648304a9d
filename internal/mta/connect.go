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

// Timeouts of a client. RFC 5321, 4.5.3.2 allows servers 5 minutes for most commands;
// slower servers are retried later.
const (
	dialTimeout    = 30 * time.Second
	commandTimeout = 2 * time.Minute
	writeTimeout   = 3 * time.Minute  // for one write
	acceptTimeout  = 10 * time.Minute // for the reply to the end of a message
)

// tlsFailed is the status of a failed STARTTLS (RFC 3463, 3.8).
const tlsFailed = "4.7.5"

// errTLS marks a failed handshake.
var errTLS = errors.New("TLS")

// connect returns a client after EHLO, encrypted if the server offers TLS and plain is
// not set.
//
// The certificate need not be valid (opportunistic TLS, RFC 7435): an attacker who can
// forge one can also strip STARTTLS, and many servers have none. But a failed handshake
// does not fall back to plain text at once, since it may be an attack or a transient
// fault; only if it fails again on the next attempt, see deliverDomain.
func (cl *client) connect(ctx context.Context, h host, addr string, plain bool) (*smtp.Client, error) {
	dial, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := cl.Dial(dial, "tcp", addr)
	if err != nil {
		return nil, failuref("4.4.1", "%s: %w", h.name, err)
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	client, err := cl.greet(ctx, &remoteConn{Conn: c, left: maxResponses, stop: stop}, h, plain)
	if err != nil {
		c.Close()
		stop()
	}
	return client, err
}

func (cl *client) greet(ctx context.Context, c *remoteConn, h host, plain bool) (*smtp.Client, error) {
	secure := net.Conn(c)
	var err error
	smart := cl.Smarthost != nil
	if smart && strings.HasSuffix(cl.Smarthost.Addr, ":"+implicitTLS) {
		if secure, err = cl.encrypt(ctx, c, h); err != nil {
			return nil, err
		}
	}
	text, banner, err := cl.hello(secure)
	if err != nil {
		return nil, err
	}
	if _, done := secure.(*tls.Conn); !done && !plain && offers(text, "STARTTLS") {
		if secure, err = cl.startTLS(ctx, c, h); err != nil {
			return nil, err
		}
	}
	if _, ok := secure.(*tls.Conn); !ok && (cl.RequireTLS || smart && cl.Smarthost.Username != "") {
		return nil, failuref("4.7.10", "%s offers no TLS, which is required", h.name)
	}
	client := smtp.NewClient(&replayConn{Conn: secure, banner: bytes.NewReader([]byte(banner))})
	client.CommandTimeout, client.SubmissionTimeout = commandTimeout, acceptTimeout
	if err := client.Hello(cl.Hostname); err != nil {
		return nil, temporary(err)
	}
	if smart && cl.Smarthost.Username != "" {
		if err := client.Auth(sasl.NewPlainClient("", cl.Smarthost.Username, cl.Smarthost.Password)); err != nil {
			return nil, temporary(err)
		}
	}
	return client, nil
}

// hello reads the greeting and sends EHLO to learn the extensions first: go-smtp's
// client would call itself localhost before STARTTLS.
func (cl *client) hello(c net.Conn) (offered, banner string, err error) {
	c.SetReadDeadline(time.Now().Add(commandTimeout))
	t := textproto.NewConn(struct {
		io.Reader
		io.Writer
		io.Closer
	}{io.LimitReader(c, maxHello), c, c})
	if _, _, err = t.ReadResponse(220); err != nil {
		return "", "", temporary(err)
	}
	if err = t.PrintfLine("EHLO %s", cl.Hostname); err != nil {
		return "", "", err
	}
	if _, offered, err = t.ReadResponse(250); err != nil {
		var raw *textproto.Error
		if !errors.As(err, &raw) || raw.Code == 421 {
			return "", "", temporary(err)
		}
		offered = "" // no ESMTP: the client falls back to HELO
	}
	if t.R.Buffered() > 0 {
		return "", "", failuref("4.5.0", "the server sent a reply before its command")
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

// startTLS upgrades the connection. Plain text after the server's consent is an error
// (response injection, CVE-2011-0411 mirrored).
func (cl *client) startTLS(ctx context.Context, c net.Conn, h host) (net.Conn, error) {
	t := textproto.NewConn(struct {
		io.Reader
		io.Writer
		io.Closer
	}{io.LimitReader(c, maxHello), c, c})
	c.SetReadDeadline(time.Now().Add(commandTimeout))
	if err := t.PrintfLine("STARTTLS"); err != nil {
		return nil, err
	}
	if _, _, err := t.ReadResponse(220); err != nil {
		return nil, failuref(tlsFailed, "%s offers STARTTLS and refuses it: %w: %w", h.name, errTLS, err)
	}
	if t.R.Buffered() > 0 {
		return nil, failuref("4.5.0", "the server sent a reply before its command")
	}
	return cl.encrypt(ctx, c, h)
}

func (cl *client) encrypt(ctx context.Context, c net.Conn, h host) (net.Conn, error) {
	cfg := &tls.Config{}
	if cl.TLS != nil {
		cfg = cl.TLS.Clone()
	}
	cfg.ServerName = h.name
	if cl.Smarthost == nil || cl.Smarthost.Username == "" {
		cfg.InsecureSkipVerify = true
		cfg.VerifyConnection = func(state tls.ConnectionState) error {
			cl.log.Info("encrypted mail", "host", h.name, "tls", tlsName(state), "verified", verify(state, cfg.RootCAs, h.name) == nil)
			return nil
		}
	}
	secure := tls.Client(c, cfg)
	handshake, cancel := context.WithTimeout(ctx, commandTimeout)
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
