package mta_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot/internal/mta"
)

// TestSmuggling sends what other servers have taken for the end of a message, followed
// by commands. Only CRLF.CRLF ends a message, and a lone CR or LF is refused, so that
// there is neither a second message nor a changed first one.
func TestSmuggling(t *testing.T) {
	second := "MAIL FROM:<ceo@space.example>\r\nRCPT TO:<ann@space.example>\r\nDATA\r\nSubject: forged\r\n\r\npay!\r\n"
	for _, end := range []string{
		"\n.\r\n", "\r\n.\n", "\n.\n", "\r.\r", "\r.\r\n", "\n.\r", "\r.\n", "\r\r\n.\n", "\x00\n.\r\n", "\n\n.\r\n",
	} {
		t.Run(fmt.Sprintf("%q", end), func(t *testing.T) {
			s, b := newServer()
			w := dial(t, serve(t, s)).begin()
			w.send("DATA\r\n", "354")
			w.send("Subject: first\r\n\r\nbody"+end+second+".\r\n", "554 5.6.0")
			w.send("NOOP\r\n", "250 2.0.0 I have") // the answer to NOOP, and no other before it
			if n := len(b.all()); n != 0 {
				t.Errorf("%d messages were delivered", n)
			}
		})
	}
}

// TestDotCR: go-smtp v0.25.1 drops a dot and a CR at the beginning of a line when no LF
// follows, before strictLines sees the CR. It does not end the message, which is what
// matters.
func TestDotCR(t *testing.T) {
	s, b := newServer()
	w := dial(t, serve(t, s)).begin()
	w.send("DATA\r\n", "354")
	w.send("Subject: first\r\n\r\nbody\r\n.\rMAIL FROM:<x@y.example>\r\nend\r\n.\r\n", "250")
	w.send("NOOP\r\n", "250 2.0.0 I have")
	if got := b.only(t); !strings.HasSuffix(got.text, "\r\nbody\r\nMAIL FROM:<x@y.example>\r\nend\r\n") {
		t.Errorf("got %q", got.text)
	}
}

func TestHeaderLimits(t *testing.T) {
	fields := func(n int, field string) string { return strings.Repeat(field, n) + "\r\nbody\r\n" }
	for name, c := range map[string]struct{ message, answer string }{
		"10,000 fields":  {fields(10_000, "X-A: b\r\n"), "552 5.3.4"},
		"large header":   {fields(200, "X-A: "+strings.Repeat("b", 900)+"\r\n"), "552 5.3.4"},
		"endless header": {strings.Repeat("X-A: "+strings.Repeat("b", 900)+"\r\n", 1000), "552 5.3.4"},
		"endless field":  {"X-A: b\r\n" + strings.Repeat(" "+strings.Repeat("b", 900)+"\r\n", 200) + "\r\n", "552 5.3.4"},
		"loop":           {fields(50, "Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n"), "554 5.4.6"},
		"many hops":      {fields(49, "Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n"), "250"},
		"no header":      {"\r\nbody\r\n", "250"},
		"no body":        {"Subject: x\r\n", "250"},
		"nothing":        {"", "250"},
		"long line":      {"Subject: x\r\n\r\n" + strings.Repeat("b", 90_000) + "\r\n", "250"},
		"long field":     {"To: " + strings.Repeat("ann@space.example, ", 5000) + "\r\n\r\nbody\r\n", "250"},
		"endless line":   {"X-A: " + strings.Repeat("b", 300_000) + "\r\n\r\nbody\r\n", "552 5.3.4"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newServer()
			w := dial(t, serve(t, s)).begin()
			w.send("DATA\r\n", "354")
			w.send(c.message+".\r\n", c.answer)
		})
	}
}

