package mail_test

import (
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

// holds fails unless a replica holds a message's blob, or not.
func (r *replica) holds(t *testing.T, id moot.BlobID, want bool) {
	t.Helper()
	if h, err := r.node.Have(t.Context(), id); (err == nil && h.Complete()) != want {
		t.Errorf("holds %v: %+v, %v; want %v", id, h, err, want)
	}
}

// TestRelayHoldsUntilAllDevices: those of the author, too.
func TestRelayHoldsUntilAllDevices(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	ann, bob := p[1], p[2]
	annsPhone, bobsPhone := s.device(ann, nil), s.device(bob, nil)
	r := s.replica(mail.Limits{})
	sent := ann.sends(t, text("bob", "Lunch", "At noon?"))
	r.pull(t)
	if got := next(t, r.fetched); got != sent.ID {
		t.Errorf("fetched %v", got)
	}
	if r.PendingBytes(bob.Member()) == 0 {
		t.Error("nothing is pending for bob")
	}
	bob.has(t, mail.Inbox)
	r.pull(t)
	eventually(t, func() bool { return r.PendingBytes(bob.Member()) == 0 })
	bobsPhone.has(t, mail.Inbox)
	r.pull(t)
	r.Reclaim(t.Context(), sent.ID) // refused: ann's phone lacks it
	r.holds(t, sent.ID, true)
	annsPhone.has(t, mail.SentFolder)
	r.pull(t)
	if got := next(t, r.dropped); got != sent.ID {
		t.Errorf("dropped %v", got)
	}
	r.holds(t, sent.ID, false)
}

// eventually waits for what another goroutine brings about.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	timeout := time.After(20 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatal("nothing happened")
		}
	}
}

// TestReceiptBeforeAnnouncement: entries of two authors come in any order.
func TestReceiptBeforeAnnouncement(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob", "eve")
	ann, bob := p[1], p[2]
	sent := ann.sends(t, text("bob", "Lunch", "x"))
	bob.has(t, mail.Inbox)
	r := s.replica(mail.Limits{})
	var receipts, others []moot.Entry
	for e, err := range s.node.Query(t.Context(), moot.Query{History: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == moot.KindReceipt {
			receipts = append(receipts, e)
		} else {
			others = append(others, e)
		}
	}
	if err := r.node.Append(t.Context(), moot.Merge, append(receipts, others...)...); err != nil {
		t.Fatal(err)
	}
	second := p[3].sends(t, text("bob", "later", "x"))
	r.pull(t)
	if got := next(t, r.fetched); got != second.ID {
		t.Errorf("fetched %v, which bob has: %v", got, got == sent.ID)
	}
}

// TestServerKeepsWhatMembersHave until all readers have removed it.
func TestServerKeepsWhatMembersHave(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob", "eve")
	ann, bob, eve := p[1], p[2], p[3]
	r := s.replica(mail.Limits{All: true})
	sent := ann.sends(t, text("bob", "Lunch", "x"))
	r.pull(t)
	next(t, r.fetched)
	it := bob.has(t, mail.Inbox)[0]
	r.pull(t)
	eventually(t, func() bool { return r.PendingBytes(bob.Member()) == 0 })
	r.Reclaim(t.Context(), sent.ID) // refused: both have it in their mailboxes
	r.holds(t, sent.ID, true)

	// a modified client announces it as its own, and removes that
	body := announcementOf(t, s, sent.ID)
	_, err := eve.writer.Append(t.Context(), moot.Merge,
		sign.Statement{Kind: moot.KindMessage, Key: sent.ID.String(), Body: body},
		sign.Statement{Kind: moot.KindMessage, Key: sent.ID.String()},
		sign.Statement{Kind: moot.KindReceipt, Key: "note/" + eve.Member().String() + "/" + sent.ID.String()},
		sign.Statement{Kind: moot.KindReceipt, Key: "note/" + bob.Member().String() + "/" + sent.ID.String()})
	if err != nil {
		t.Fatal(err)
	}
	bob.changes(t, mail.Change{Folder: mail.Inbox, UID: it.UID, Remove: true})
	r.pull(t)
	r.holds(t, sent.ID, true)
	it = ann.has(t, mail.SentFolder)[0]
	ann.changes(t, mail.Change{Folder: mail.SentFolder, UID: it.UID, Remove: true})
	r.pull(t)
	if got := next(t, r.dropped); got != sent.ID {
		t.Errorf("dropped %v", got)
	}
}

// announcementOf returns the body of a message's announcement.
func announcementOf(t *testing.T, s *space, id moot.BlobID) []byte {
	t.Helper()
	for e, err := range s.node.Query(t.Context(), moot.Query{Kind: moot.KindMessage, Key: id.String()}) {
		if err == nil {
			return e.Body
		}
	}
	t.Fatal("no announcement")
	return nil
}

// TestHostedDevicesAcknowledge: what one device on a server has, all of the member there have.
func TestHostedDevicesAcknowledge(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	ann, bob := p[1], p[2]
	second := s.device(bob, func(cfg *mail.Config) { cfg.Index = s.index })
	sent := ann.sends(t, text("bob", "Lunch", "x"))
	bob.has(t, mail.Inbox)
	want := map[moot.Key]bool{bob.Device(): true, second.Device(): true}
	for e, err := range s.node.Query(t.Context(), moot.Query{Kind: moot.KindReceipt, Prefix: sent.ID.String() + "/"}) {
		if err != nil {
			t.Fatal(err)
		}
		delete(want, e.Author)
	}
	if len(want) != 0 {
		t.Errorf("%d devices did not acknowledge it", len(want))
	}
	if got := second.has(t, mail.Inbox); len(got) != 1 {
		t.Errorf("the second device has %+v", got)
	}
}

// gate holds back what some devices say.
type gate struct{ hidden map[moot.Key]bool }

func (g *gate) Admit(*moot.Entry, moot.Position, *moot.Position, store.Held) error { return nil }

func (g *gate) Apply(e *moot.Entry, _ moot.Position, _ *moot.Position, _ store.Held) []moot.Key {
	if e.Kind != moot.KindAct {
		return nil
	}
	var changed []moot.Key
	for k := range g.hidden {
		changed = append(changed, k)
	}
	clear(g.hidden)
	return changed
}

func (g *gate) Counts(author moot.Key, _ moot.Kind, _ moot.Position) bool { return !g.hidden[author] }

// TestShownLater: what begins to count after later entries were read is read, and once.
func TestShownLater(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	ann, bob := p[1], p[2]
	g := &gate{map[moot.Key]bool{ann.Device(): true}}
	s.node = s.store(g)
	owner := s.writer(p[0].key, s.node)
	for _, one := range []*person{ann, bob} {
		w := s.writer(one.key, s.node)
		*one = *s.person(one.key, w)
	}
	ann.sends(t, text("bob", "held back", "x"))
	bob.sends(t, text("bob", "own", "x"))
	if got := bob.folders(t); len(got) != 2 {
		t.Errorf("%q", got)
	}
	if _, err := owner.Append(t.Context(), moot.Merge, sign.Statement{Kind: moot.KindAct, Key: "witness", Body: []byte{0xa0}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := bob.has(t, mail.Inbox); len(got) != 2 {
			t.Errorf("%d messages; want 2", len(got))
		}
	}
}
