package mailbox

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/mootspace/moot"
	moots "github.com/mootspace/moot/internal/mail"
)

// nested has alternatives, an attachment and a message within.
var nested = crlf("From: Ann <ann@moot.test>", "To: bob@moot.test", "Subject: all of it", "Mime-Version: 1.0",
	"Content-Type: multipart/mixed; boundary=out", "", "preamble", "--out",
	"Content-Type: multipart/alternative; boundary=\"in ner\"", "", "--in ner", "Content-Type: text/plain", "", "plain", "words",
	"--in ner  ", "Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: base64", "", "PGI+Ym9sZDwv", "Yj4=", "--in ner--", "",
	"--out", "Content-Type: application/pdf; name*=utf-8''gr%C3%BC%C3%9Fe.pdf", "Content-Disposition: attachment; filename=x.pdf",
	"Content-Transfer-Encoding: base64", "Content-ID: <pdf@moot.test>", "", "JVBERg==",
	"--out", "Content-Type: message/rfc822", "", "From: cy@moot.test", "Subject: inner", "Content-Type: multipart/mixed; boundary=deep", "",
	"--deep", "", "deep text", "--deep--", "--out--", "epilogue")

func TestSections(t *testing.T) {
	w := newWorld(t, false)
	w.put(nested, hello)
	c := w.dial(nil)
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	head := strings.Index(nested, "\r\n\r\n") + 4
	between := func(from, to string) string {
		i := strings.Index(nested, from)
		return nested[i : i+strings.Index(nested[i:], to)]
	}
	inner := between("From: cy", "\r\n--out--")
	for _, one := range []struct {
		item imap.FetchItemBodySection
		want string
	}{
		{imap.FetchItemBodySection{}, nested},
		{imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader}, nested[:head]},
		{imap.FetchItemBodySection{Specifier: imap.PartSpecifierText}, nested[head:]},
		{imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, HeaderFields: []string{"SUBJECT", "x-none", "From"}},
			"From: Ann <ann@moot.test>\r\nSubject: all of it\r\n\r\n"},
		{imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, HeaderFieldsNot: []string{"from", "to", "content-type"}},
			"Subject: all of it\r\nMime-Version: 1.0\r\n\r\n"},
		{imap.FetchItemBodySection{Part: []int{1}}, between("--in ner\r\n", "\r\n--out\r\nContent-Type: application")},
		{imap.FetchItemBodySection{Part: []int{1, 1}}, "plain\r\nwords"},
		{imap.FetchItemBodySection{Part: []int{1, 1}, Specifier: imap.PartSpecifierMIME}, "Content-Type: text/plain\r\n\r\n"},
		{imap.FetchItemBodySection{Part: []int{1, 2}, Partial: &imap.SectionPartial{Offset: 2, Size: 3}}, "I+Y"},
		{imap.FetchItemBodySection{Part: []int{2}}, "JVBERg=="},
		{imap.FetchItemBodySection{Part: []int{3}}, inner},
		{imap.FetchItemBodySection{Part: []int{3}, Specifier: imap.PartSpecifierHeader}, inner[:strings.Index(inner, "\r\n\r\n")+4]},
		{imap.FetchItemBodySection{Part: []int{3}, Specifier: imap.PartSpecifierText}, inner[strings.Index(inner, "\r\n\r\n")+4:]},
		{imap.FetchItemBodySection{Part: []int{3}, Specifier: imap.PartSpecifierHeader, HeaderFields: []string{"Subject"}}, "Subject: inner\r\n\r\n"},
		{imap.FetchItemBodySection{Part: []int{3, 1}}, "deep text"},
		{imap.FetchItemBodySection{Part: []int{3, 1, 1}}, ""},
		{imap.FetchItemBodySection{Part: []int{4}}, ""},
		{imap.FetchItemBodySection{Partial: &imap.SectionPartial{Offset: 1 << 40, Size: 3}}, ""},
		{imap.FetchItemBodySection{Partial: &imap.SectionPartial{Offset: int64(len(nested)) - 4, Size: 1 << 60}}, nested[len(nested)-4:]},
	} {
		one.item.Peek = true
		got, err := c.Fetch(imap.SeqSetNum(1), &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{&one.item}}).Collect()
		if err != nil || len(got) != 1 || len(got[0].BodySection) != 1 {
			t.Fatalf("%+v: %v %v", one.item, got, err)
		}
		if b := string(got[0].BodySection[0].Bytes); b != one.want {
			t.Errorf("%+v: %q, want %q", one.item, b, one.want)
		}
	}
	got, err := c.Fetch(imap.SeqSetNum(1), &imap.FetchOptions{
		BinarySection:     []*imap.FetchItemBinarySection{{Part: []int{1, 2}, Peek: true}, {Part: []int{2}, Peek: true}},
		BinarySectionSize: []*imap.FetchItemBinarySectionSize{{Part: []int{1, 2}}},
	}).Collect()
	if err != nil || len(got) != 1 || len(got[0].BinarySection) != 2 {
		t.Fatal(got, err)
	}
	if a, b := string(got[0].BinarySection[0].Bytes), string(got[0].BinarySection[1].Bytes); a != "<b>bold</b>" || b != "%PDF" || got[0].BinarySectionSize[0].Size != 11 {
		t.Errorf("decoded: %q %q %v", a, b, got[0].BinarySectionSize)
	}
}

