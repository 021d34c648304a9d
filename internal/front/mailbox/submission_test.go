package mailbox

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/mootspace/moot"
)

// submit is a raw connection after a login.
func (w *world) submit() *wire {
	w.t.Helper()
	c := w.wire(w.smtps, true)
	c.reply("", "220 moot.test ESMTP")
	c.reply("EHLO me", "250")
	c.reply("AUTH PLAIN AGFubgBzZWNyZXQ=", "235")
	return c
}

// reply sends a command, if any, and checks the prefix of the reply.
func (c *wire) reply(command, want string) {
	c.t.Helper()
	if command != "" {
		c.send(command + "\r\n")
	}
	for {
		l, err := c.r.ReadString('\n')
		if len(l) > 3 && l[3] == '-' && err == nil {
			continue
		}
		if l = strings.TrimRight(l, "\r\n"); !strings.HasPrefix(l, want) {
			c.t.Errorf("%.60s: %q, want %q (%v)", command, l, want, err)
		}
		return
	}
}

func TestSubmission(t *testing.T) {
	w := newWorld(t, false)
	for _, mechanism := range []sasl.Client{sasl.NewPlainClient("", "ann", "secret"), sasl.NewLoginClient("ann", "secret")} {
		for _, dial := range []func() (*smtp.Client, error){
			func() (*smtp.Client, error) { return smtp.DialStartTLS(w.smtp, w.client) },
			func() (*smtp.Client, error) { return smtp.DialTLS(w.smtps, w.client) },
		} {
			c, err := dial()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			if err := c.Auth(mechanism); err != nil {
				t.Fatal(err)
			}
			if err := c.SendMail("somebody@elsewhere", []string{"bob@moot.test", "#general@moot.test"}, strings.NewReader(hello+".\r\n..dots\r\n")); err != nil {
				t.Fatal(err)
			}
			if err := c.Quit(); err != nil {
				t.Error(err)
			}
		}
	}
	if len(w.mailbox.sent) != 4 {
		t.Fatalf("%d messages were sent", len(w.mailbox.sent))
	}
	for _, m := range w.mailbox.sent {
		if m.text != hello+".\r\n..dots\r\n" || !slices.Equal(m.to, []string{"bob@moot.test", "#general@moot.test"}) {
			t.Errorf("sent: %q", m)
		}
	}
}

func TestExtensions(t *testing.T) {
	w := newWorld(t, false)
	c := w.wire(w.smtps, true)
	c.line()
	c.send("EHLO me\r\n")
	got := c.until("250 ")
	for _, want := range []string{"AUTH PLAIN LOGIN", "SIZE 8388608", "8BITMIME", "SMTPUTF8", "PIPELINING", "CHUNKING", "ENHANCEDSTATUSCODES"} {
		if !strings.Contains(got, want) {
			t.Errorf("EHLO does not offer %s:\n%s", want, got)
		}
	}
	if strings.Contains(got, "STARTTLS") || strings.Contains(got, "DSN") {
		t.Errorf("EHLO over TLS:\n%s", got)
	}
	bare := w.wire(w.smtp, false)
	bare.line()
	bare.send("EHLO me\r\n")
	if got := bare.until("250 "); !strings.Contains(got, "STARTTLS") || strings.Contains(got, "AUTH") {
		t.Errorf("EHLO without TLS:\n%s", got)
	}
	bare.reply("AUTH PLAIN AGFubgBzZWNyZXQ=", "523 5.7.10")
	bare.reply("MAIL FROM:<ann@moot.test>", "530 5.7.0")
}

