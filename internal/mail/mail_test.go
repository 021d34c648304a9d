package mail_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

func TestMessage(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob", "eve")
	ann, bob, eve := p[1], p[2], p[3]
	sent := ann.sends(t, text("bob", "Lunch", "At noon?"))
	items := bob.has(t, mail.Inbox)
	if len(items) != 1 || items[0].Subject != "Lunch" || items[0].From != `"ann" <ann@friends.example>` || items[0].Text != "At noon?\n" {
		t.Fatalf("bob has %+v", items)
	}
	if got := bob.reads(t, items[0]); !strings.Contains(got, "\r\n\r\nAt noon?\r\n") || !strings.Contains(got, "x-moot=pass") {
		t.Errorf("bob reads %q", got)
	}
	if got := ann.has(t, mail.SentFolder); len(got) != 1 || got[0].ID != sent.ID {
		t.Errorf("ann's sent messages: %+v", got)
	}
	if got := eve.has(t, ""); len(got) != 0 {
		t.Errorf("eve has %+v", got)
	}
	if _, err := eve.Open(t.Context(), sent.ID); moot.KindOf(err) != moot.NotFound {
		t.Errorf("eve opens it: %v", err)
	}
	s.notInTheClear(sent.ID, "Lunch", "noon")
}

// notInTheClear fails if words can be read in a blob or in any entry.
func (s *space) notInTheClear(id moot.BlobID, words ...string) {
	s.t.Helper()
	rc, err := s.node.Get(s.t.Context(), id, moot.Whole)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rc.Close()
	all, err := io.ReadAll(rc)
	if err != nil {
		s.t.Fatal(err)
	}
	for e, err := range s.node.Query(s.t.Context(), moot.Query{History: true}) {
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(append(all, e.Key...), e.Body...)
	}
	for _, w := range words {
		if bytes.Contains(all, []byte(w)) {
			s.t.Errorf("%q is in the clear", w)
		}
	}
}

func TestReceipts(t *testing.T) {
	_, p := gather(t, "owner", "ann", "bob", "eve")
	ann, bob, eve := p[1], p[2], p[3]
	sent := ann.sends(t, text("bob, eve", "Lunch", "At noon?"))
	items := bob.has(t, mail.Inbox)
	if _, err := bob.Change(t.Context(), mail.Change{Folder: mail.Inbox, UID: items[0].UID, Set: []mail.Flag{mail.Seen}}); err != nil {
		t.Fatal(err)
	}
	ann.has(t, mail.SentFolder)
	receipts, err := ann.Receipts(t.Context(), sent.ID)
	if err != nil || len(receipts) != 2 {
		t.Fatalf("%+v, %v", receipts, err)
	}
	for _, r := range receipts {
		wantDelivered, wantRead := r.Reader == bob.Member(), r.Reader == bob.Member()
		if r.Delivered.IsZero() == wantDelivered || r.Read.IsZero() == wantRead {
			t.Errorf("%s: %+v", r.Reader.Short(), r)
		}
	}
	eve.has(t, mail.Inbox)
	bobs, err := eve.Receipts(t.Context(), sent.ID)
	if err != nil || bobs[0].Delivered.IsZero() || !bobs[0].Read.IsZero() {
		t.Errorf("eve sees when bob has read it: %+v, %v", bobs, err)
	}
}

func TestChannel(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	ann, bob := p[1], p[2]
	sent := ann.sends(t, text("#General", "News", "It rains."))
	for _, one := range []*person{p[0], bob, ann} {
		items := one.has(t, "Channels/general")
		if len(items) != 1 || items[0].Channel != "#general" || items[0].Subject != "News" {
			t.Errorf("%s has %+v", one.Member().Short(), items)
		}
	}
	s.notInTheClear(sent.ID, "News", "rains", "eneral")
}

func TestBccIsNotShown(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob", "eve")
	ann, bob, eve := p[1], p[2], p[3]
	ann.sends(t, strings.NewReader("To: bob@friends.example\r\nBcc: eve@moot.alt\r\nSubject: x\r\n\r\nhello\r\n"))
	for _, one := range []*person{bob, eve} {
		items := one.has(t, mail.Inbox)
		if len(items) != 1 {
			t.Fatalf("%d items", len(items))
		}
		if got := one.reads(t, items[0]); strings.Contains(got, "eve") {
			t.Errorf("eve is named: %q", got)
		}
	}
	for e, err := range s.node.Query(t.Context(), moot.Query{Kind: moot.KindMessage}) {
		if err != nil {
			t.Fatal(err)
		}
		b, v := bob.Member(), eve.Member()
		if bytes.Contains(e.Body, b[:]) && bytes.Contains(e.Body, v[:]) {
			t.Error("the announcement names both")
		}
	}
	if got := ann.has(t, mail.SentFolder); len(got) != 1 {
		t.Errorf("ann has %d copies", len(got))
	}
}

