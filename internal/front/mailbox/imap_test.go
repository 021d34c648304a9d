package mailbox

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"

	moots "github.com/mootspace/moot/internal/mail"
)

var hello = crlf("From: Ann Lee <ann@moot.test>", "To: Bob <bob@moot.test>", "Cc: Cy <cy@moot.test>",
	"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from the lake", "Date: Sun, 1 Mar 2026 23:30:00 -0800", "Message-ID: <one@moot.test>",
	"Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable", "", "The w=61ter is cold.", "Bring tea.")

func TestLogins(t *testing.T) {
	w := newWorld(t, false)
	c, err := imapclient.DialStartTLS(w.imap, &imapclient.Options{TLSConfig: w.client})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Authenticate(sasl.NewPlainClient("", "ann", "secret")); err != nil {
		t.Error("AUTHENTICATE PLAIN after STARTTLS:", err)
	}
	w.dial(nil) // LOGIN with implicit TLS

	bare := w.wire(w.imap, false)
	if got := bare.until("* "); !strings.Contains(got, "LOGINDISABLED") || strings.Contains(got, "AUTH=") {
		t.Errorf("greeting without TLS offers logins: %s", got)
	}
	for _, command := range []string{"LOGIN ann secret", "AUTHENTICATE PLAIN AGFubgBzZWNyZXQ="} {
		if got := bare.command(command); !strings.HasPrefix(got, "t NO [PRIVACYREQUIRED]") {
			t.Errorf("%s without TLS: %s", command, got)
		}
	}
	wrong := w.wire(w.imaps, true)
	wrong.line()
	if got := wrong.command("LOGIN ann wrong"); got != "t NO [AUTHENTICATIONFAILED] Wrong name or password" {
		t.Errorf("wrong password: %s", got)
	}
	if got := wrong.command("LOGIN down x"); !strings.HasPrefix(got, "t NO [UNAVAILABLE]") || strings.Contains(got, "disk") {
		t.Errorf("no passwords: %s", got)
	}
	if got := wrong.command(`SELECT INBOX`); !strings.HasPrefix(got, "t BAD") {
		t.Errorf("SELECT before a login: %s", got)
	}
}

func TestPlainOnlyIfAllowed(t *testing.T) {
	w := newWorld(t, true)
	c := w.wire(w.imap, false)
	c.line()
	if got := c.command("LOGIN ann secret"); !strings.Contains(got, "t OK [CAPABILITY IMAP4rev2 IMAP4rev1") {
		t.Errorf("login without TLS where it is allowed: %s", got)
	}
}

// TestInjection sends a command along with STARTTLS: it must not be executed after the
// handshake.
func TestInjection(t *testing.T) {
	w := newWorld(t, false)
	c := w.wire(w.imap, false)
	c.line()
	c.send("a STARTTLS\r\nb NOOP\r\n")
	if got := c.until("a "); !strings.HasPrefix(got, "a OK") {
		t.Fatal(got)
	}
	if rest, _ := io.ReadAll(c.r); bytes.Contains(rest, []byte("b OK")) {
		t.Errorf("a command from before TLS was answered: %q", rest)
	}
}

func TestFolders(t *testing.T) {
	w := newWorld(t, false)
	c := w.dial(nil)
	for _, name := range []string{"Work", "Work/2026", "Grüße & ☕"} {
		if err := c.Create(name, nil).Wait(); err != nil {
			t.Errorf("create %s: %v", name, err)
		}
	}
	names := func(pattern string, o *imap.ListOptions) (list []string) {
		all, err := c.List("", pattern, o).Collect()
		if err != nil {
			t.Errorf("list %s: %v", pattern, err)
		}
		for _, d := range all {
			list = append(list, d.Mailbox)
		}
		return list
	}
	if got, want := names("*", nil), []string{"INBOX", "Channels", "Channels/general", "Drafts", "Grüße & ☕", "Sent", "Trash", "Work", "Work/2026"}; !slices.Equal(got, want) {
		t.Errorf("all folders: %q", got)
	}
	if got, want := names("%", nil), []string{"INBOX", "Channels", "Drafts", "Grüße & ☕", "Sent", "Trash", "Work"}; !slices.Equal(got, want) {
		t.Errorf("folders at the top: %q", got)
	}
	if got := names("inbox", nil); !slices.Equal(got, []string{"INBOX"}) {
		t.Errorf("inbox in small letters: %q", got)
	}
	if got := names("*", &imap.ListOptions{SelectSpecialUse: true}); !slices.Equal(got, []string{"Drafts", "Sent", "Trash"}) {
		t.Errorf("special use: %q", got)
	}
	if err := c.Rename("Work", "Labour", nil).Wait(); err != nil {
		t.Error(err)
	}
	if got := names("Labour*", nil); !slices.Equal(got, []string{"Labour", "Labour/2026"}) {
		t.Errorf("renamed with what is below: %q", got)
	}
	w.put(hello)
	if err := c.Rename("INBOX", "Old", nil).Wait(); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]uint32{"INBOX": 0, "Old": 1} {
		if d, err := c.Status(name, &imap.StatusOptions{NumMessages: true}).Wait(); err != nil || *d.NumMessages != want {
			t.Errorf("%s after its rename: %v %v", name, d, err)
		}
	}
	if err := c.Delete("Labour").Wait(); err != nil {
		t.Error(err)
	}
	if got := names("Labour*", nil); !slices.Equal(got, []string{"Labour", "Labour/2026"}) {
		t.Errorf("deleted, with a folder below: %q", got)
	}
}