func TestSubmissionCommands(t *testing.T) {
	w := newWorld(t, false)
	c := w.wire(w.smtps, true)
	c.line()
	c.reply("EHLO me", "250")
	c.reply("AUTH CRAM-MD5", "504")
	c.reply("AUTH PLAIN AGFubgB3cm9uZw==", "535 5.7.8")     // ann, wrong
	c.reply("AUTH PLAIN Ym9iAGFubgBzZWNyZXQ=", "535 5.7.8") // for bob, as ann
	c.reply("AUTH LOGIN", "334 VXNlcm5hbWU6")
	c.reply("YW5u", "334 UGFzc3dvcmQ6")
	c.reply("c2VjcmV0", "235")
	c.reply("MAIL FROM:<no address>", "501")
	c.reply("MAIL FROM:<ann@moot.test> SIZE=9000000", "552 5.3.4")
	c.reply("MAIL FROM:<ann@moot.test> RET=FULL", "504")
	c.reply("MAIL FROM:<gr\u00fcn@moot.test>", "553 5.6.7")
	c.reply("MAIL FROM:<gr\u00fcn@moot.test> SMTPUTF8 BODY=8BITMIME", "250")
	c.reply("RCPT TO:<\"a@b\"@elsewhere.test>", "553 5.1.3")
	c.reply("RCPT TO:<\"a\tb\"@moot.test>", "553 5.1.3")
	c.reply("RCPT TO:<a@b@moot.test>", "553 5.1.3")
	c.reply("RCPT TO:<a\rb@moot.test>", "553 5.1.3")
	c.reply("RCPT TO:<"+strings.Repeat("x", 400)+"@moot.test>", "553 5.1.3")
	c.reply("DATA", "502 5.5.1")
	c.reply("RCPT TO:<b\u00f6b@moot.test>", "250")
	c.reply("RSET", "250")
	c.reply("MAIL FROM:<>", "250")
	for i := range maxRecipients {
		c.send(fmt.Sprintf("RCPT TO:<r%d@moot.test>\r\n", i))
	}
	for range maxRecipients {
		c.reply("", "250")
	}
	c.reply("RCPT TO:<one.more@moot.test>", "452 4.5.3")
}

// TestQuotedRecipients: a mailbox gets addresses in the form in which it parses them.
func TestQuotedRecipients(t *testing.T) {
	w := newWorld(t, false)
	c := w.submit()
	c.reply("MAIL FROM:<\"a b\"@moot.test>", "250")
	c.reply("RCPT TO:<\"a b\"@moot.test>", "250")
	c.reply("RCPT TO:<\"plain.name\"@elsewhere.test>", "250")
	c.reply("RCPT TO:<\"a\\\"(,)\"@elsewhere.test>", "250")
	c.reply("DATA", "354")
	c.reply("x: y\r\n\r\n.", "250")
	if got := w.mailbox.sent[0].to; !slices.Equal(got, []string{`"a b"@moot.test`, "plain.name@elsewhere.test", `"a\"(,)"@elsewhere.test`}) {
		t.Errorf("to %q", got)
	}
}

func TestSubmissionErrors(t *testing.T) {
	w := newWorld(t, false)
	c := w.submit()
	for kind, want := range map[moot.ErrorKind]string{
		moot.Invalid: "554 5.6.0 bob: no such thing", moot.NotFound: "550 5.1.1 bob: no such thing", moot.TooLarge: "552 5.3.4", moot.Full: "452 4.2.2",
		moot.Denied: "550 5.7.1", moot.Unavailable: "451 4.4.0", moot.Internal: "451 4.3.0 Internal error",
	} {
		w.mailbox.sendErr = moot.Errorf(kind, "bob: no such\r\nthing")
		c.reply("MAIL FROM:<ann@moot.test>", "250")
		c.reply("RCPT TO:<bob@moot.test>", "250")
		c.reply("DATA", "354")
		c.reply(hello+".", want)
	}
	w.mailbox.sendErr = moot.WithHint(moot.Errorf(moot.Conflict, "zoe is now another member"), moot.HintOtherMember)
	c.reply("MAIL FROM:<ann@moot.test>", "250")
	c.reply("RCPT TO:<zoe@moot.test>", "250")
	c.reply("DATA", "354")
	c.reply(hello+".", "550 5.1.4 zoe is now another member: write to ID@moot.alt")
	w.mailbox.sendErr = errors.New("some fault")
	c.reply("MAIL FROM:<ann@moot.test>\r\nRCPT TO:<bob@moot.test>\r\nDATA", "250") // PIPELINING
	c.reply("", "250")
	c.reply("", "354")
	c.reply(hello+".", "451 4.3.0")
	w.mailbox.sendErr = nil
	c.reply("MAIL FROM:<ann@moot.test>", "250")
	c.reply("RCPT TO:<bob@moot.test>", "250")
	c.reply("DATA", "354")
	c.send(strings.Repeat(strings.Repeat("x", 70)+"\r\n", 9<<20/72))
	c.reply(".", "552 5.3.4")
	if len(w.mailbox.sent) != 0 {
		t.Errorf("%d messages were sent", len(w.mailbox.sent))
	}
}