func TestForgedSender(t *testing.T) {
	_, p := gather(t, "owner", "ann", "bob", "eve")
	bob, eve := p[2], p[3]
	forged := "From: ann@friends.example\r\n"
	_, err := eve.Send(t.Context(), mail.Outgoing{MIME: io.MultiReader(strings.NewReader(forged), text("bob", "Pay", "me"))})
	if moot.KindOf(err) != moot.Denied {
		t.Errorf("eve writes as ann: %v", err)
	}
	// a modified client does not check From
	if err := eve.Deliver(t.Context(), []string{"bob"}, io.MultiReader(strings.NewReader(forged), text("bob", "Pay", "me"))); err != nil {
		t.Fatal(err)
	}
	if got := bob.has(t, mail.Inbox); len(got) != 0 {
		t.Errorf("in the inbox: %+v", got)
	}
	junk := bob.has(t, mail.JunkFolder)
	if len(junk) != 1 || junk[0].From != `"eve" <eve@friends.example>` || !strings.Contains(bob.reads(t, junk[0]), "x-moot=fail") {
		t.Errorf("junk: %+v", junk)
	}
}

func TestInbound(t *testing.T) {
	_, p := gather(t, "owner", "ann", "eve")
	server, ann, eve := p[0], p[1], p[2]
	outside := func() io.Reader {
		return io.MultiReader(strings.NewReader("From: zoe@elsewhere.example\r\n"), text("ann@friends.example", "Hello", "from afar"))
	}
	if err := server.Deliver(t.Context(), []string{"ann@friends.example"}, outside()); err != nil {
		t.Fatal(err)
	}
	if got := ann.has(t, mail.Inbox); len(got) != 1 || got[0].From != "<zoe@elsewhere.example>" {
		t.Errorf("ann has %+v", got)
	}
	if got := server.has(t, ""); len(got) != 0 {
		t.Errorf("the server stores %+v", got)
	}
	if err := eve.Deliver(t.Context(), []string{"ann"}, outside()); err != nil {
		t.Fatal(err)
	}
	if got := ann.has(t, mail.JunkFolder); len(got) != 1 {
		t.Errorf("eve sends for another domain: %+v", got)
	}
	if err := server.Deliver(t.Context(), []string{"nobody@friends.example"}, outside()); moot.KindOf(err) != moot.NotFound {
		t.Errorf("to an unknown member: %v", err)
	}
}

func TestOutbound(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob", "eve")
	server, ann, eve := p[0], p[1], p[3]
	sent := ann.sends(t, strings.NewReader("From: ann@moot.alt\r\nTo: bob, zoe@elsewhere.example\r\nBcc: yan@elsewhere.example\r\nSubject: x\r\n\r\nhello\r\n"))
	if !slices.Equal(sent.Relayed, []string{"zoe@elsewhere.example", "yan@elsewhere.example"}) {
		t.Errorf("relayed to %q", sent.Relayed)
	}
	if got := server.has(t, ""); len(got) != 0 {
		t.Errorf("the server stores %+v", got)
	}
	if len(s.relayed) != 1 {
		t.Fatalf("%q", s.relayed)
	}
	got := s.relayed[0]
	if !strings.HasPrefix(got, "ann@friends.example\nzoe@elsewhere.example yan@elsewhere.example\n") || !strings.Contains(got, "<ann@friends.example>") ||
		strings.Contains(got, "Moot-Relay") || strings.Contains(got, "Bcc") || !strings.HasSuffix(got, "\r\n\r\nhello\r\n") {
		t.Errorf("%q", got)
	}
	if got := p[2].has(t, mail.Inbox); len(got) != 1 {
		t.Errorf("bob has %+v", got)
	}
	// a modified client makes the server relay a message from ann
	forged := "Moot-Relay: <zoe@elsewhere.example>\r\nFrom: ann@friends.example\r\nTo: zoe@elsewhere.example\r\n\r\npay me\r\n"
	if err := eve.Deliver(t.Context(), []string{"owner"}, strings.NewReader(forged)); err != nil {
		t.Fatal(err)
	}
	if got := server.has(t, mail.Inbox); len(got) != 0 {
		t.Errorf("the server stores %+v", got)
	}
	if len(s.relayed) != 1 {
		t.Errorf("sent in ann's name: %q", s.relayed[1])
	}
	if got := eve.has(t, mail.Inbox); len(got) != 1 || got[0].Subject != "Not sent" {
		t.Errorf("eve has %+v", got)
	}
}
