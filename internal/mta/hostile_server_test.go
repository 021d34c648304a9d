package mta_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type tlsListener struct {
	net.Listener
	cfg *tls.Config
}

func (l tlsListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tls.Server(c, l.cfg), nil
}

// obey responds to EHLO, MAIL and RCPT, and returns before the response to DATA.
func obey(c net.Conn) *bufio.Reader {
	fmt.Fprint(c, "220 x\r\n")
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "DATA\r\n" {
			return r
		}
		fmt.Fprint(c, "250 x\r\n")
	}
}

// readToDot obeys, and reads the message up to its end.
func readToDot(c net.Conn) {
	r := obey(c)
	fmt.Fprint(c, "354 x\r\n")
	for line := ""; line != ".\r\n"; {
		line, _ = r.ReadString('\n')
	}
}

func hostileServers() map[string]func(net.Conn) {
	return map[string]func(net.Conn){
		"no response":         func(net.Conn) {},
		"closed":              func(c net.Conn) { c.Close() },
		"closed at DATA":      func(c net.Conn) { obey(c); c.Close() },
		"silent at DATA":      func(c net.Conn) { obey(c) },
		"reads nothing":       func(c net.Conn) { obey(c); fmt.Fprint(c, "354 x\r\n") },
		"no SMTP":             func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\n\r\n"); c.Close() },
		"not willing":         func(c net.Conn) { fmt.Fprint(c, "554 go away\r\n"); c.Close() },
		"an endless line":     func(c net.Conn) { fmt.Fprint(c, "220 "+strings.Repeat("x", 10<<20)) },
		"an endless greeting": func(c net.Conn) { fmt.Fprint(c, strings.Repeat("220-x\r\n", 1<<20)) },
		"an endless answer":   func(c net.Conn) { obey(c); fmt.Fprint(c, strings.Repeat("354-x\r\n", 1<<20)) },
		"drips": func(c net.Conn) {
			for {
				if _, err := fmt.Fprint(c, "2"); err != nil {
					return
				}
				pass(time.Second)
			}
		},
		"closed at the end": func(c net.Conn) { readToDot(c); c.Close() },
		"silent at the end": readToDot,
	}
}

// TestHostileServers: whatever a server sends, or does not, the attempt ends and the
// message stays queued.
func TestHostileServers(t *testing.T) {
	for name, serve := range hostileServers() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newOutbox(t, nil)
				p.Retry.First = 24 * time.Hour
				p.net.script(serve)
				p.add("ann@space.example", "eve@else.example")
				p.run(15 * time.Minute)
				if p.pending() != 1 || len(p.bounces) != 0 {
					t.Errorf("%d queued, %v", p.pending(), p.bounces)
				}
				r := newRemote() // and another server gets it when it is tried again
				p.net.put(t, "198.51.100.1:25", r.srv.Serve)
				p.run(30 * time.Hour)
				if len(r.mails()) != 1 || len(r.attempts) != 1 {
					t.Errorf("%d arrived, %d attempts", len(r.mails()), len(r.attempts))
				}
			})
		})
	}
}

// TestVerboseServer: reading ends when a server sends too much.
func TestVerboseServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var received int
		p := newOutbox(t, nil)
		p.net.script(func(c net.Conn) {
			fmt.Fprint(c, "220 x\r\n")
			r := bufio.NewReader(c)
			for range 2 { // EHLO
				r.ReadString('\n')
				fmt.Fprint(c, "250 x\r\n")
			}
			for received < 10<<20 {
				n, err := fmt.Fprint(c, "250-x\r\n")
				if err != nil {
					return
				}
				received += n
			}
		})
		p.add("ann@space.example", "eve@else.example")
		p.run(10 * time.Second)
		if received > 2<<20 || p.pending() != 1 {
			t.Errorf("read %d bytes, %d queued", received, p.pending())
		}
	})
}

// TestOldServer: a server that supports only HELO.
func TestOldServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var received []string
		p := newOutbox(t, nil)
		serve := brokenTLS(&received)
		p.net.script(func(c net.Conn) {
			ours, theirs := net.Pipe()
			go serve(theirs)
			go func() { // answers 500 to EHLO, and hands on the rest
				r := bufio.NewReader(c)
				for {
					line, err := r.ReadString('\n')
					if err != nil {
						ours.Close()
						return
					}
					if strings.HasPrefix(line, "EHLO") {
						fmt.Fprint(c, "500 what?\r\n")
						continue
					}
					fmt.Fprint(ours, line)
				}
			}()
			r := bufio.NewReader(ours)
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					c.Close()
					return
				}
				fmt.Fprint(c, line)
			}
		})
		p.add("ann@space.example", "eve@else.example")
		p.run(time.Second)
		if s := strings.Join(received, "|"); !strings.HasPrefix(s, "HELO mx.space.example|MAIL FROM:<ann@space.example>|RCPT") || p.pending() != 0 {
			t.Errorf("received %s, %d queued", s, p.pending())
		}
	})
}

// TestUTF8: non-ASCII addresses need a server with SMTPUTF8 (RFC 6531).
func TestUTF8(t *testing.T) {
	for _, able := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := newRemote()
			r.srv.EnableSMTPUTF8 = able
			p := newOutbox(t, r)
			p.names.mx["xn--mnchen-3ya.example"] = p.names.mx["else.example"]
			p.add("ann@space.example", "jürgen@else.example")
			p.add("ann@space.example", "eve@München.example") // only the domain, which has an ASCII form
			p.run(time.Second)
			arrived := map[string]bool{}
			for _, m := range r.mails() {
				arrived[m.to[0]] = m.utf8
			}
			if utf8, ok := arrived["eve@xn--mnchen-3ya.example"]; !ok || utf8 {
				t.Errorf("able %v: %v", able, arrived)
			}
			if able {
				if !arrived["jürgen@else.example"] || len(p.bounces) != 0 {
					t.Errorf("%v, %v", arrived, p.bounces)
				}
				return
			}
			if len(p.bounces) != 1 {
				t.Fatalf("%d notifications", len(p.bounces))
			}
			n := report(t, p.bounces[0])
			if n.fields["Status"] != "5.6.7" || n.fields["Final-Recipient"] != "utf-8; jürgen@else.example" || n.statusKind != "message/global-delivery-status" {
				t.Errorf("%s %v", n.statusKind, n.fields)
			}
		})
	}
}
