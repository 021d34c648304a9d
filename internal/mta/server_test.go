package mta_test

import (
	"crypto/tls"
	"fmt"
	"net/mail"
	"strings"
	"testing"

	"github.com/mootspace/moot"
)

const sample = "From: Eve <eve@else.example>\r\nTo: ann@space.example\r\nSubject: hi\r\n\r\nHello Ann\r\n..a dot\r\n"

func TestReceive(t *testing.T) {
	s, b := newServer()
	w := dial(t, serve(t, s)).begin()
	w.send("RCPT TO:<bob@space.example>\r\n", "250")
	w.send("DATA\r\n", "354")
	w.send(sample+".\r\n", "250")
	w.send("QUIT\r\n", "221", "")

	got := b.only(t)
	if got.From != "eve@else.example" || fmt.Sprint(got.To) != "[ann@space.example bob@space.example]" || got.Junk {
		t.Errorf("envelope %+v", got.Received)
	}
	if !strings.HasSuffix(got.text, strings.ReplaceAll(sample, "..a", ".a")) {
		t.Errorf("message changed:\n%s", got.text)
	}
	m, err := mail.ReadMessage(strings.NewReader(got.text))
	if err != nil {
		t.Fatal(err)
	}
	if p := m.Header.Get("Return-Path"); p != "<eve@else.example>" {
		t.Errorf("Return-Path %q", p)
	}
	r := m.Header.Get("Received")
	if !strings.HasPrefix(r, "from mail.else.example ([127.0.0.1]) by mx.space.example with ESMTP;") || strings.Contains(r, "ann@") {
		t.Errorf("Received %q", r)
	}
	if a := m.Header.Get("Authentication-Results"); a != "mx.space.example; spf=none smtp.mailfrom=else.example; dmarc=none header.from=else.example" {
		t.Errorf("Authentication-Results %q", a)
	}
}

func TestNoRelay(t *testing.T) {
	s, _ := newServer()
	w := dial(t, serve(t, s)).begin()
	for _, to := range []string{
		"eve@else.example", "ann@space.example@else.example", "ann%else.example@else.example",
		"@space.example:eve@else.example", "ann@sub.space.example", "ann@[127.0.0.1]",
	} {
		w.send("RCPT TO:<"+to+">\r\n", "550 5.7.1")
	}
	w.send("RCPT TO:<eve@else.example\r>\r\n", "553 5.1.3")
	if smtpErr := w.send("RCPT TO:<nobody@space.example>\r\n", "550 5.1.1"); strings.Contains(smtpErr, "secret") {
		t.Error("discloses an internal error: " + smtpErr)
	}
	w.send("RCPT TO:<ann@SPACE.example.>\r\n", "250") // our domain in another spelling
}

func TestVerifyDisclosesNothing(t *testing.T) {
	s, _ := newServer()
	w := dial(t, serve(t, s))
	w.send("", "220")
	w.send("EHLO x.example\r\n", "250")
	known, unknown := w.send("VRFY ann@space.example\r\n", "252"), w.send("VRFY nobody@space.example\r\n", "252")
	if known != unknown {
		t.Errorf("%q, %q", known, unknown)
	}
	w.send("EXPN staff\r\n", "502")
}

func TestNullSender(t *testing.T) {
	s, b := newServer()
	w := dial(t, serve(t, s))
	w.send("", "220")
	w.send("EHLO x.example\r\nMAIL FROM:<>\r\nRCPT TO:<ann@space.example>\r\nDATA\r\n", "250", "250", "250", "354")
	w.send(sample+".\r\n", "250")
	if got := b.only(t); got.From != "" || !strings.HasPrefix(got.text, "Return-Path: <>\r\n") {
		t.Errorf("%+v", got)
	}
}

