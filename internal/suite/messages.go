package suite

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

// message is a MIME message.
func message(to, subject, text string, attach ...[]byte) io.Reader {
	m := mail.Message{To: []string{to}, Subject: subject, Text: text}
	for i, content := range attach {
		m.Attach = append(m.Attach, mail.File{Name: fmt.Sprintf("file %d", i), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(content)), nil
		}})
	}
	var b bytes.Buffer
	_, _ = m.WriteTo(&b) // a buffer takes all
	return &b
}

func mustSend(t T, m *Member, mime io.Reader) mail.Sent {
	t.Helper()
	s, err := m.Mail().Send(t.Context(), mail.Outgoing{MIME: mime})
	if err != nil {
		t.Fatalf("%s sends: %v", m.Name, err)
	}
	return s
}

// mustHave waits until a folder of a member holds messages with the subjects, each once.
func mustHave(t T, m *Member, folder string, subjects ...string) []mail.Item {
	t.Helper()
	var items []mail.Item
	Eventually(t, m.Name+" gets mail", func() (err error) {
		if items, err = m.Mail().List(t.Context(), mail.Query{Folder: folder}); err != nil {
			return err
		}
		var got []string
		for _, it := range items {
			got = append(got, it.Subject)
		}
		slices.Sort(got)
		slices.Sort(subjects)
		if !slices.Equal(got, subjects) {
			return moot.Errorf(moot.NotFound, "%s holds %q, want %q", folder, got, subjects)
		}
		return nil
	})
	return items
}

func messages(t T, w *World) {
	w.Alike() // what is for all is sealed to the members that its author knows
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	content := random(100 << 10)
	sent := mustSend(t, ann, message("bob", "Report", "as promised", content))
	mustSend(t, bob, message("#general", "News", "it rains"))
	it := mustHave(t, bob, mail.Inbox, "Report")[0]
	for _, m := range []*Member{founder, ann, bob} {
		mustHave(t, m, "Channels/general", "News")
	}
	mustHave(t, founder, mail.Inbox)
	rc, err := bob.Mail().Open(t.Context(), it.ID)
	w.must(err)
	w.must(mail.Extract(rc, func(_ mail.Attachment, r io.Reader) error {
		got, err := io.ReadAll(r)
		if err == nil && !bytes.Equal(got, content) {
			err = moot.Errorf(moot.Corrupt, "the attachment has changed")
		}
		return err
	}))
	w.must(rc.Close())
	_, err = bob.Mail().Change(t.Context(), mail.Change{Folder: it.Folder, UID: it.UID, Set: []mail.Flag{mail.Seen}})
	w.must(err)
	Eventually(t, "the receipt comes back", func() error {
		receipts, err := ann.Mail().Receipts(t.Context(), sent.ID)
		if err == nil && (len(receipts) != 1 || receipts[0].Delivered.IsZero() || receipts[0].Read.IsZero()) {
			err = moot.Errorf(moot.NotFound, "%+v", receipts)
		}
		return err
	})
	found, err := bob.Mail().List(t.Context(), mail.Query{Words: "promis"})
	if err != nil || len(found) != 1 {
		t.Fatalf("search: %+v, %v", found, err)
	}
	if plain := inTheClear(t, founder, "promised", "Report", "file 0"); plain != "" {
		t.Fatalf("the founder's store shows %q", plain)
	}
}

// inTheClear returns one of the words that a member's store shows, or "".
func inTheClear(t T, m *Member, words ...string) string {
	var all bytes.Buffer
	for b, err := range m.Store().Blobs(t.Context()) {
		if err != nil {
			t.Fatalf("%v", err)
		}
		rc, err := m.Store().Get(t.Context(), b.ID, moot.Whole)
		if err != nil {
			continue // dropped meanwhile
		}
		_, _ = io.Copy(&all, rc) // what is missing is noticed
		rc.Close()
	}
	for e, err := range m.Store().Query(t.Context(), moot.Query{History: true}) {
		if err != nil {
			t.Fatalf("%v", err)
		}
		all.WriteString(e.Key)
		all.Write(e.Body)
	}
	for _, w := range words {
		if strings.Contains(all.String(), w) {
			return w
		}
	}
	return ""
}

