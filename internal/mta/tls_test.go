package mta_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot/internal/mta"
)

// TestOpportunisticTLS: TLS is used if offered, whatever the certificate.
func TestOpportunisticTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		r.withTLS(t, "another.example")
		p := newOutbox(t, r)
		p.add("ann@space.example", "eve@else.example")
		p.run(time.Second)
		if got := r.mails(); len(got) != 1 || !got[0].tls {
			t.Errorf("%+v", got)
		}
	})
}

// brokenTLS is a server that offers STARTTLS, fails the handshake, and accepts plain
// text.
func brokenTLS(received *[]string) func(net.Conn) {
	return func(c net.Conn) {
		defer c.Close()
		fmt.Fprint(c, "220 mx.else.example\r\n")
		for r := bufio.NewReader(c); ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			*received = append(*received, strings.TrimSpace(line))
			switch verb := line[:4]; verb {
			case "EHLO":
				fmt.Fprint(c, "250-mx.else.example\r\n250 STARTTLS\r\n")
			case "STAR":
				fmt.Fprint(c, "220 go on\r\n")
				io.ReadFull(r, make([]byte, 100))
				fmt.Fprint(c, "this is no TLS\r\n")
				return
			case "DATA":
				fmt.Fprint(c, "354 go on\r\n")
				for line != ".\r\n" {
					if line, err = r.ReadString('\n'); err != nil {
						return
					}
				}
				fmt.Fprint(c, "250 ok\r\n")
			default:
				fmt.Fprint(c, "250 ok\r\n")
			}
		}
	}
}

// TestBrokenTLS: plain text is sent only in the second attempt, or never.
func TestBrokenTLS(t *testing.T) {
	for _, require := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var received []string
			p := newOutbox(t, nil)
			p.net.script(brokenTLS(&received))
			p.names.mx["else.example"] = append(p.names.mx["else.example"], &net.MX{Host: "down.example.", Pref: 20})
			p.names.ip["down.example"] = []string{"198.51.100.2"} // what fails there does not hide why the first failed
			p.RequireTLS = require
			p.add("ann@space.example", "eve@else.example")
			p.run(time.Second)
			if s := strings.Join(received, "|"); s != "EHLO mx.space.example|STARTTLS" {
				t.Errorf("at first the server received %s", s)
			}
			p.run(2 * time.Minute)
			sent := strings.Contains(strings.Join(received, "|"), "MAIL FROM:<ann@space.example>")
			if sent == require || p.pending() == 0 == require {
				t.Errorf("required %v: sent %v, %d queued", require, sent, p.pending())
			}
		})
	}
}

func TestRequireTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		p := newOutbox(t, r)
		p.RequireTLS = true
		p.add("ann@space.example", "eve@else.example")
		p.run(time.Hour)
		if len(r.mails()) != 0 || p.pending() != 1 {
			t.Error("sent in plain text")
		}
	})
}

// TestResponseInjection: plain text after the consent to STARTTLS is ignored.
func TestResponseInjection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var received []string
		p := newOutbox(t, nil)
		p.net.script(func(c net.Conn) {
			defer c.Close()
			fmt.Fprint(c, "220 x\r\n")
			for r := bufio.NewReader(c); ; {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				received = append(received, line[:4])
				if line[:4] == "EHLO" {
					fmt.Fprint(c, "250-x\r\n250 STARTTLS\r\n")
				} else {
					fmt.Fprint(c, "220 go on\r\n250-x\r\n250 AUTH PLAIN\r\n")
				}
			}
		})
		p.add("ann@space.example", "eve@else.example")
		p.run(time.Second)
		if s := fmt.Sprint(received); s != "[EHLO STAR]" || p.pending() != 1 {
			t.Errorf("received %s, %d queued", s, p.pending())
		}
	})
}

func TestSmarthost(t *testing.T) {
	for name, c := range map[string]struct {
		port, user, password string
		certified            string
		trust                bool
		want                 bool
	}{
		"with a password":         {"587", "moot", "secret", "relay.example", true, true},
		"TLS at once":             {"465", "moot", "secret", "relay.example", true, true},
		"wrong password":          {"587", "moot", "wrong", "relay.example", true, false},
		"another's certificate":   {"587", "moot", "secret", "evil.example", true, false},
		"nobody's certificate":    {"587", "moot", "secret", "relay.example", false, false},
		"no TLS":                  {"587", "moot", "secret", "", false, false},
		"no password, no TLS":     {"25", "", "", "", false, true},
		"no password, strange it": {"25", "", "", "evil.example", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRemote()
				r.password = "secret"
				r.srv.AllowInsecureAuth = true // it would take a password in plain text
				p := newOutbox(t, nil)
				if c.certified != "" {
					if trusted := r.withTLS(t, c.certified); c.trust {
						p.TLS = trusted
					}
				}
				serve := r.srv.Serve
				if c.port == "465" {
					serve = func(l net.Listener) error { return r.srv.Serve(tlsListener{l, r.srv.TLSConfig}) }
				}
				p.net.put(t, "relay.example:"+c.port, serve)
				p.names.mx = nil // is not asked
				p.Smarthost = &mta.Smarthost{Addr: "relay.example:" + c.port, Username: c.user, Password: c.password}
				p.add("ann@space.example", "eve@else.example", "bob@other.example")
				p.run(30 * time.Second)
				got := r.mails()
				if !c.want {
					if len(got) != 0 || p.pending() != 1 || len(p.bounces) != 0 {
						t.Errorf("%+v, %d queued, %v", got, p.pending(), p.bounces)
					}
					return
				}
				if len(got) != 1 || len(got[0].to) != 2 || got[0].auth != c.user || got[0].tls != (c.certified != "") {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}