func TestSizeLimits(t *testing.T) {
	s, b := newServer()
	s.Limits = mta.Limits{Message: 1 << 20, Recipients: 1}
	w := dial(t, serve(t, s))
	w.send("", "220")
	if smtpErr := w.send("EHLO x.example\r\n", "250"); !strings.Contains(smtpErr, "SIZE 1048576\r\n") {
		t.Errorf("does not announce its limit: %q", smtpErr)
	}
	w.send("MAIL FROM:<> SIZE=1048577\r\n", "552 5.3.4")
	w.send("MAIL FROM:<>\r\nRCPT TO:<ann@space.example>\r\nRCPT TO:<bob@space.example>\r\n", "250", "250", "452 4.5.3")
	w.send("DATA\r\n", "354")
	w.send("\r\n"+strings.Repeat(strings.Repeat("b", 998)+"\r\n", 1100)+".\r\n", "552 5.3.4")
	w.send("NOOP\r\n", "250")
	if len(b.all()) != 0 {
		t.Error("a message that is too large was delivered")
	}
}

// TestMemory: messages being received share a budget.
func TestMemory(t *testing.T) {
	s, b := newServer()
	s.Limits = mta.Limits{Message: 256 << 10, Memory: 1} // becomes two chunks of 256 KiB
	body := "\r\n" + strings.Repeat(strings.Repeat("b", 998)+"\r\n", 200)
	bubble(t, s, func(t *testing.T, r *pipeListener) {
		b.hold = make(chan struct{})
		first, second, third := r.dial(t, "192.0.2.1").begin(), r.dial(t, "192.0.2.2").begin(), r.dial(t, "192.0.2.3").begin()
		for _, w := range []*wire{first, second} {
			w.send("DATA\r\n", "354")
			w.send(body + ".\r\n")
		}
		synctest.Wait() // they are wholly there
		third.send("DATA\r\n", "354")
		third.send(body+".\r\n", "452 4.3.1")
		close(b.hold)
		first.send("", "250")
		second.send("", "250")
		third.send("MAIL FROM:<>\r\n", "250")
		third.send("RCPT TO:<ann@space.example>\r\n", "250")
		third.send("DATA\r\n", "354")
		third.send(body+".\r\n", "250") // what was used is free again
		for _, w := range []*wire{first, second, third} {
			w.Close()
		}
	})
}

// pipeListener is a listener without a network, for synctest.
type pipeListener struct {
	calls chan net.Conn
	once  sync.Once
	gone  chan struct{}
}

func newRoom() *pipeListener {
	return &pipeListener{calls: make(chan net.Conn), gone: make(chan struct{})}
}

// addressed is a connection from an address.
type addressed struct {
	net.Conn
	from net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.from }

func (r *pipeListener) dial(t *testing.T, from string) *wire {
	ours, theirs := net.Pipe()
	r.calls <- addressed{theirs, &net.TCPAddr{IP: net.ParseIP(from), Port: 1}}
	return newWire(t, ours)
}

func (r *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-r.calls:
		return c, nil
	case <-r.gone:
		return nil, net.ErrClosed
	}
}
func (r *pipeListener) Close() error   { r.once.Do(func() { close(r.gone) }); return nil }
func (r *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// bubble runs a server on a pipeListener in a synctest bubble.
func bubble(t *testing.T, s *mta.Server, test func(t *testing.T, r *pipeListener)) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx, r) }()
		test(t, r)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestStalledMessage: after the timeout of a message the rest of it must not be parsed
// as commands.
func TestStalledMessage(t *testing.T) {
	s, b := newServer()
	bubble(t, s, func(t *testing.T, r *pipeListener) {
		w := r.dial(t, "192.0.2.1").begin()
		w.send("DATA\r\n", "354")
		w.send("Subject: slow\r\n\r\n")
		began := time.Now()
		if reply := w.reply(); !strings.HasPrefix(reply, "451 4.4.2") {
			t.Errorf("a stalled message is answered with %q", reply)
		}
		if took := time.Since(began); took != 5*time.Minute {
			t.Errorf("gave up after %v", took)
		}
		go io.WriteString(w, "MAIL FROM:<ceo@space.example>\r\nRCPT TO:<ann@space.example>\r\nDATA\r\n")
		if reply := w.reply(); !strings.HasPrefix(reply, "421") {
			t.Errorf("what followed was answered with %q", reply)
		}
		if reply := w.reply(); reply != "" {
			t.Errorf("and then %q", reply)
		}
		w.Close()
	})
	if len(b.all()) != 0 {
		t.Error("delivered")
	}
}

