package mail_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

// slow is a node that runs meanwhile between a query for receipts and the use of its
// result.
type slow struct {
	moot.Node
	meanwhile func()
}

func (s *slow) Query(ctx context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) {
		for e, err := range s.Node.Query(ctx, q) {
			if !yield(e, err) {
				return
			}
		}
		if do := s.meanwhile; q.Kind == moot.KindReceipt && do != nil {
			s.meanwhile = nil
			do()
		}
	}
}

func TestStaleFilingIsIgnored(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	node := &slow{Node: s.node}
	bob, err := mail.New(t.Context(), mail.Config{Node: node, Member: p[2].Member(), Write: p[2].writer, Key: p[2].key, Index: s.index,
		Directory: func(context.Context) (mail.Directory, error) { return mail.Directory{Roster: s.roster}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	p[1].sends(t, text("bob", "Lunch", "At noon?"))
	it := p[2].has(t, mail.Inbox)[0]
	change := func(c mail.Change) {
		c.Folder, c.UID = mail.Inbox, it.UID
		if _, err := bob.Change(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	change(mail.Change{Set: []mail.Flag{mail.Seen}})
	node.meanwhile = func() { change(mail.Change{Copy: "Kept"}) }
	if err := bob.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if node.meanwhile != nil {
		t.Fatal("the change did not come in between")
	}
	items, err := bob.List(t.Context(), mail.Query{Folder: "Kept"})
	if err != nil || len(items) != 1 {
		t.Errorf("a stale filing undid the copy: %+v, %v", items, err)
	}
}

// TestRetention expires unchanged messages, and no others.
func TestRetention(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	now := time.Now()
	bob, err := mail.New(t.Context(), mail.Config{Node: s.node, Member: p[2].Member(), Write: p[2].writer, Key: p[2].key, Index: s.index, Now: func() time.Time { return now },
		Directory: func(context.Context) (mail.Directory, error) { return mail.Directory{Roster: s.roster}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"kept", "thrown away"} {
		p[1].sends(t, text("bob", subject, "."))
	}
	for _, it := range p[2].has(t, mail.Inbox) {
		if it.Subject == "thrown away" {
			if _, err := bob.Change(t.Context(), mail.Change{Folder: mail.Inbox, UID: it.UID, Move: mail.TrashFolder}); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := mail.Retention{Trash: 30 * 24 * time.Hour}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{29 * 24 * time.Hour, 0}, {31 * 24 * time.Hour, 1}, {60 * 24 * time.Hour, 0}} {
		now = time.Now().Add(c.after)
		if n, err := bob.Expire(t.Context(), r); err != nil || n != c.want {
			t.Errorf("after %v: %d, %v", c.after, n, err)
		}
	}
	if got := p[2].has(t, ""); len(got) != 1 || got[0].Subject != "kept" {
		t.Errorf("%+v", got)
	}
	r = mail.Retention{Mail: 24 * time.Hour}
	if n, err := bob.Expire(t.Context(), r); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
}
