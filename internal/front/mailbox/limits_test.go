package mailbox

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
)

var here, there = netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::/64")

// waited is how long a password check is delayed.
func waited(t *testing.T, th *throttle, from netip.Prefix, user string) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := th.wait(t.Context(), from, user); err != nil {
		t.Fatal(err)
	}
	return time.Since(begin)
}

func TestGuessingIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		begin, sentAway := time.Now(), false
		for i := range 20 {
			if err := th.wait(t.Context(), here, fmt.Sprint("user", i)); err != nil {
				sentAway = errors.Is(err, moot.Unavailable) && strings.Contains(err.Error(), "try again in")
				break
			}
			th.failed(here, fmt.Sprint("user", i))
		}
		if d := time.Since(begin); !sentAway || d < 30*time.Second {
			t.Errorf("guesses from one address went on for %v, refused: %v", d, sentAway)
		}
		if d := waited(t, th, there, "ann"); d != 0 {
			t.Errorf("another address waits %v for it", d)
		}
		pass(failureMemory + maxAddressDelay)
		if d := waited(t, th, here, "ann"); d != 0 {
			t.Errorf("not forgotten after a while: %v", d)
		}
	})
}

// TestUserIsNotLockedOut guesses one user's password from many addresses.
func TestUserIsNotLockedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		th.succeeded(here, "ann")
		for i := range 1000 {
			th.failed(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32), "ann")
		}
		if d := waited(t, th, here, "ann"); d != 0 {
			t.Errorf("from where ann logs in she waits %v", d)
		}
		if d := waited(t, th, there, "ann"); d <= time.Second || d > maxUserDelay {
			t.Errorf("from another address ann waits %v", d)
		}
		if d := waited(t, th, there, "bob"); d != 0 {
			t.Errorf("bob waits %v", d)
		}
		for range 7 { // from ann's own address guessing is slow, too
			th.failed(here, "ann")
		}
		if d := waited(t, th, here, "ann"); d < 15*time.Second {
			t.Errorf("guesses from ann's own address wait %v", d)
		}
		th.succeeded(here, "ann")
		if d := waited(t, th, here, "ann"); d != 0 {
			t.Errorf("after the right password ann waits %v", d)
		}
	})
}

// TestQueue checks many passwords in parallel: they must not all end after the same
// delay.
func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for range freeGuesses {
			th.failed(here, "x")
		}
		begin, checked := time.Now(), make(chan bool, 100)
		for range 100 {
			go func() { checked <- th.wait(t.Context(), here, "y") == nil }()
		}
		n := 0
		for range 100 {
			if <-checked {
				n++
			}
		}
		if most := int(time.Since(begin)/time.Second) + 1; n == 0 || n > most {
			t.Errorf("%d of 100 guesses at once were looked at within %v", n, time.Since(begin))
		}
	})
}

func TestThrottleIsBounded(t *testing.T) {
	th := newThrottle()
	for i := range maxEntries + 100 {
		name := fmt.Sprint(i)
		th.failed(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32), name)
		th.succeeded(there, name)
	}
	if len(th.addresses) > maxEntries || len(th.users) > maxEntries || len(th.trusted) > maxEntries {
		t.Errorf("%d, %d, %d entries", len(th.addresses), len(th.users), len(th.trusted))
	}
}

// pipe is an admitted connection and its other end.
func pipe(t *testing.T) (*conn, net.Conn) {
	a, b := net.Pipe()
	in := &listener{Listener: closer{}, slots: newConnSlots(), conns: map[*conn]struct{}{}}
	c := in.admit(a)
	t.Cleanup(func() { c.Close(); b.Close() })
	return c, b
}

type closer struct{ net.Listener }

func (closer) Close() error { return nil }

func TestLoginLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		_, client := pipe(t)
		if _, err := io.ReadAll(client); err != nil || time.Since(begin) != loginTimeout {
			t.Errorf("a silent client: %v after %v", err, time.Since(begin))
		}
		c, client := pipe(t)
		c.setAuthenticated()
		client.SetReadDeadline(time.Now().Add(3 * loginTimeout))
		if _, err := io.ReadAll(client); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after a login: %v", err)
		}
	})
	c, client := pipe(t)
	go func() { _, _ = client.Write(make([]byte, 2*maxBeforeLogin)) }()
	if n, err := io.Copy(io.Discard, c); err == nil || n > maxBeforeLogin+32<<10 {
		t.Errorf("a client before its login: %d bytes, %v", n, err)
	}
}

// TestDeadlinesAreIdleness transfers bytes slowly: while bytes move, no deadline ends
// the connection.
func TestDeadlinesAreIdleness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, client := pipe(t)
		c.setAuthenticated()
		c.SetReadDeadline(time.Now().Add(30 * time.Second))
		go func() {
			for range 20 {
				pass(20 * time.Second)
				_, _ = client.Write([]byte("x"))
			}
		}()
		begin := time.Now()
		got, err := io.ReadAll(c)
		if len(got) != 20 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != 430*time.Second {
			t.Errorf("%d bytes, %v after %v", len(got), err, time.Since(begin))
		}
	})
}