// messageWaits has the server, or another peer, hold a message for one who is away.
func messageWaits(t T, w *World) {
	w.Alike() // what is for all is sealed to the members that its author knows
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	w.Alike()
	bob.Stop()
	sent := mustSend(t, ann, message("bob", "Waits", "until you come"))
	Eventually(t, "somebody holds it", func() error {
		if !founder.holds(t.Context(), sent.ID) {
			return moot.Errorf(moot.NotFound, "the founder does not")
		}
		return nil
	})
	ann.Stop()
	bob.Restart()
	mustHave(t, bob, mail.Inbox, "Waits")
	if !w.Arch.Asks.Server {
		Eventually(t, "it is released", func() error {
			if founder.holds(t.Context(), sent.ID) {
				return moot.Errorf(moot.Conflict, "the founder still holds it")
			}
			return nil
		})
	}
	ann.Restart()
	mustHave(t, ann, mail.SentFolder, "Waits")
}

func messagesMerge(t T, w *World) {
	w.Alike() // what is for all is sealed to the members that its author knows
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	w.Alike()
	w.Cut(ann, bob)
	w.Cut(founder, bob)
	mustSend(t, ann, message("bob", "from ann", "one"))
	_, err := bob.Mail().Send(t.Context(), mail.Outgoing{MIME: message("ann", "from bob", "two")})
	if w.Centralised() {
		wantKind(t, "cut off from the server", err, moot.Unavailable)
		w.Heal()
		mustSend(t, bob, message("ann", "from bob", "two"))
	} else {
		w.must(err)
		w.Heal()
	}
	mustHave(t, bob, mail.Inbox, "from ann")
	mustHave(t, ann, mail.Inbox, "from bob")
	w.Alike()
	mustHave(t, bob, mail.Inbox, "from ann")
	mustHave(t, ann, mail.Inbox, "from bob")
}

// mailboxLost makes a mailbox anew of what others hold: messages, flags and folders.
func mailboxLost(t T, w *World) {
	w.Alike() // what is for all is sealed to the members that its author knows
	ann, bob := w.Member(1), w.Member(2)
	mustSend(t, ann, message("#general", "News", "for all"))
	it := mustHave(t, bob, "Channels/general", "News")[0]
	_, err := bob.Mail().Change(t.Context(), mail.Change{Folder: it.Folder, UID: it.UID, Move: "Archive/2026", Set: []mail.Flag{mail.Flagged, mail.Seen}})
	w.must(err)
	w.Alike()
	bob.Lose(w.Member(0))
	it = mustHave(t, bob, "Archive/2026", "News")[0]
	if !slices.Contains(it.Flags, mail.Flagged) {
		t.Fatalf("its flags are %q", it.Flags)
	}
	mustHave(t, bob, "Channels/general")
}

// account: a member without a node of its own, whose key another member's node holds.
func account(t T, w *World) {
	founder, ann := w.Member(0), w.Member(1)
	control := founder.Session().Control
	_, err := control.AddAccount(t.Context(), "gus", "")
	w.must(err)
	password, err := control.AddPassword(t.Context(), "gus")
	w.must(err)
	w.Alike()
	_, err = founder.Node().Login(t.Context(), "gus", "wrong "+password)
	wantKind(t, "a wrong password", err, moot.Denied)
	gus, err := founder.Node().Login(t.Context(), "gus", password)
	w.must(err)
	mustSend(t, ann, message("gus", "Welcome", "to the space"))
	Eventually(t, "the account receives mail", func() error {
		items, err := gus.List(t.Context(), mail.Query{Folder: mail.Inbox})
		if err == nil && (len(items) != 1 || items[0].Subject != "Welcome") {
			err = moot.Errorf(moot.NotFound, "%+v", items)
		}
		return err
	})
	_, err = gus.Send(t.Context(), mail.Outgoing{MIME: message("ann", "Thanks", "from gus")})
	w.must(err)
	mustHave(t, ann, mail.Inbox, "Thanks")
}
