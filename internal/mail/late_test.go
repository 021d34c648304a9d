package mail_test

import (
	"context"
	"iter"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

// slow is a node that lets something happen after it was asked for receipts and before
// its answer is used.
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

func TestOlderNoteComesLater(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	node := &slow{Node: s.node}
	bob, err := mail.New(t.Context(), mail.Config{Node: node, Write: p[2].pen, Key: p[2].key, Index: s.index,
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
		t.Errorf("an older note undid the copy: %+v, %v", items, err)
	}
}