// TestSmuggling sends what other servers have taken for the end of a message.
func TestSmuggling(t *testing.T) {
	for _, text := range []string{
		"a\n.\r\nMAIL FROM:<x@y>\r\n", "a\r\n.\nMAIL\r\n", "a\n.\nMAIL\r\n", "a\r.\rMAIL\r\n", "a\r\r\n.\r\r\n", "a\r\n\r.\r\nb\r\n", "\nb\r\n",
	} {
		w := newWorld(t, false)
		c := w.submit()
		c.reply("MAIL FROM:<ann@moot.test>", "250")
		c.reply("RCPT TO:<bob@moot.test>", "250")
		c.reply("DATA", "354")
		c.send("Subject: x\r\n\r\n" + text + ".\r\nNOOP\r\n")
		c.reply("", "550 5.5.2 a line ends with CR or LF alone")
		if rest, _ := io.ReadAll(c.r); len(rest) > 0 {
			t.Errorf("%q: %q was sent after it", text, rest)
		}
		if len(w.mailbox.sent) != 0 {
			t.Errorf("%q was sent", text)
		}
		w.stop()
	}
}

func TestSubmissionInjection(t *testing.T) {
	w := newWorld(t, false)
	c := w.wire(w.smtp, false)
	c.line()
	c.reply("EHLO me", "250")
	c.send("STARTTLS\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\nMAIL FROM:<evil@moot.test>\r\n")
	c.reply("", "220")
	secure := w.client.Clone()
	over := tlsOver(c, secure)
	over.reply("NOOP", "250 2.0.0") // and not what was sent before TLS
	over.reply("MAIL FROM:<ann@moot.test>", "502")
	over.reply("EHLO me", "250")
	over.reply("MAIL FROM:<ann@moot.test>", "530 5.7.0")
}

func TestChunking(t *testing.T) {
	w := newWorld(t, false)
	c := w.submit()
	chunk := func(s, last, want string) {
		t.Helper()
		c.send(fmt.Sprintf("BDAT %d%s\r\n%s", len(s), last, s))
		c.reply("", want)
	}
	begin := func() {
		t.Helper()
		c.reply("MAIL FROM:<ann@moot.test>", "250")
		c.reply("RCPT TO:<bob@moot.test>", "250")
	}
	begin()
	chunk(hello[:20], "", "250")
	chunk(hello[20:], "", "250")
	chunk("", " LAST", "250")
	begin()
	chunk("a\nb\r\n", " LAST", "554 5.6.0 a line ends")
	begin()
	chunk("Subject: x\r\n\r\nno end", " LAST", "554 5.6.0 the message ends within a line")
	begin()
	chunk("Subject: x\r\n", "", "250")
	c.reply("RSET", "250")
	if len(w.mailbox.sent) != 1 || w.mailbox.sent[0].text != hello {
		t.Errorf("sent: %q", w.mailbox.sent)
	}
}

// TestBrokenSubmission breaks the connection within a message: half of it must not be
// sent.
func TestBrokenSubmission(t *testing.T) {
	for _, begin := range []string{"DATA\r\n", "BDAT 500 LAST\r\n", "BDAT 500\r\n"} {
		w := newWorld(t, true)
		c := w.wire(w.smtp, false)
		c.line()
		c.reply("EHLO me", "250")
		c.reply("AUTH PLAIN AGFubgBzZWNyZXQ=", "235")
		c.reply("MAIL FROM:<ann@moot.test>", "250")
		c.reply("RCPT TO:<bob@moot.test>", "250")
		c.send(begin + "Subject: x\r\n\r\nhalf of\r\n")
		c.Close()
		w.stop()
		if len(w.mailbox.sent) != 0 {
			t.Errorf("half a message was sent with %q: %q", begin, w.mailbox.sent)
		}
	}
}

func FuzzStrictLines(f *testing.F) {
	f.Add([]byte("a\r\nb\r\n"), 1)
	f.Add([]byte("\r\n.\r\n"), 3)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		got, err := io.ReadAll(&strictLines{r: &pieces{text, 1 + max(0, size)%100}, single: size%2 == 0})
		bare := strings.ReplaceAll(string(text), "\r\n", "")
		good := !strings.ContainsAny(bare, "\r\n") && (len(text) == 0 || strings.HasSuffix(string(text), "\r\n"))
		if good != (err == nil) || good && string(got) != string(text) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	})
}

// pieces hands out so many bytes at a time.
type pieces struct {
	b []byte
	n int
}

func (p *pieces) Read(to []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := copy(to, p.b[:min(p.n, len(p.b))])
	p.b = p.b[n:]
	return n, nil
}