// TestReplies covers the errors of mailboxes.
func TestReplies(t *testing.T) {
	for kind, want := range map[moot.ErrorKind]string{
		moot.NotFound: "550 5.1.1", moot.Denied: "550 5.7.1", moot.Full: "452 4.2.2", moot.TooLarge: "552 5.3.4",
		moot.Invalid: "554 5.6.0", moot.Unavailable: "451 4.3.0", moot.Internal: "451 4.3.0",
	} {
		s, b := newServer()
		b.accept["full@space.example"] = moot.Errorf(kind, "a secret")
		b.result = moot.Errorf(kind, "a secret")
		w := dial(t, serve(t, s)).begin()
		at := w.send("RCPT TO:<full@space.example>\r\n", want)
		w.send("DATA\r\n", "354")
		end := w.send(sample+".\r\n", want)
		if strings.Contains(at+end, "secret") {
			t.Errorf("discloses an internal error: %s %s", at, end)
		}
	}
}

func TestBinaryChunks(t *testing.T) {
	s, b := newServer()
	w := dial(t, serve(t, s)).begin()
	w.send(fmt.Sprintf("BDAT %d\r\n%sBDAT %d LAST\r\n%s", 10, sample[:10], len(sample)-10, sample[10:]), "250", "250")
	if got := b.only(t); !strings.HasSuffix(got.text, sample) {
		t.Errorf("message changed:\n%s", got.text)
	}
	w.send("MAIL FROM:<>\r\nRCPT TO:<ann@space.example>\r\nBDAT 4 LAST\r\na\nb\n", "250", "250", "554 5.6.0")
	w.send("MAIL FROM:<>\r\nRCPT TO:<ann@space.example>\r\nBDAT 4\r\nabcdRSET\r\nNOOP\r\n", "250", "250", "250", "250", "250")
	if got := b.all(); len(got) != 1 {
		t.Errorf("%d messages: one that was broken off, or with a bare LF, was delivered", len(got))
	}
}

func TestStartTLS(t *testing.T) {
	s, b := newServer()
	cert, pool := certificate(t, "mx.space.example")
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	w := dial(t, serve(t, s))
	w.send("", "220")
	if !strings.Contains(w.send("EHLO x.example\r\n", "250"), "STARTTLS") {
		t.Fatal("STARTTLS is not offered")
	}
	w.send("STARTTLS\r\n", "220")
	secure := tls.Client(w.Conn, &tls.Config{ServerName: "mx.space.example", RootCAs: pool})
	w = newWire(t, secure)
	w.send("MAIL FROM:<>\r\n", "502") // all is forgotten (RFC 3207, 4.2)
	w.send("EHLO x.example\r\nMAIL FROM:<>\r\nRCPT TO:<ann@space.example>\r\nDATA\r\n", "250", "250", "250", "354")
	w.send(sample+".\r\n", "250")
	if got := b.only(t); !strings.Contains(strings.ReplaceAll(got.text, "\r\n ", " "), "with ESMTPS (TLS 1.3 TLS_AES_128_GCM_SHA256) for <ann@space.example>;") {
		t.Errorf("Received does not mention TLS:\n%s", got.text)
	}
}

// TestCommandInjection: what is sent in plain text together with STARTTLS is not
// executed afterwards (CVE-2011-0411).
func TestCommandInjection(t *testing.T) {
	s, b := newServer()
	cert, pool := certificate(t, "mx.space.example")
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	addr := serve(t, s)
	w := dial(t, addr)
	w.send("", "220")
	w.send("EHLO x.example\r\nSTARTTLS\r\nEHLO evil.example\r\nMAIL FROM:<eve@else.example>\r\nRCPT TO:<ann@space.example>\r\n", "250", "220")
	secure := tls.Client(w.Conn, &tls.Config{ServerName: "mx.space.example", RootCAs: pool})
	if err := secure.Handshake(); err == nil {
		w = newWire(t, secure)
		w.send("DATA\r\n", "502") // neither a sender nor a recipient is known
		w.send("NOOP\r\n", "250") // and nothing else has been answered
	}
	if len(b.all()) != 0 {
		t.Error("a message was delivered")
	}
}
