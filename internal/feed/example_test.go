package feed_test

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

// Two authors change one key without knowing of each other: a conflict, which is kept
// until an entry replaces both versions. A changed entry does not verify.
func Example() {
	noon := func() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) }
	clock := feed.NewClock(noon, 0)
	author := func(seed byte) *feed.Author {
		key := ed25519.NewKeyFromSeed(append(make([]byte, ed25519.SeedSize-1), seed))
		return feed.NewAuthor(moot.SpaceID{1}, key, clock, nil)
	}
	ann, bob := author(1), author(2)
	first := ann.Next(moot.KindFile, "report.txt", nil, []byte("ann's"))
	ann.Commit(first)
	second := bob.Next(moot.KindFile, "report.txt", nil, []byte("bob's"))
	bob.Commit(second)

	view := feed.NewView()
	view.Apply(first)
	view.Apply(second)
	fmt.Println(view.Conflicts(moot.KindFile), len(view.Heads(moot.KindFile, "report.txt")))

	both := ann.Next(moot.KindFile, "report.txt", []moot.EntryID{first.ID, second.ID}, []byte("both"))
	view.Apply(both)
	for _, e := range view.Heads(moot.KindFile, "report.txt") {
		fmt.Printf("%s, number %d of its feed, follows: %v\n", e.Body, e.Seq, feed.Follows(&first, &e) == nil)
	}

	both.Body = []byte("forged")
	fmt.Println(moot.KindOf(feed.Verify(both)))
	// Output:
	// [report.txt] 2
	// both, number 2 of its feed, follows: true
	// corrupt
}
