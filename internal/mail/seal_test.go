package mail_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

// probe is a node that counts reads of blobs and can refuse a write.
type probe struct {
	moot.Node
	gets, puts atomic.Int64
	refuse     int64 // number of the Put to refuse; 0: none
}

func (p *probe) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	p.gets.Add(1)
	return p.Node.Get(ctx, id, r)
}

func (p *probe) Put(ctx context.Context, r io.Reader) (moot.Blob, error) {
	if p.puts.Add(1) == p.refuse {
		return moot.Blob{}, moot.Errorf(moot.Full, "refused")
	}
	return p.Node.Put(ctx, r)
}

// bccMessage has members m1 … mn in Bcc and a body of many chunks of the seal.
func bccMessage(n int) (mime, body string) {
	var bcc []string
	for i := range n {
		bcc = append(bcc, fmt.Sprintf("m%d@moot.alt", i+1))
	}
	body = strings.Repeat("0123456789abcdef\r\n", 20_000)
	return "To: bob@moot.alt\r\nBcc: " + strings.Join(bcc, ", ") + "\r\nSubject: x\r\n\r\n" + body, body
}

func TestBccIsSealedInOnePass(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob", "m1", "m2", "m3")
	node := &probe{Node: s.node}
	cfg := s.config(p[1].key, p[1].writer)
	cfg.Node = node
	mime, body := bccMessage(3)
	mime = "Cc: zoe@elsewhere.example\r\n" + mime
	sent, err := s.account(cfg).Send(t.Context(), mail.Outgoing{MIME: strings.NewReader(mime)})
	if err != nil || len(sent.Members) != 4 || len(sent.Relayed) != 1 {
		t.Fatalf("%+v, %v", sent, err)
	}
	if gets, puts := node.gets.Load(), node.puts.Load(); gets != 0 || puts != 5 {
		t.Errorf("%d reads of sealed blobs and %d writes; want 0 and 5", gets, puts)
	}
	for _, one := range p[2:] {
		items := one.has(t, mail.Inbox)
		if len(items) != 1 || !strings.HasSuffix(one.reads(t, items[0]), "\r\n\r\n"+body) {
			t.Errorf("%s has %d messages, or another text", one.Member().Short(), len(items))
		}
	}
	p[0].has(t, "")
	if len(s.relayed) != 1 || !strings.HasSuffix(s.relayed[0], "\r\n\r\n"+body) {
		t.Errorf("%d messages relayed, or another text", len(s.relayed))
	}
}

func TestManyBccCopies(t *testing.T) {
	names := []string{"owner", "ann", "bob"}
	for i := range 18 {
		names = append(names, fmt.Sprintf("m%d", i+1))
	}
	s, p := gather(t, names...)
	node := &probe{Node: s.node}
	cfg := s.config(p[1].key, p[1].writer)
	cfg.Node = node
	mime, body := bccMessage(18)
	if _, err := s.account(cfg).Send(t.Context(), mail.Outgoing{MIME: strings.NewReader(mime)}); err != nil {
		t.Fatal(err)
	}
	if gets := node.gets.Load(); gets != 1 {
		t.Errorf("%d reads of sealed blobs for 19 copies; want 1", gets)
	}
	for _, one := range p[2:] {
		items := one.has(t, mail.Inbox)
		if len(items) != 1 || !strings.HasSuffix(one.reads(t, items[0]), "\r\n\r\n"+body) {
			t.Errorf("%s has %d messages, or another text", one.Member().Short(), len(items))
		}
	}
}

func TestRefusedCopyAnnouncesNothing(t *testing.T) {
	for refuse := range int64(4) {
		s, p := gather(t, "owner", "ann", "bob", "m1", "m2", "m3")
		cfg := s.config(p[1].key, p[1].writer)
		cfg.Node = &probe{Node: s.node, refuse: refuse + 1}
		mime, _ := bccMessage(3)
		if _, err := s.account(cfg).Send(t.Context(), mail.Outgoing{MIME: strings.NewReader(mime)}); moot.KindOf(err) != moot.Full {
			t.Errorf("copy %d refused: %v", refuse, err)
		}
		for e := range s.node.Query(t.Context(), moot.Query{Kind: moot.KindMessage}) {
			t.Errorf("copy %d refused, and %s is announced", refuse, e.Key)
		}
	}
}

func TestMirrorHoldsOwnMessages(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	mirror := s.store(nil)
	cfg := s.config(p[1].key, p[1].writer)
	cfg.Mirror = mirror
	ann := s.account(cfg)
	sent, err := ann.Send(t.Context(), mail.Outgoing{MIME: text("bob", "x", "mirrored")})
	if err != nil {
		t.Fatal(err)
	}
	if h, err := mirror.Have(t.Context(), sent.ID); err != nil || !h.Complete() {
		t.Errorf("the mirror has %+v, %v", h, err)
	}
	if err := ann.Deliver(t.Context(), []string{"bob"}, text("bob", "x", "not ann's")); err != nil {
		t.Fatal(err)
	}
	for _, it := range p[2].has(t, "") {
		if h, err := mirror.Have(t.Context(), it.ID); (err == nil) != (it.ID == sent.ID) {
			t.Errorf("%q: the mirror has %+v, %v", it.Subject, h, err)
		}
	}
	if err := mirror.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ann.Send(t.Context(), mail.Outgoing{MIME: text("bob", "x", "lost")}); err == nil {
		t.Error("sent without a mirror")
	}
}

func TestFullMailbox(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob", "m1")
	cfg := s.config(p[1].key, p[1].writer)
	var checked []moot.MemberID
	cfg.Quota = func(_ context.Context, to []moot.MemberID, size int64) error {
		checked = append(checked, to...)
		return moot.Errorf(moot.Full, "%d bytes are too many", size)
	}
	mime, _ := bccMessage(1)
	if _, err := s.account(cfg).Send(t.Context(), mail.Outgoing{MIME: strings.NewReader(mime)}); moot.KindOf(err) != moot.Full {
		t.Errorf("%v", err)
	}
	if len(checked) != 2 || checked[0] != p[2].Member() || checked[1] != p[3].Member() {
		t.Errorf("quota checked for %v", checked)
	}
	if got := p[2].has(t, ""); len(got) != 0 {
		t.Errorf("bob has %+v", got)
	}
}
