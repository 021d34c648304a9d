package feed

import (
	"crypto/ed25519"

	"github.com/mootspace/moot"
)

// Author writes one feed. It is not safe for concurrent use, and must be the only one of
// its key: two would fork the feed.
type Author struct {
	space moot.Key
	key   ed25519.PrivateKey
	clock *Clock
	last  *moot.Entry
}

// NewAuthor returns the author of the feed that so far ends with last; nil if it
// has not begun.
func NewAuthor(space moot.Key, key ed25519.PrivateKey, clock *Clock, last *moot.Entry) *Author {
	a := &Author{space: space, key: key, clock: clock}
	a.Reset(last)
	return a
}

// Next signs a possible next entry; Commit advances the feed to it.
func (a *Author) Next(kind moot.Kind, key string, replaces []moot.EntryID, body []byte) moot.Entry {
	e := moot.Entry{Space: a.space, Seq: 1, Kind: kind, Key: key, Replaces: replaces, Time: a.clock.Now()}
	if len(body) > 0 {
		e.Body = body
	}
	if a.last != nil {
		e.Seq, e.Prev = a.last.Seq+1, a.last.ID
	}
	Sign(a.key, &e)
	return e
}

// Commit advances the feed to the entry that Next returned, which was stored.
func (a *Author) Commit(e moot.Entry) { a.Reset(&e) }

// Reset makes last the end of the feed; nil if it has none.
func (a *Author) Reset(last *moot.Entry) {
	a.last = last
	if last != nil {
		a.clock.advance(last.Time)
	}
}

// Seq returns the number of the feed's last entry; 0 before the first.
func (a *Author) Seq() uint64 {
	if a.last == nil {
		return 0
	}
	return a.last.Seq
}