func TestTooManyConnections(t *testing.T) {
	w := newWorld(t, true)
	var open []*wire
	for range maxAnonymous {
		c := w.wire(w.imap, false)
		c.line()
		open = append(open, c)
	}
	if got := w.wire(w.imap, false).line(); !strings.HasPrefix(got, "* BYE Too many connections") {
		t.Errorf("one too many: %q", got)
	}
	if got := w.wire(w.smtp, false).line(); !strings.HasPrefix(got, "421 4.7.0 Too many connections") {
		t.Errorf("one too many: %q", got)
	}
	if got := open[0].command("LOGIN ann secret"); !strings.HasPrefix(got, "t OK") {
		t.Fatal(got)
	}
	if got := w.wire(w.imap, false).line(); !strings.HasPrefix(got, "* OK") {
		t.Errorf("after a login another connection is refused: %q", got)
	}
	open[1].command("LOGOUT")
	for got := ""; !strings.HasPrefix(got, "* OK"); { // once it has gone
		got = w.wire(w.imap, false).line()
	}
	w.stop()
	w.server.slots.mu.Lock()
	defer w.server.slots.mu.Unlock()
	if r := w.server.slots; r.total != 0 || len(r.perAddress) != 0 || len(r.anonymous) != 0 {
		t.Errorf("after the end %d connections are counted, %v, %v", r.total, r.perAddress, r.anonymous)
	}
}

func TestSource(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7:1": "192.0.2.7/32", "[::ffff:192.0.2.7]:1": "192.0.2.7/32", "[2001:db8::1:2:3:4]:1": "2001:db8::/64", "[fe80::1%eth0]:1": "fe80::/64",
	} {
		a, err := netip.ParseAddrPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := source(net.TCPAddrFromAddrPort(a)); got.String() != want {
			t.Errorf("%s counts for %v, want %s", addr, got, want)
		}
	}
}

// TestShutdown ends a server with connections in every state.
func TestShutdown(t *testing.T) {
	w := newWorld(t, false)
	idle, sending, silent := w.selected(), w.submit(), w.wire(w.imaps, false)
	idle.send("a IDLE\r\n")
	idle.until("+ ")
	sending.reply("MAIL FROM:<ann@moot.test>", "250")
	sending.reply("RCPT TO:<bob@moot.test>", "250")
	sending.send("BDAT 500 LAST\r\nhalf")
	w.stop()
	for _, c := range []*wire{idle, sending, silent} {
		if _, err := c.r.ReadString(0); err == nil {
			t.Error("a connection is left")
		}
	}
}

func TestNoTLS(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, s := range []*Server{New(Config{}), New(Config{Plain: true})} {
		if err := s.ServeIMAP(t.Context(), l, true); !errors.Is(err, moot.Invalid) {
			t.Errorf("TLS without a certificate: %v", err)
		}
	}
	if err := New(Config{}).ServeSubmission(t.Context(), l, false); !errors.Is(err, moot.Invalid) {
		t.Errorf("passwords without TLS: %v", err)
	}
	if err := New(Config{Plain: true}).ServeIMAP(t.Context(), publicListener{l}, false); !errors.Is(err, moot.Invalid) {
		t.Errorf("passwords without TLS from other machines: %v", err)
	}
}

// publicListener is a listener that other machines can reach.
type publicListener struct{ net.Listener }

func (publicListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero, Port: 143} }

// TestLog checks what is logged, and what must not be.
func TestLog(t *testing.T) {
	w := newWorld(t, false)
	c := w.selected()
	c.command("FETCH 1 BODY[]")
	c.command("FETCH nonsense BODY[]")
	bad := w.wire(w.imaps, true)
	bad.line()
	bad.command("LOGIN ann wr0ngpass")
	bad.send("b LOGIN ann \"wr0ngpass\x00\r\n")
	s := w.submit()
	s.reply("MAIL FROM:<ann@moot.test>", "250")
	s.reply("RCPT TO:<bob@moot.test>", "250")
	s.reply("DATA", "354")
	s.reply(hello+".", "250")
	w.stop()
	logged := w.logged.String()
	for _, never := range []string{"secret", "wr0ngpass", "AGFubgBzZWNyZXQ", "tea", "lake"} {
		if strings.Contains(logged, never) {
			t.Errorf("%q was logged:\n%s", never, logged)
		}
	}
	for _, want := range []string{"msg=login protocol=imap", "msg=\"login refused\"", "user=ann", "protocol=submission"} {
		if !strings.Contains(logged, want) {
			t.Errorf("%q was not logged:\n%s", want, logged)
		}
	}
}
