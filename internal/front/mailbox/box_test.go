package mailbox

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	moots "github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/suite"
)

// accounts authenticates the members of a world by their names.
type accounts struct{ w *suite.World }

func (p accounts) Login(_ context.Context, user, _ string) (moots.Mailbox, error) {
	for i := range 3 {
		if m := p.w.Member(i); m.Name == user {
			return m.Mail(), nil
		}
	}
	return nil, moot.Errorf(moot.Denied, "nobody")
}

// TestArchitectures sends and reads mail with the protocols through every
// architecture, over real stores.
func TestArchitectures(t *testing.T) {
	for architecture := range suite.Architectures() {
		t.Run(architecture, func(t *testing.T) {
			t.Parallel()
			mailOver(t, suite.NewWorld(t, suite.Topology{Store: "sqlite", Link: "tcp", Architecture: architecture, Members: 2}))
		})
	}
}

func mailOver(t *testing.T, sw *suite.World) {
	sw.Alike()
	for i := range 3 {
		sw.Member(i).Mail()
	}
	ctx, cancel := context.WithCancel(t.Context())
	server := New(Config{Accounts: accounts{sw}, Plain: true})
	ended := make(chan error, 2)
	serve := func(f func(context.Context, net.Listener, bool) error) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() { ended <- f(ctx, l, false) }()
		return l.Addr().String()
	}
	w := &world{t: t, imap: serve(server.ServeIMAP), smtp: serve(server.ServeSubmission)}
	defer func() {
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}()

	reader := w.wire(w.imap, false)
	reader.line()
	reader.command("LOGIN bob x")
	reader.command("SELECT INBOX")
	reader.send("a IDLE\r\n")
	reader.until("+ ")

	text := strings.Replace(nested, "ann@moot.test", "ann@moot.alt", 1) + "with " + strings.Repeat("a long end\r\n", 100_000)
	submitAsAnn(w, text)

	reader.until("* 1 EXISTS")
	reader.send("DONE\r\n")
	reader.until("a OK")
	for _, one := range commands() {
		if got := reader.command(one[0]); !strings.Contains(got, one[1]) {
			t.Errorf("%s: %.400s\nwant %s", one[0], got, one[1])
		}
	}
	reader.command("SELECT Archive")
	reader.send("b FETCH 1 (RFC822.SIZE BODY.PEEK[TEXT])\r\n")
	if got := reader.until("b OK"); !strings.Contains(strings.ReplaceAll(got, "\n", "\r\n"), text[strings.Index(text, "\r\n\r\n")+4:]) {
		t.Errorf("the text differs from the one sent: %d bytes", len(got))
	}
	_, _ = io.WriteString(reader, "c LOGOUT\r\n")
}

// commands are IMAP commands, each with a part of its response.
func commands() [][2]string {
	return [][2]string{
		{"SEARCH FROM ann", "* SEARCH 1\n"}, {`SEARCH BODY "deep text" SUBJECT "all of it"`, "* SEARCH 1\n"}, {"SEARCH BODY nothing", "* SEARCH\n"},
		{"FETCH 1 BODY.PEEK[3.1]", "deep text"}, {"FETCH 1 BINARY[2]", "%PDF"}, {"FETCH 1 FLAGS", `\Seen)`}, {`STORE 1 +FLAGS (\Flagged work)`, "work"},
		{"COPY 1 Archive", "[COPYUID "}, {"CREATE Work/2026", "t OK"}, {"MOVE 1 Work/2026", "* 1 EXPUNGE"}, {"SELECT Work/2026", "* 1 EXISTS"},
		{`FETCH 1 (FLAGS UID)`, `\Flagged`}, {"RENAME Work Play", "t OK"}, {`LIST "" *`, `"Play/2026"`}, {"SELECT Play/2026", "* 1 EXISTS"},
		{`STORE 1 +FLAGS.SILENT (\Deleted)`, "t OK"}, {"STATUS Play/2026 (DELETED)", "DELETED 1"}, {"EXPUNGE", "* 1 EXPUNGE"},
		{"APPEND Drafts (\\Draft) \"03-Feb-2020 04:05:06 +0100\" {32+}\r\nSubject: draft\r\n\r\nnot yet done\r\n", "[APPENDUID "},
		{"SELECT Drafts", "* 1 EXISTS"}, {"FETCH 1 FLAGS", `\Draft)`}, {"DELETE Play/2026", "t OK"}, {"DELETE Drafts", "t NO [NOPERM]"},
	}
}

// submitAsAnn submits a message to an unknown member, then a text to bob.
func submitAsAnn(w *world, text string) {
	sender := w.wire(w.smtp, false)
	sender.reply("", "220")
	sender.reply("EHLO me", "250")
	sender.reply("AUTH LOGIN", "334")
	sender.reply("YW5u", "334") // ann
	sender.reply("eA==", "235")
	sender.reply("MAIL FROM:<x@y>", "250")
	sender.reply("RCPT TO:<nosuch@moot.alt>", "250")
	sender.reply("DATA", "354")
	sender.reply("Subject: nobody\r\n\r\nx\r\n.", "550 5.1.1")
	sender.reply("MAIL FROM:<x@y>", "250")
	sender.reply("RCPT TO:<bob@moot.alt>", "250")
	sender.reply("DATA", "354")
	sender.reply(text+".", "250")
}
