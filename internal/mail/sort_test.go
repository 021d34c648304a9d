package mail_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

func (p *person) changes(t *testing.T, changes ...mail.Change) []mail.Item {
	t.Helper()
	items, err := p.Change(t.Context(), changes...)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func TestSorting(t *testing.T) {
	_, p := gather(t, "owner", "ann", "bob")
	ann, bob := p[1], p[2]
	for i := range 3 {
		ann.sends(t, text("bob", fmt.Sprint("n", i), "x"))
	}
	items := bob.has(t, mail.Inbox)
	if len(items) != 3 {
		t.Fatalf("%+v", items)
	}
	before := items[2].ModSeq
	got := bob.changes(t,
		mail.Change{Folder: mail.Inbox, UID: items[0].UID, Move: "Work/2026", Set: []mail.Flag{mail.Flagged}},
		mail.Change{Folder: mail.Inbox, UID: items[1].UID, Copy: mail.ArchiveFolder},
		mail.Change{Folder: mail.Inbox, UID: items[2].UID, Set: []mail.Flag{mail.Seen, "$Label"}},
		mail.Change{Folder: mail.Inbox, UID: 999, Set: []mail.Flag{mail.Seen}},
	)
	if len(got) != 3 || got[0].Folder != "Work/2026" || got[1].Folder != mail.ArchiveFolder || !slices.Equal(got[2].Flags, []mail.Flag{"$Label", mail.Seen}) {
		t.Fatalf("%+v", got)
	}
	if got[2].ModSeq <= before {
		t.Error("the change has no new modseq")
	}
	left := bob.has(t, mail.Inbox)
	if len(left) != 2 || left[0].UID != items[1].UID {
		t.Errorf("in the inbox: %+v", left)
	}
	back := bob.changes(t, mail.Change{Folder: "Work/2026", UID: got[0].UID, Move: mail.Inbox})
	if back[0].UID <= items[2].UID {
		t.Errorf("a UID was used again: %d", back[0].UID)
	}
	bob.changes(t, mail.Change{Folder: mail.Inbox, UID: left[0].UID, Remove: true})
	if got := bob.has(t, mail.ArchiveFolder); len(got) != 1 {
		t.Errorf("the copy is gone: %+v", got)
	}
	bob.changes(t, mail.Change{Folder: mail.ArchiveFolder, UID: got[1].UID, Remove: true})
	if _, err := bob.Open(t.Context(), items[1].ID); moot.KindOf(err) != moot.NotFound {
		t.Errorf("a removed message: %v", err)
	}
	for _, f := range []mail.Flag{"", "two words", "\n", `\`, "(x"} {
		if _, err := bob.Change(t.Context(), mail.Change{Folder: mail.Inbox, UID: items[2].UID, Set: []mail.Flag{f}}); moot.KindOf(err) != moot.Invalid {
			t.Errorf("flag %q: %v", f, err)
		}
	}
}

func TestFolders(t *testing.T) {
	_, p := gather(t, "owner", "ann")
	ann := p[1]
	ann.sends(t, text("ann", "to myself", "x"))
	if got := ann.has(t, mail.Inbox); len(got) != 1 {
		t.Fatalf("to myself: %+v", got)
	}
	if err := ann.SetFolder(t.Context(), "", "Work"); err != nil {
		t.Fatal(err)
	}
	it := ann.has(t, mail.Inbox)[0]
	ann.changes(t, mail.Change{Folder: mail.Inbox, UID: it.UID, Move: "Work"})
	if err := ann.SetFolder(t.Context(), "Work", "Play"); err != nil {
		t.Fatal(err)
	}
	if got := ann.has(t, "Play"); len(got) != 1 {
		t.Errorf("renamed: %+v", got)
	}
	last := ann.has(t, "Play")[0].UID
	if err := ann.SetFolder(t.Context(), "Play", ""); err != nil {
		t.Fatal(err)
	}
	again, err := ann.Save(t.Context(), "Play", nil, time.Now(), text("ann", "again", "x"))
	if err != nil || again.UID <= last {
		t.Errorf("UID %d after %d, %v", again.UID, last, err)
	}
	if err := ann.SetFolder(t.Context(), "Play", ""); err != nil {
		t.Fatal(err)
	}
	if got := ann.has(t, ""); len(got) != 1 || got[0].Folder != mail.SentFolder {
		t.Errorf("with its folder removed: %+v", got)
	}
	for from, to := range map[string]string{mail.Inbox: "X", mail.SentFolder: ""} {
		if err := ann.SetFolder(t.Context(), from, to); moot.KindOf(err) != moot.Denied {
			t.Errorf("%s to %q: %v", from, to, err)
		}
	}
	for _, name := range []string{"/x", "a//b", "a\x00b", strings.Repeat("x", 300)} {
		if err := ann.SetFolder(t.Context(), "", name); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestDrafts(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	ann, bob := p[1], p[2]
	at := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	it, err := ann.Save(t.Context(), mail.DraftsFolder, []mail.Flag{mail.Draft}, at, text("bob", "Perhaps", "secret"))
	if err != nil || !it.Arrived.Equal(at) || it.Folder != mail.DraftsFolder || !slices.Equal(it.Flags, []mail.Flag{mail.Draft}) {
		t.Fatalf("%+v, %v", it, err)
	}
	if got := bob.has(t, ""); len(got) != 0 {
		t.Errorf("bob has a draft of ann's: %+v", got)
	}
	s.notInTheClear(it.ID, "Perhaps", "secret")
	ann.changes(t, mail.Change{Folder: it.Folder, UID: it.UID, Remove: true})
	for e, err := range s.node.Query(t.Context(), moot.Query{Kind: moot.KindMessage}) {
		t.Errorf("still announced: %v, %v", e.Key, err)
	}
}

func TestThreadsAndSearch(t *testing.T) {
	_, p := gather(t, "owner", "ann", "bob")
	ann, bob := p[1], p[2]
	ann.sends(t, text("bob", "Ünïcode plans", "Let us meet at the LÜTZOW café"))
	first := bob.has(t, mail.Inbox)[0]
	var reply bytes.Buffer
	m := mail.Message{To: []string{first.From}, Subject: "Re: plans", Text: "Fine.", InReplyTo: &first.Summary,
		Attach: []mail.File{{Name: "map of the way.png", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("png")), nil }}}}
	if _, err := m.WriteTo(&reply); err != nil {
		t.Fatal(err)
	}
	bob.sends(t, &reply)
	answer := ann.has(t, mail.Inbox)[0]
	if answer.Thread != first.MessageID || len(answer.Attachments) != 1 || answer.Attachments[0].Name != "map of the way.png" {
		t.Errorf("%+v", answer)
	}
	thread, err := ann.List(t.Context(), mail.Query{Thread: answer.Thread})
	if err != nil || len(thread) != 2 || thread[1].ID != answer.ID {
		t.Errorf("thread: %+v, %v", thread, err)
	}
	for words, want := range map[string]int{"lutz cafe": 1, "map": 1, "unicode": 1, "bob": 2, "nothing": 0, `" OR "`: 0, "bob fine": 1} {
		if got, err := ann.List(t.Context(), mail.Query{Words: words}); err != nil || len(got) != want {
			t.Errorf("search %q: %d, %v; want %d", words, len(got), err, want)
		}
	}
}

func TestBadMessages(t *testing.T) {
	_, p := gather(t, "owner", "ann", "bob")
	ann, bob := p[1], p[2]
	long := strings.Repeat("X-Field: value\r\n", 30_000)
	for name, c := range map[string]struct {
		mime string
		kind moot.ErrorKind
	}{
		"nobody":         {"Subject: x\r\n\r\nhello\r\n", moot.Invalid},
		"unknown":        {"To: zoe@moot.alt\r\n\r\nhello\r\n", moot.NotFound},
		"no address":     {"To: <>\r\n\r\nhello\r\n", moot.Invalid},
		"no header":      {"\x00\x01\x02", moot.Invalid},
		"endless header": {"To: bob@moot.alt\r\n" + long, moot.TooLarge},
	} {
		if _, err := ann.Send(t.Context(), mail.Outgoing{MIME: strings.NewReader(c.mime)}); moot.KindOf(err) != c.kind {
			t.Errorf("%s: %v (%s)", name, err, moot.KindOf(err))
		}
	}
	// messages of modified clients are listed as far as they can be parsed
	for _, mime := range []string{
		"", "\x00", "To: bob\r\n", long, "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
		strings.Repeat("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n", 500),
		"Content-Type: text/html\r\n\r\n<style>p{}</style><p>shown<script>not",
		"Content-Transfer-Encoding: base64\r\n\r\n!!!!", "Content-Type: text/plain; charset=nonsense\r\n\r\nx",
	} {
		if err := ann.Deliver(t.Context(), []string{"bob"}, strings.NewReader("Subject: odd\r\n"+mime)); err != nil {
			t.Errorf("%.40q: %v", mime, err)
		}
	}
	items := bob.has(t, "")
	if len(items) != 9 {
		t.Errorf("%d of 9 are shown", len(items))
	}
	for _, it := range items {
		bob.reads(t, it)
	}
}

func TestTooLarge(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	_, err := p[1].Send(t.Context(), mail.Outgoing{MIME: io.MultiReader(text("bob", "x", "x"), io.LimitReader(zeros{}, s.max+1))})
	if moot.KindOf(err) != moot.TooLarge {
		t.Errorf("%v", err)
	}
	if got := p[2].has(t, ""); len(got) != 0 {
		t.Errorf("bob has %+v", got)
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
