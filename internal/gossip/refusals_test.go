package gossip

import (
	"context"
	"crypto/ed25519"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/store"
)

// counted counts the entries that a node is sent, and sends but for those named by ID.
type counted struct {
	moot.Feeds
	in, out int
}

func (c *counted) Query(ctx context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) {
		for e, err := range c.Feeds.Query(ctx, q) {
			if len(q.IDs) == 0 {
				c.out++
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func (c *counted) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	c.in += len(entries)
	return c.Feeds.Append(ctx, mode, entries...)
}

// TestWhatIsRefusedIsNotSentAgain: two nodes that hold as many branches of a feed as a
// store keeps, each others, find that out once in a while only.
func TestWhatIsRefusedIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
		author := func(last *moot.Entry) *feed.Author {
			return feed.NewAuthor(moot.SpaceID{1}, key, feed.NewClock(time.Now, 0), last)
		}
		first := author(nil).Next(moot.KindFile, "first", nil, []byte("x"))
		var nodes [2]*counted
		for n := range nodes {
			s, err := store.Open(t.Context(), store.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			nodes[n] = &counted{Feeds: s}
			if err := s.Append(t.Context(), moot.Merge, first); err != nil {
				t.Fatal(err)
			}
			for i := range 64 {
				if err := s.Append(t.Context(), moot.Merge, author(&first).Next(moot.KindFile, "branch", nil, []byte{byte(n), byte(i)})); err != nil {
					t.Fatal(err)
				}
			}
		}
		var refused, rejected refusals
		compare := func() (sent int) {
			nodes[0].in, nodes[1].in, nodes[1].out = 0, 0, 0
			c := &comparison{local: nodes[0], remote: nodes[1], known: &seen{}, refused: &refused, rejected: &rejected, names: namesOf(nil)}
			if _, _, err := c.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			return nodes[1].in + nodes[1].out
		}
		if compare() == 0 {
			t.Error("nothing is sent at first")
		}
		if n := compare(); n > 0 {
			t.Errorf("%d entries are sent again", n)
		}
		time.Sleep(refusedFor + time.Second)
		if compare() == 0 {
			t.Error("what was refused is never tried again")
		}
	})
}
