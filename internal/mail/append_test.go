package mail_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/seal"
)

func (p *person) saves(t *testing.T, folder, text string, flags ...mail.Flag) mail.Item {
	t.Helper()
	it, err := p.Save(t.Context(), folder, flags, time.Time{}, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return it
}

// TestSavedStays: what is saved is read as it was, without a time it came now, and what
// looks like a message to relay is relayed to nobody.
func TestSavedStays(t *testing.T) {
	s, p := gather(t, "owner", "ann")
	for _, text := range []string{
		"From: x@else.test\r\nSubject: a\r\n\r\nbody\r\n", "Subject: no end", "\r\n\r\n", "Moot-Relay: <x@else.test>\r\nFrom: owner\r\n\r\nhi\r\n",
		"bare\nline\rends \x00\xff\n",
	} {
		it := p[0].saves(t, "Work", text)
		if got := p[0].reads(t, it); got != text {
			t.Errorf("%q is read as %q", text, got)
		}
		if age := time.Since(it.Arrived); age < 0 || age > time.Minute {
			t.Errorf("it arrived %v", it.Arrived)
		}
	}
	if len(s.relayed) > 0 {
		t.Errorf("relayed: %q", s.relayed)
	}
	old := time.Date(1969, 1, 2, 3, 4, 5, 0, time.UTC)
	it, err := p[0].Save(t.Context(), "Work", []mail.Flag{"$x", mail.Flagged}, old, strings.NewReader("Subject: old\r\n\r\n"))
	if err != nil || !it.Arrived.Equal(old) || len(it.Flags) != 2 {
		t.Errorf("%+v %v", it, err)
	}
}

const memo = "From: ann@friends.example\r\nTo: bob@friends.example\r\nSubject: Memo\r\nMessage-ID: <memo@x.test>\r\nDate: Sun, 1 Mar 2026 12:00:00 +0000\r\n"

// TestSentOnce: what was submitted and what the program files of it are one message, in
// either order; what differs stays.
func TestSentOnce(t *testing.T) {
	_, p := gather(t, "owner", "ann", "bob")
	ann := p[1]
	sent := ann.sends(t, strings.NewReader(memo+"\r\nHi\r\n"))
	if it := ann.saves(t, mail.SentFolder, memo+"\r\nHi\r\n", mail.Seen, mail.Answered); it.ID != sent.ID || len(it.Flags) != 2 {
		t.Errorf("the program's copy is %+v, sent was %v", it, sent.ID)
	}
	if n := len(ann.has(t, mail.SentFolder)); n != 1 {
		t.Errorf("%d messages in Sent", n)
	}
	for _, other := range []string{memo + "\r\nHi!\r\n", memo + "X-Note: mine\r\n\r\nHi\r\n", strings.Replace(memo, "Memo", "Mem", 1) + "\r\nHi\r\n"} {
		if it := ann.saves(t, mail.SentFolder, other); it.ID == sent.ID || ann.reads(t, it) != other {
			t.Errorf("%q was joined", other)
		}
	}
	if n := len(ann.has(t, mail.SentFolder)); n != 4 {
		t.Errorf("%d messages in Sent", n)
	}
}

func TestSentOnceInEitherOrder(t *testing.T) {
	_, p := gather(t, "owner", "ann", "bob")
	ann := p[1]
	copied := ann.saves(t, mail.SentFolder, memo+"\r\nHi\r\n", mail.Seen, mail.Flagged)
	sent := ann.sends(t, strings.NewReader(memo+"\r\nHi\r\n"))
	got := ann.has(t, mail.SentFolder)
	if len(got) != 1 || got[0].ID != sent.ID || got[0].ID == copied.ID || len(got[0].Flags) != 2 {
		t.Errorf("in Sent: %+v", got)
	}
	if n := len(p[2].has(t, mail.Inbox)); n != 1 {
		t.Errorf("bob has %d messages", n)
	}
}

// TestBccStays: the program's copy, which says who got Bcc copies, is the one that stays.
func TestBccStays(t *testing.T) {
	for _, first := range []string{"submitted", "filed", "only bcc"} {
		_, p := gather(t, "owner", "ann", "bob", "cy")
		ann, text := p[1], memo+"Bcc: cy@friends.example\r\n\r\nHi\r\n"
		if first == "only bcc" {
			text = strings.Replace(text, "To: bob@friends.example\r\n", "", 1)
		}
		if first == "filed" {
			ann.saves(t, mail.SentFolder, text)
		}
		ann.sends(t, strings.NewReader(text))
		if first != "filed" {
			ann.saves(t, mail.SentFolder, text)
		}
		if got := ann.has(t, mail.SentFolder); len(got) != 1 || ann.reads(t, got[0]) != text {
			t.Errorf("first %s: %d messages in Sent", first, len(got))
		}
		if n := len(p[3].has(t, mail.Inbox)); n != 1 {
			t.Errorf("first %s: cy has %d messages", first, n)
		}
	}
}

// TestSubscriptions: they are the same on all devices of a member, and nobody can read them.
func TestSubscriptions(t *testing.T) {
	s, p := gather(t, "owner", "ann")
	keys := []seal.Mailbox{seal.NewMailbox()}
	laptop, phone := s.device(p[1], boxes(&keys)), s.device(p[1], boxes(&keys))
	s.roster.start(p[1].Member(), keys[0])
	for folder, on := range map[string]bool{"Work": true, "Channels/general": false} {
		if err := laptop.Subscribe(t.Context(), folder, on); err != nil {
			t.Fatal(err)
		}
	}
	for _, device := range []*person{laptop, phone} {
		if err := device.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := device.Subscriptions(t.Context())
		if on, ok := got["Channels/general"]; err != nil || len(got) != 2 || !got["Work"] || on || !ok {
			t.Errorf("subscriptions: %v %v", got, err)
		}
	}
	if err := phone.Subscribe(t.Context(), "Work", false); err != nil {
		t.Fatal(err)
	}
	if err := laptop.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := laptop.Subscriptions(t.Context()); got["Work"] {
		t.Error("the laptop does not follow")
	}
	s.notInTheClear(laptop.saves(t, "x", "Subject: x\r\n\r\n").ID, "Channels/general")
}