func TestEnvelopeAndStructure(t *testing.T) {
	w := newWorld(t, false)
	w.put(hello, nested, crlf("From: broken <a@b, Cy <cy@moot.test>", "To: undisclosed-recipients:;", "Subject: =?x-no?q?a?=", "not a field", "", "x"))
	c := w.dial(nil)
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	got, err := c.Fetch(imap.SeqSet{{Start: 1, Stop: 0}}, &imap.FetchOptions{Envelope: true, BodyStructure: &imap.FetchItemBodyStructure{Extended: true}}).Collect()
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	e := got[0].Envelope
	if e.Subject != "Grüße from the lake" || e.From[0] != (imap.Address{Name: "Ann Lee", Mailbox: "ann", Host: "moot.test"}) ||
		e.Cc[0].Addr() != "cy@moot.test" || e.MessageID != "one@moot.test" || !e.Date.Equal(time.Date(2026, 3, 2, 7, 30, 0, 0, time.UTC)) {
		t.Errorf("envelope: %+v", e)
	}
	if e := got[2].Envelope; len(e.From) != 2 || e.From[0].Addr() != "a@b" || e.From[1].Addr() != "cy@moot.test" {
		t.Errorf("envelope of a damaged message: %+v", e)
	}
	var kinds []string
	got[1].BodyStructure.Walk(func(path []int, p imap.BodyStructure) bool {
		kinds = append(kinds, fmt.Sprint(path, p.MediaType()))
		return true
	})
	if want := []string{"[]multipart/mixed", "[1]multipart/alternative", "[1 1]text/plain", "[1 2]text/html", "[2]application/pdf", "[3]message/rfc822"}; !slices.Equal(kinds, want) {
		t.Errorf("structure: %q", kinds)
	}
	parts := got[1].BodyStructure.(*imap.BodyStructureMultiPart).Children
	pdf := parts[1].(*imap.BodyStructureSinglePart)
	if pdf.ID != "<pdf@moot.test>" || pdf.Encoding != "base64" || pdf.Size != 8 || pdf.Params["name*"] != "utf-8''gr%C3%BC%C3%9Fe.pdf" || pdf.Disposition().Params["filename"] != "x.pdf" {
		t.Errorf("attachment: %+v", pdf)
	}
	inner := parts[2].(*imap.BodyStructureSinglePart).MessageRFC822
	if inner.Envelope.Subject != "inner" || inner.BodyStructure.MediaType() != "multipart/mixed" || inner.NumLines != 7 {
		t.Errorf("message within: %+v", inner)
	}
	plain := parts[0].(*imap.BodyStructureMultiPart).Children[0].(*imap.BodyStructureSinglePart)
	if plain.Text.NumLines != 1 || plain.Size != 12 {
		t.Errorf("text: %+v %+v", plain, plain.Text)
	}
}

func TestSeen(t *testing.T) {
	w := newWorld(t, false)
	w.put(hello, hello+"2")
	c := w.wire(w.imaps, true)
	c.line()
	c.command("LOGIN ann secret")
	const seen = `* 1 FETCH (UID 1 FLAGS (\Seen))`
	for _, one := range []struct {
		command string
		marks   bool
	}{
		{"EXAMINE INBOX", false}, {"FETCH 1 BODY[]", false}, {"SELECT INBOX", false},
		{"FETCH 1 (BODY.PEEK[] RFC822.HEADER BINARY.SIZE[1] ENVELOPE)", false}, {"FETCH 1 RFC822.TEXT", true}, {"FETCH 1 RFC822.TEXT", false},
		{`STORE 1 FLAGS.SILENT ()`, false}, {"UID FETCH 1 BINARY[1]", true},
	} {
		if got := c.command(one.command); !strings.Contains(got, "t OK") || strings.Contains(got, seen) != one.marks {
			t.Errorf("%s: %s", one.command, got)
		}
	}
	if got := c.command("STATUS INBOX (UNSEEN)"); !strings.Contains(got, "(UNSEEN 1)") {
		t.Error(got)
	}
}

