package mail_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

// counted is a node that counts how often entries and blobs are asked for.
type counted struct {
	moot.Node
	queries, gets atomic.Int64
}

func (c *counted) Query(ctx context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	c.queries.Add(1)
	return c.Node.Query(ctx, q)
}

func (c *counted) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	c.gets.Add(1)
	return c.Node.Get(ctx, id, r)
}

// attended is an account that a relay attends.
type attended struct {
	*person
	node *counted
}

// attend runs a relay and the accounts of people until stop is called or the test ends.
func (s *space) attend(people []*person, index *mail.Index) (list []attended, stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	var all sync.WaitGroup
	relay := mail.NewRelay(mail.RelayConfig{
		Feeds: s.node, Index: index, Self: moot.Key{7}, Roster: s.roster, Online: func() []moot.Key { return nil },
		Have:   func(context.Context, moot.BlobID) bool { return true },
		Limits: func() mail.Limits { return mail.Limits{All: true} },
	})
	all.Go(func() {
		if err := relay.Run(ctx); err != nil && ctx.Err() == nil {
			s.t.Error(err)
		}
	})
	for _, p := range people {
		node := &counted{Node: s.node}
		cfg := s.config(p.key, p.writer)
		cfg.Node, cfg.Local, cfg.Index = node, true, index
		a := attended{&person{s.account(cfg), p.writer, p.key}, node}
		relay.Add(a.Account)
		all.Go(func() { a.Run(ctx) })
		list = append(list, a)
	}
	stop = func() { cancel(); all.Wait() }
	s.t.Cleanup(stop)
	return list, stop
}

// awaits waits until the inbox has so many messages.
func (a attended) awaits(t *testing.T, n int) []mail.Item {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	changes := a.Watch(ctx)
	for {
		items, err := a.List(ctx, mail.Query{Folder: mail.Inbox})
		if err != nil {
			t.Fatal(err)
		}
		if len(items) >= n {
			return items
		}
		for range changes {
			break
		}
		changes = a.Watch(ctx)
	}
}

func (s *space) delivers(from *person, to string, n int) {
	s.t.Helper()
	for i := range n {
		text := fmt.Sprintf("From: x@outside.example\r\nTo: %s\r\nSubject: number %d\r\n\r\nhello\r\n", to, i)
		if err := from.Deliver(s.t.Context(), []string{to + "@friends.example"}, strings.NewReader(text)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestAnArrivalConcernsItsReaderAlone: it is handed over, so that nobody looks for it in
// the feeds, and nobody else does anything.
func TestAnArrivalConcernsItsReaderAlone(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob", "eve")
	list, _ := s.attend(p[1:], s.index)
	for i, name := range []string{"ann", "bob", "eve"} {
		s.delivers(p[0], name, 2)
		list[i].awaits(t, 2)
		s.delivers(p[0], name, 1) // by now what was there before has been read
		list[i].awaits(t, 3)
	}
	var queries, gets [3]int64
	for i, a := range list {
		queries[i], gets[i] = a.node.queries.Load(), a.node.gets.Load()
	}
	s.delivers(p[0], "ann", 5)
	list[0].awaits(t, 8)
	for i, a := range list {
		if n := a.node.queries.Load() - queries[i]; n != 0 {
			t.Errorf("account %d looked for entries %d times", i, n)
		}
		want := int64(0)
		if i == 0 {
			want = 5
		}
		if n := a.node.gets.Load() - gets[i]; n != want {
			t.Errorf("account %d fetched %d messages, want %d", i, n, want)
		}
	}
}

// TestWhatWasHandedOverOutlivesAStop: the cursor stays behind, so it is read again, and
// is there once, with its UID.
func TestWhatWasHandedOverOutlivesAStop(t *testing.T) {
	s, p := gather(t, "owner", "ann")
	path := filepath.Join(t.TempDir(), "mail.db")
	index, err := mail.OpenIndex(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	list, stop := s.attend(p[1:], index)
	s.delivers(p[0], "ann", 2)
	list[0].awaits(t, 2)
	s.delivers(p[0], "ann", 3)
	before := list[0].awaits(t, 5)
	if _, err := list[0].Change(t.Context(), mail.Change{Folder: mail.Inbox, UID: before[0].UID, Remove: true}); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}
	s.delivers(p[0], "ann", 1)
	if index, err = mail.OpenIndex(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	list, stop = s.attend(p[1:], index)
	defer stop()
	after := list[0].awaits(t, 5)
	if len(after) != 5 || after[0].UID != before[1].UID || after[3].UID != before[4].UID {
		t.Errorf("%d messages, the first with UID %d; before it was %d", len(after), after[0].UID, before[1].UID)
	}
}

// TestSearchIsCompleteWhileWordsLag: a message is found as soon as it is listed.
func TestSearchIsCompleteWhileWordsLag(t *testing.T) {
	s, p := gather(t, "owner", "ann")
	for i := range 5 {
		s.delivers(p[0], "ann", 1)
		ann := p[1].has(t, mail.Inbox)
		found, err := p[1].List(t.Context(), mail.Query{Words: "hello"})
		if err != nil || len(found) != i+1 || len(ann) != i+1 {
			t.Fatalf("%d of %d found: %v", len(found), len(ann), err)
		}
	}
	s.delivers(p[0], "ann", 1)
	last := p[1].has(t, mail.Inbox)[5]
	if _, err := p[1].Change(t.Context(), mail.Change{Folder: mail.Inbox, UID: last.UID, Remove: true}); err != nil {
		t.Fatal(err)
	}
	if found, err := p[1].List(t.Context(), mail.Query{Words: "hello"}); err != nil || len(found) != 5 {
		t.Errorf("%d found after one was removed: %v", len(found), err)
	}
}

// TestBeginnings: what lists tell of a message's first bytes is what it begins with.
func TestBeginnings(t *testing.T) {
	_, p := gather(t, "owner", "ann")
	long := make([]byte, 2*mail.MaxBegin)
	for i := range long {
		long[i] = "abcdefghijklmno\n"[i%16]
	}
	for _, body := range []string{"short", string(long)} {
		if err := p[0].Deliver(t.Context(), []string{"ann@friends.example"}, strings.NewReader("From: x@outside.example\r\nSubject: s\r\n\r\n"+body)); err != nil {
			t.Fatal(err)
		}
		p[1].has(t, mail.Inbox) // each by itself, so that they are in this order
	}
	items, err := p[1].List(t.Context(), mail.Query{Folder: mail.Inbox, Begin: true, Brief: true})
	if err != nil || len(items) != 2 {
		t.Fatal(items, err)
	}
	for i, it := range items {
		whole := p[1].reads(t, it)
		switch {
		case i == 0 && string(it.Begin) != whole:
			t.Errorf("%d of %d bytes of a short message", len(it.Begin), len(whole))
		case i == 1 && (len(it.Begin) < mail.MaxBegin || len(it.Begin) >= len(whole) || whole[:len(it.Begin)] != string(it.Begin)):
			t.Errorf("%d of %d bytes", len(it.Begin), len(whole))
		}
	}
	one, err := p[1].List(t.Context(), mail.Query{Folder: mail.Inbox, First: items[1].UID, Last: items[1].UID})
	if err != nil || len(one) != 1 || one[0].ID != items[1].ID || one[0].Begin != nil {
		t.Errorf("by UID: %v, %v", one, err)
	}
}
