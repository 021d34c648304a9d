package daemon

import (
	"context"
	"crypto/ed25519"
	"sync"
	"sync/atomic"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

// author is the one pen of this home: it signs entries one after the other and
// hands each to the node of an architecture. Its feed moves on only when the entry
// was stored, so that a refused entry leaves no hole.
type author struct {
	mu     sync.Mutex
	pen    *feed.Author
	self   moot.Key
	local  moot.Feeds
	wrote  atomic.Int64 // entries appended
	silent func() bool  // nothing may be said yet
	doubt  bool         // the other side may have accepted more than this home knows
}

func newAuthor(ctx context.Context, space moot.Key, key ed25519.PrivateKey, clock *feed.Clock, self moot.Key, local moot.Feeds) (*author, error) {
	last, err := lastOf(ctx, local, self)
	if err != nil {
		return nil, err
	}
	return &author{pen: feed.NewAuthor(space, key, clock, last), self: self, local: local, doubt: true}, nil
}

// append signs and stores through node.
func (a *author) append(ctx context.Context, node moot.Feeds, kind moot.Kind, key string, replaces []moot.EntryID, body []byte, mode moot.Mode) (moot.Entry, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.silent != nil && a.silent() {
		return moot.Entry{}, moot.Errorf(moot.Unavailable, "this home was restored from a backup, and must hear from others what it has said since: run 'moot up' or 'moot serve' until a member's node is reached")
	}
	if err := a.catchUp(ctx, node); err != nil {
		return moot.Entry{}, err
	}
	e := a.pen.Next(kind, key, replaces, body)
	err := node.Append(ctx, mode, e)
	a.doubt = err != nil
	if err != nil {
		return e, err
	}
	a.pen.Commit(e)
	a.wrote.Add(1)
	return e, nil
}

// catchUp makes the pen go on after the last entry of this author that node or this
// home holds. The node may hold more if an acknowledgement was lost; this home may, if
// others brought it up to date.
func (a *author) catchUp(ctx context.Context, node moot.Feeds) error {
	have, err := a.local.Vector(ctx)
	if err != nil {
		return err
	}
	if a.doubt {
		for e, err := range node.Query(ctx, moot.Query{Author: a.self, History: true, Since: have}) {
			if err != nil {
				return err
			}
			if err := a.local.Append(ctx, moot.Merge, e); err != nil {
				return err
			}
			have[a.self] = e.Seq
		}
	}
	if have[a.self] == a.pen.Seq() {
		return nil
	}
	last, err := lastOf(ctx, a.local, a.self)
	if err == nil {
		a.pen.Reset(last)
	}
	return err
}

// lastOf returns the author's newest entry that feeds holds; nil if none.
func lastOf(ctx context.Context, feeds moot.Feeds, author moot.Key) (*moot.Entry, error) {
	vector, err := feeds.Vector(ctx)
	if err != nil || vector[author] == 0 {
		return nil, err
	}
	since := moot.Vector{author: vector[author] - 1}
	for e, err := range feeds.Query(ctx, moot.Query{Author: author, History: true, Since: since}) {
		if err != nil {
			return nil, err
		}
		return &e, nil
	}
	return nil, moot.Errorf(moot.Internal, "entry %d of %s is missing from the database", vector[author], author)
}

// writer is the author at work through one architecture: what files and members
// sign with.
type writer struct {
	*author
	node moot.Feeds
}

func (w writer) Append(ctx context.Context, kind moot.Kind, key string, replaces []moot.EntryID, body []byte, mode moot.Mode) (moot.Entry, error) {
	return w.append(ctx, w.node, kind, key, replaces, body, mode)
}