// TestBig fetches a message that is larger than the buffer in pieces, as mail programs
// do: a piece must not cost the whole message.
func TestBig(t *testing.T) {
	w := newWorld(t, false)
	body := strings.Repeat(strings.Repeat("x", 74)+"\r\n", 6<<20/76)
	big := crlf("Subject: big", "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "first", "--b", "Content-Type: application/x", "") + body + "--b--\r\n"
	w.put(big)
	c := w.dial(nil)
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	msgs, err := c.Fetch(imap.SeqSetNum(1), &imap.FetchOptions{Envelope: true, BodySection: []*imap.FetchItemBodySection{{Peek: true, Specifier: imap.PartSpecifierHeader}}}).Collect()
	if err != nil || msgs[0].Envelope.Subject != "big" {
		t.Fatal(msgs, err)
	}
	if n := w.mailbox.read.Load(); n > 64<<10 {
		t.Errorf("for the header %d bytes were read", n)
	}
	w.mailbox.read.Store(0)
	var got bytes.Buffer
	const piece = 100 << 10
	for got.Len() < len(big) {
		msgs, err := c.Fetch(imap.SeqSetNum(1), &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{
			{Peek: true, Partial: &imap.SectionPartial{Offset: int64(got.Len()), Size: piece}},
		}}).Collect()
		if err != nil {
			t.Fatal(err)
		}
		got.Write(msgs[0].BodySection[0].Bytes)
	}
	if got.String() != big {
		t.Error("the pieces are not the message")
	}
	if n := w.mailbox.read.Load(); n > int64(len(big)) {
		t.Errorf("for %d bytes in order %d were read", len(big), n)
	}
	msgs, err = c.Fetch(imap.SeqSetNum(1), &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{{Part: []int{2}, Peek: true}, {Part: []int{1}, Peek: true}}}).Collect()
	if err != nil || len(msgs[0].BodySection) != 2 || string(msgs[0].BodySection[0].Bytes) != strings.TrimSuffix(body, "\r\n") || string(msgs[0].BodySection[1].Bytes) != "first" {
		t.Error("parts of a big message:", err)
	}
}

func TestUnreadable(t *testing.T) {
	w := newWorld(t, false)
	w.put(hello, hello+"2", hello+"3")
	c := w.dial(nil)
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	delete(w.mailbox.texts, w.mailbox.at(moots.Inbox).items[1].ID)
	all := &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{{Peek: true}}}
	got, err := c.Fetch(imap.SeqSet{{Start: 1, Stop: 0}}, all).Collect()
	if len(got) != 2 || err == nil || !strings.Contains(err.Error(), "EXPUNGEISSUED") {
		t.Errorf("one is gone: %d messages, %v", len(got), err)
	}
	w.mailbox.openErr = moot.Errorf(moot.Unavailable, "nobody has it: try again when bob is there")
	got, err = c.Fetch(imap.SeqSet{{Start: 1, Stop: 0}}, all).Collect()
	if len(got) != 2 || err == nil || !strings.Contains(err.Error(), "UNAVAILABLE") || !strings.Contains(err.Error(), "try again when bob is there") {
		t.Errorf("one is unavailable: %d messages, %v", len(got), err)
	}
}

// TestTruncatedMessage ends a message before its announced length: the client must not
// parse the rest of the session as the message.
func TestTruncatedMessage(t *testing.T) {
	w := newWorld(t, false)
	w.put(hello + strings.Repeat("y", 3<<20))
	w.mailbox.truncate = true
	c := w.wire(w.imaps, true)
	c.line()
	c.command("LOGIN ann secret")
	c.command("SELECT INBOX")
	c.send("a FETCH 1 BODY[]\r\n")
	rest, err := io.ReadAll(c.r)
	if bytes.Contains(rest, []byte("\na ")) || len(rest) < 1<<20 {
		t.Errorf("%d bytes, %v, end with %q", len(rest), err, rest[max(0, len(rest)-40):])
	}
}
