package mailbox

import (
	"io"
	"strings"
	"testing"
	"time"

	moots "github.com/mootspace/moot/internal/mail"
)

// TestHostileCommands sends what no mail program would. Nothing may panic, and every
// open connection gets a response.
func TestHostileCommands(t *testing.T) {
	w := newWorld(t, false)
	w.put(hello, nested, "", "\r\n", strings.Repeat("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n", 300))
	w.mailbox.at(moots.Inbox).items[0].Flags = []moots.Flag{"with space", "gr\u00fcn", `\Odd`, ""}
	w.mailbox.at(moots.Inbox).items[1].Subject = "x\r\ny"
	for _, command := range []string{
		"FETCH 1:* (FLAGS ENVELOPE BODY BODYSTRUCTURE BODY[] BODY[1] BODY[1.1.1.1] BODY[TEXT] BINARY[1] BINARY[] BINARY.SIZE[] BINARY.SIZE[9])",
		"FETCH 1:* BODY[" + strings.Repeat("1.", 5000) + "1]", "FETCH 1 BODY[0]", "FETCH 1 BODY[4294967295.0.HEADER]", "FETCH 1 BODY[MIME]", "FETCH 1 BODY[HEADER.FIELDS ()]",
		"FETCH 2 BODY[1.MIME]<0.0>", "FETCH 2 BODY[]<9223372036854775807.9223372036854775807>", "FETCH 2 BINARY[2]<1.9223372036854775807>", "FETCH 1 BODY[]<-1.5>",
		"FETCH 1 (" + strings.Repeat("BODY[] ", 70) + "UID)", "FETCH 4294967295:* FLAGS", "FETCH 0 FLAGS", "FETCH * FLAGS", "FETCH *:* FLAGS", "FETCH 99999999999 FLAGS", "FETCH 1:2:3 FLAGS",
		"UID FETCH 4294967295:1 FLAGS", "UID EXPUNGE *", "UID EXPUNGE $", "FETCH $ FLAGS", "STORE $ FLAGS (x)", "UID MOVE $ Sent", "UID COPY $ INBOX",
		"STORE 1 FLAGS (" + strings.Repeat("k ", 100) + "k)", "STORE 1 FLAGS (" + strings.Repeat("k", 100) + ")", "STORE 1 FLAGS x y z", "STORE 1 -FLAGS ()",
		"SEARCH " + strings.Repeat("(", 900) + "ALL" + strings.Repeat(")", 900), "SEARCH " + strings.Repeat("(", 1100), "SEARCH " + strings.Repeat("OR ", 10000), "SEARCH SINCE 99-Foo-20000", "SEARCH BODY \"\xff\xfe\"",
		"SEARCH HEADER \"\" \"\"", "SEARCH HEADER \"a\x00b\" \"c\"", "SEARCH LARGER 99999999999999999999", "SEARCH UID 0", "SEARCH $", "SEARCH RETURN () ALL", "SEARCH TEXT {3+}\r\n\x00\r\n",
		`SELECT "&Jjo"`, "SELECT \"\xff\"", `SELECT ""`, "SELECT {5}\r\nINBOX", `CREATE "INBOX/` + strings.Repeat("x/", 200) + `y"`, `CREATE "&AAA-"`, `CREATE ""`, `CREATE /`, `RENAME INBOX INBOX`, `RENAME Sent Sent`,
		`LIST "" "\\["`, `LIST "a" "&-*"`, `LIST "" "` + strings.Repeat("%*", 2000) + `"`, `LIST () "" ()`, `LIST (SPECIAL-USE) "" * RETURN (STATUS (DELETED-STORAGE))`,
		`APPEND INBOX (\Seen \Seen) "99-Foo-2020 00:00:00 +0000" {1+}` + "\r\nx", "APPEND INBOX ~{2+}\r\n\x00\x00", "APPEND INBOX UTF8 (~{2+}\r\nab)", "APPEND INBOX {0+}\r\n", "APPEND INBOX {99999999999999}",
		"STATUS INBOX ()", "STATUS INBOX (MESSAGES MESSAGES)", "IDLE\r\nnot DONE", "ENABLE " + strings.Repeat("X ", 1000), "AUTHENTICATE PLAIN", "UNAUTHENTICATE", "COMPRESS DEFLATE",
		strings.Repeat("X", 60000), "FETCH 1 FLAGS \x00", "\x00", "UID", "UID UID", "",
	} {
		c := w.wire(w.imaps, true)
		c.line()
		c.command("LOGIN ann secret")
		c.command("SELECT INBOX")
		c.SetDeadline(time.Now().Add(10 * time.Second))
		c.send("n " + command + "\r\nt NOOP\r\nt LOGOUT\r\n")
		answer, err := io.ReadAll(c.r)
		if err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("%.60q: no end: %v\n%.300q", command, err, answer)
		}
	}
	if s := w.logged.String(); strings.Contains(s, "panic") {
		t.Error(s[strings.Index(s, "panic"):])
	}
}

func TestHostileSubmissions(t *testing.T) {
	w := newWorld(t, false)
	for _, commands := range []string{
		"DATA", "RCPT TO:<a@b>", "MAIL FROM:<a@b>\r\nDATA", "MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nBDAT", "MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nBDAT -1", "BDAT 5\r\nabcde",
		"MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nBDAT 3\r\nabcMAIL FROM:<c@d>\r\nDATA\r\nRSET\r\nBDAT 0 LAST", "MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n.", "MAIL FROM:<@x,@y:a@b>", "MAIL FROM:a@b",
		"EHLO " + strings.Repeat("x", 5000), strings.Repeat("x", 20000), "STARTTLS", "AUTH PLAIN", "AUTH LOGIN =", "AUTH", "\x00", "MAIL FROM:<\x00@b>", "VRFY ann", "EXPN all", "HELO", "NOOP\nNOOP",
	} {
		c := w.submit()
		c.SetDeadline(time.Now().Add(10 * time.Second))
		c.send(commands + "\r\nQUIT\r\n")
		if answer, err := io.ReadAll(c.r); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("%.60q: no end: %v\n%.300q", commands, err, answer)
		}
	}
	if s := w.logged.String(); strings.Contains(s, "panic") {
		t.Error(s[strings.Index(s, "panic"):])
	}
	for _, m := range w.mailbox.sent {
		if m.text != "" && m.text != "\r\n" {
			t.Errorf("%q was sent", m)
		}
	}
}