func TestFolderErrors(t *testing.T) {
	w := newWorld(t, false)
	c := w.wire(w.imaps, true)
	c.line()
	c.command("LOGIN ann secret")
	for command, want := range map[string]string{
		"CREATE INBOX":                       "NO [ALREADYEXISTS]",
		`CREATE "a//b"`:                      "NO [CANNOT]",
		`CREATE "a*"`:                        "NO [CANNOT]",
		"CREATE " + strings.Repeat("x", 600): "NO [LIMIT]",
		"CREATE x (USE (\\Sent))":            "NO [USEATTR]",
		"DELETE nosuch":                      "NO [NONEXISTENT]",
		"DELETE Sent":                        "NO [NOPERM]",
		"RENAME nosuch x":                    "NO [NONEXISTENT]",
		"RENAME INBOX Sent":                  "NO [ALREADYEXISTS]",
		"SELECT nosuch":                      "NO [NONEXISTENT]",
		"SUBSCRIBE nosuch":                   "NO [NONEXISTENT]",
		"SUBSCRIBE Sent":                     "OK",
		"UNSUBSCRIBE Sent":                   "OK",
		"UNSUBSCRIBE nosuch":                 "OK",
		"STATUS nosuch (MESSAGES)":           "NO [NONEXISTENT]",
		"STATUS INBOX (DELETED-STORAGE)":     "BAD",
		"APPEND nosuch {3+}\r\nabc":          "NO [TRYCREATE]",
		"FETCH 1 FLAGS":                      "BAD",
		"LIST \"\" (" + strings.Repeat("*a* ", 3000) + "x)": "NO [LIMIT]",
	} {
		if got := c.command(command); !strings.HasPrefix(got, "t "+want) {
			t.Errorf("%.40s: %s, want %s", command, got, want)
		}
	}
}

func TestListOptions(t *testing.T) {
	w := newWorld(t, false)
	w.put(hello, hello+"x")
	c := w.wire(w.imaps, true)
	c.line()
	c.command("LOGIN ann secret")
	for command, want := range map[string]string{
		`LIST "" ""`:   `* LIST (\Noselect) "/" ""`,
		`LIST "" Sent`: `* LIST (\Subscribed \Sent \HasNoChildren) "/" "Sent"`,
		`LIST "" %`:    `* LIST (\NonExistent \Noselect \HasChildren) "/" "Channels"`,
		`LSUB "" Sent`: `* LSUB (\Subscribed \Sent \HasNoChildren) "/" "Sent"`,
		`LIST (SUBSCRIBED RECURSIVEMATCH) "" Chan%`:                                                 `"Channels" (CHILDINFO ("SUBSCRIBED"))`,
		`LIST "" (INB% Sent) RETURN (SUBSCRIBED STATUS (MESSAGES UNSEEN SIZE DELETED APPENDLIMIT))`: `* STATUS INBOX (MESSAGES 2 UNSEEN 2 DELETED 0 SIZE `,
		`NAMESPACE`:  `* NAMESPACE (("" "/")) NIL NIL`,
		`CAPABILITY`: ` APPENDLIMIT=8388608`,
		`STATUS INBOX (UIDNEXT UIDVALIDITY RECENT)`: `* STATUS INBOX (UIDNEXT 3 UIDVALIDITY 2 RECENT 0)`,
	} {
		if got := c.command(command); !strings.Contains(got, want) {
			t.Errorf("%s: %s\nwant %s", command, got, want)
		}
	}
}

func TestAppend(t *testing.T) {
	w := newWorld(t, false)
	c := w.dial(nil)
	at := time.Date(2020, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600))
	a := c.Append("Drafts", int64(len(hello)), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagDraft, "$Later"}, Time: at})
	if _, err := io.WriteString(a, hello); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := a.Wait()
	if err != nil || data.UID != 1 || data.UIDValidity == 0 {
		t.Fatalf("append: %+v %v", data, err)
	}
	s, err := c.Select("Drafts", nil).Wait()
	if err != nil || s.NumMessages != 1 || s.UIDValidity != data.UIDValidity || !slices.Contains(s.Flags, "$Later") {
		t.Fatalf("select: %+v %v", s, err)
	}
	got, err := c.Fetch(imap.SeqSetNum(1), &imap.FetchOptions{Flags: true, InternalDate: true, RFC822Size: true, UID: true}).Collect()
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if m := got[0]; !m.InternalDate.Equal(at) || m.RFC822Size != int64(len(hello)) || m.UID != 1 || !slices.Equal(m.Flags, []imap.Flag{imap.FlagDraft, "$Later"}) {
		t.Errorf("appended: %+v", m)
	}
	big := w.wire(w.imaps, true)
	big.line()
	big.command("LOGIN ann secret")
	if got := big.command("APPEND Drafts {9000000}"); !strings.HasPrefix(got, "t NO [TOOBIG]") {
		t.Errorf("too big: %s", got)
	}
}

// TestTruncatedAppend breaks the connection within a message: no part of it may be
// stored.
func TestTruncatedAppend(t *testing.T) {
	w := newWorld(t, false)
	c := w.wire(w.imaps, true)
	c.line()
	c.command("LOGIN ann secret")
	c.send("a APPEND INBOX {1000}\r\n")
	c.until("+ ")
	c.send("From: ann@moot.test\r\n\r\nhalf of")
	c.Close()
	w.stop()
	if n := len(w.mailbox.at(moots.Inbox).items); n != 0 {
		t.Errorf("%d messages were stored from a broken connection", n)
	}
}
