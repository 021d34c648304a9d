package mta_test

import (
	"crypto/tls"
	"strings"
	"testing"
)

// TestLiberalCommands: what Postfix accepts, without TLS and with it.
func TestLiberalCommands(t *testing.T) {
	s, b := newServer()
	b.accept["postmaster@space.example"] = nil
	b.accept["a b@space.example"] = nil
	cert, pool := certificate(t, "mx.space.example")
	s.TLS = tlsConfig(cert)
	w := dial(t, serve(t, s))
	w.send("", "220")
	w.send("ehlo x.example\r\n", "250")
	liberal(w)
	w.send("starttls \r\n", "220")
	w = newWire(t, tls.Client(w.Conn, &tls.Config{ServerName: "mx.space.example", RootCAs: pool}))
	if strings.Contains(w.send("EHLO x.example\r\n", "250"), "STARTTLS") {
		t.Error("offers STARTTLS within TLS")
	}
	liberal(w)
	w.send("STARTTLS\r\n", "502")
	w.send("QUIT \r\n", "221", "")
	got := b.all()
	if len(got) != 6 {
		t.Fatalf("%d messages", len(got))
	}
	for i, m := range got {
		if !strings.Contains(m.text, "MAIL FROM: <not@a.command>\r\n") || strings.Contains(m.text, "ESMTPS") != (i >= 3) {
			t.Errorf("got %+v", m)
		}
	}
}

func liberal(w *wire) {
	text := "Subject: x\r\n\r\nMAIL FROM: <not@a.command>\r\n"
	w.send("NOOP with arguments\r\nVRFY ann\r\nRSET \r\n", "250", "252", "250")
	w.send("MAIL FROM:<a@b.example> SIZE=99999999999\r\n", "552 5.3.4")
	w.send("mail from: <a@b.example> body=8bitmime size=50\r\n", "250")
	w.send("rcpt to:<postmaster>\r\n", "250")
	w.send("RCPT TO:<@x.example,@y.example:ann@space.example>\r\n", "250")
	w.send("RCPT TO:<\"a b\"@space.example>\r\n", "250")
	w.send("DATA \r\n", "354")
	w.send(text+".\r\n", "250")
	w.send("MAIL FROM:a@b.example SMTPUTF8\r\nRCPT TO: <ann>\r\ndata\t\r\n", "250", "250", "354")
	w.send(text+".\r\n"+"MAIL FROM: <>\r\nRCPT TO: ann@space.example.\r\nBDAT 50 LAST\r\n"+(text + strings.Repeat("x", 50))[:48]+"\r\nNOOP \r\n", "250", "250", "250", "250", "250")
}

// TestCommandLine: a command has a bound, and an injected one is not in the next session.
func TestCommandLine(t *testing.T) {
	s, _ := newServer()
	w := dial(t, serve(t, s))
	w.send("", "220")
	w.send("EHLO "+strings.Repeat("x", 3000)+"\r\n", "250")
	w.send("NOOP "+strings.Repeat("354 ", 2000)+"\r\n", "500 5.4.0", "")
}