// TestDripping: a byte now and then does not extend the timeout of a message or a
// connection.
func TestDripping(t *testing.T) {
	s, _ := newServer()
	bubble(t, s, func(t *testing.T, r *pipeListener) {
		w := r.dial(t, "192.0.2.1").begin()
		w.send("DATA\r\n", "354")
		began := time.Now()
		var dripping sync.WaitGroup
		dripping.Go(func() {
			for {
				if _, err := io.WriteString(w, "X"); err != nil {
					return
				}
				pass(time.Minute)
			}
		})
		if reply := w.reply(); !strings.HasPrefix(reply, "451 4.4.2") {
			t.Errorf("answered with %q", reply)
		}
		if took := time.Since(began); took > 16*time.Minute {
			t.Errorf("gave up after %v", took)
		}
		w.Close()
		dripping.Wait()

		w = r.dial(t, "192.0.2.1")
		w.send("", "220")
		for began = time.Now(); ; pass(time.Minute) {
			if _, err := io.WriteString(w, "NOOP\r\n"); err != nil || !strings.HasPrefix(w.reply(), "250") {
				break
			}
		}
		if took := time.Since(began); took > time.Hour+5*time.Minute { // including the final write
			t.Errorf("a connection that only sends NOOP lived %v", took)
		}
		w.Close()
	})
}

func TestConnectionLimits(t *testing.T) {
	s, _ := newServer()
	s.Limits = mta.Limits{Connections: 3, PerAddress: 2}
	bubble(t, s, func(t *testing.T, r *pipeListener) {
		first := r.dial(t, "2001:db8::1")
		first.send("", "220")
		second := r.dial(t, "2001:db8::2") // the same /64
		second.send("", "220")
		r.dial(t, "2001:db8::3").send("", "421 4.7.0", "")
		other := r.dial(t, "192.0.2.1")
		other.send("", "220")
		r.dial(t, "192.0.2.2").send("", "421 4.7.0", "")
		first.send("QUIT\r\n", "221", "")
		synctest.Wait()
		again := r.dial(t, "2001:db8::4")
		again.send("", "220")
		for _, w := range []*wire{second, other, again} {
			w.Close()
		}
	})
}

func TestRate(t *testing.T) {
	s, _ := newServer()
	s.Limits = mta.Limits{PerMinute: 2}
	bubble(t, s, func(t *testing.T, r *pipeListener) {
		w := r.dial(t, "192.0.2.1")
		w.send("", "220")
		w.send("EHLO x.example\r\n", "250")
		for _, want := range []string{"250", "250", "450 4.7.1"} {
			w.send("MAIL FROM:<>\r\n", want)
		}
		other := r.dial(t, "192.0.2.2")
		other.send("", "220")
		other.send("EHLO x.example\r\n", "250")
		other.send("MAIL FROM:<>\r\n", "250")
		pass(time.Minute)
		w.send("MAIL FROM:<>\r\n", "250")
		w.Close()
		other.Close()
	})
}

// TestGuessing: a client that names many unknown mailboxes is disconnected.
func TestGuessing(t *testing.T) {
	s, _ := newServer()
	w := dial(t, serve(t, s)).begin()
	for n := range 21 {
		w.send(fmt.Sprintf("RCPT TO:<guess%d@space.example>\r\n", n), "550 5.1.1")
	}
	w.send("", "421", "")
}

// TestStop: at shutdown, completely received messages are delivered and replied to;
// others are aborted.
func TestStop(t *testing.T) {
	s, b := newServer()
	synctest.Test(t, func(t *testing.T) {
		b.hold = make(chan struct{})
		r := newRoom()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx, r) }()
		whole, part, idle := r.dial(t, "192.0.2.1").begin(), r.dial(t, "192.0.2.2").begin(), r.dial(t, "192.0.2.3")
		idle.send("", "220")
		whole.send("DATA\r\n", "354")
		whole.send(sample + ".\r\n")
		part.send("DATA\r\n", "354")
		part.send("Subject: x\r\n")
		stop()
		part.send("", "451", "421", "")
		idle.send("", "421", "")
		close(b.hold)
		whole.send("", "250", "421", "")
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	b.only(t)
}
