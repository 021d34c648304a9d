package feed

import (
	"bytes"
	"crypto/ed25519"
	"slices"

	"github.com/mootspace/moot"
)

// Author writes one feed. It is not safe for concurrent use, and must be the only one of
// its key: two would fork the feed.
type Author struct {
	first moot.SpaceID // as given to NewAuthor; zero for the founder
	space moot.SpaceID
	key   ed25519.PrivateKey
	clock *Clock
	last  *moot.Entry
}

// NewAuthor returns the author of the feed that so far ends with last; nil if it
// has not begun.
func NewAuthor(space moot.SpaceID, key ed25519.PrivateKey, clock *Clock, last *moot.Entry) *Author {
	a := &Author{first: space, key: key, clock: clock}
	a.Reset(last)
	return a
}

// Next signs a possible next entry; Commit advances the feed to it.
func (a *Author) Next(kind moot.Kind, key string, replaces []moot.EntryID, body []byte) moot.Entry {
	return a.sign(moot.Entry{Kind: kind, Key: key, Replaces: replaces, Body: body})
}

// NextAct signs a possible next entry that is an act; cites are the newest acts that the
// author knows. The first act of an author without a space founds one.
func (a *Author) NextAct(key string, cites []moot.EntryID, body []byte) moot.Entry {
	cites = slices.Clone(cites)
	slices.SortFunc(cites, func(x, y moot.EntryID) int { return bytes.Compare(x[:], y[:]) })
	return a.sign(moot.Entry{Kind: moot.KindAct, Key: key, Cites: slices.Compact(cites), Body: body})
}

func (a *Author) sign(e moot.Entry) moot.Entry {
	e.Space, e.Seq, e.Time = a.space, 1, a.clock.Now()
	if len(e.Body) == 0 {
		e.Body = nil
	}
	if a.last != nil {
		e.Seq, e.Prev = a.last.Seq+1, a.last.ID
	}
	Sign(a.key, &e)
	return e
}

// Commit advances the feed to the entry that Next or NextAct returned, which was stored.
func (a *Author) Commit(e moot.Entry) {
	a.Reset(&e)
}

// Reset makes last the end of the feed; nil if it has none.
func (a *Author) Reset(last *moot.Entry) {
	a.last, a.space = last, a.first
	if last != nil {
		a.space = SpaceOf(last)
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
