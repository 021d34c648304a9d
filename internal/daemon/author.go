package daemon

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/seal"
)

// author is the one pen of a member: it signs entries one after the other and hands
// them to the node of an architecture. Its feed moves on only when entries were stored,
// so that a refused one leaves no hole. Statements that come while others are being
// stored are signed and stored together (group commit).
type author struct {
	self   moot.Key
	local  moot.Feeds
	wrote  atomic.Int64 // entries appended
	silent func() bool  // nothing may be said yet

	queueMu sync.Mutex
	queue   []*request

	mu    sync.Mutex // who holds it writes
	pen   *feed.Author
	doubt bool // the other side may have accepted more than this home knows
}

// request is what one caller wants said.
type request struct {
	ctx        context.Context
	node       moot.Feeds
	mode       moot.Mode
	statements []mail.Statement
	entries    []moot.Entry
	err        error
	done       bool
}

// together is how many requests are stored at once.
const together = 64

func newAuthor(ctx context.Context, space moot.Key, key ed25519.PrivateKey, clock *feed.Clock, local moot.Feeds) (*author, error) {
	self := seal.Public(key)
	last, err := lastOf(ctx, local, self)
	if err != nil {
		return nil, err
	}
	return &author{pen: feed.NewAuthor(space, key, clock, last), self: self, local: local, doubt: true}, nil
}

// append signs and stores through node.
func (a *author) append(ctx context.Context, node moot.Feeds, mode moot.Mode, statements ...mail.Statement) ([]moot.Entry, error) {
	r := &request{ctx: ctx, node: node, mode: mode, statements: statements}
	a.queueMu.Lock()
	a.queue = append(a.queue, r)
	a.queueMu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	for !r.done {
		a.write(a.next())
	}
	return r.entries, r.err
}

// next takes requests off the queue that can be stored together.
func (a *author) next() (batch []*request) {
	a.queueMu.Lock()
	defer a.queueMu.Unlock()
	for len(a.queue) > 0 && len(batch) < together {
		r := a.queue[0]
		if len(batch) > 0 && (r.node != batch[0].node || r.mode != batch[0].mode) {
			break
		}
		batch = append(batch, r)
		a.queue = a.queue[1:]
	}
	return batch
}

// write stores requests together, or if that fails one by one.
func (a *author) write(batch []*request) {
	if len(batch) == 1 {
		a.writeOne(batch[0])
		return
	}
	if err := a.sign(context.Background(), batch); err == nil {
		err = a.store(context.Background(), batch)
		if err == nil {
			return
		}
	}
	for _, r := range batch {
		a.writeOne(r)
	}
}

func (a *author) writeOne(r *request) {
	tried := r.entries
	r.done = true
	if r.err = a.ready(r.ctx, r.node); r.err != nil {
		return
	}
	if n := len(tried); n > 0 && a.has(r.ctx, tried[n-1]) { // it was stored before the one that was refused
		r.entries = tried
		return
	}
	if r.err = a.sign(r.ctx, []*request{r}); r.err == nil {
		r.err = a.store(r.ctx, []*request{r})
	}
}

// ready makes sure that the pen may write, and goes on where its feed ends.
func (a *author) ready(ctx context.Context, node moot.Feeds) error {
	if a.silent != nil && a.silent() {
		return moot.Errorf(moot.Unavailable, "this home was restored from a backup, and must hear from others what it has said since: run 'moot up' or 'moot serve' until a member's node is reached")
	}
	return a.catchUp(ctx, node)
}

// sign makes the entries of requests that go to one node.
func (a *author) sign(ctx context.Context, batch []*request) error {
	if err := a.ready(ctx, batch[0].node); err != nil {
		return err
	}
	for _, r := range batch {
		r.entries = nil
		for _, s := range r.statements {
			e := a.pen.Next(s.Kind, s.Key, s.Replaces, s.Body)
			a.pen.Commit(e) // taken back if it is not stored
			r.entries = append(r.entries, e)
		}
	}
	return nil
}

// store hands signed entries to their node.
func (a *author) store(ctx context.Context, batch []*request) error {
	var all []moot.Entry
	for _, r := range batch {
		all = append(all, r.entries...)
	}
	if err := batch[0].node.Append(ctx, batch[0].mode, all...); err != nil {
		a.doubt = true
		return errors.Join(err, a.rewind(ctx))
	}
	a.doubt = false
	a.wrote.Add(int64(len(all)))
	for _, r := range batch {
		r.done = true
	}
	return nil
}

// rewind has the pen go on after what this home knows to be stored.
func (a *author) rewind(ctx context.Context) error {
	last, err := lastOf(context.WithoutCancel(ctx), a.local, a.self)
	if err == nil {
		a.pen.Reset(last)
	}
	return err
}

// has reports whether an entry of this author is stored.
func (a *author) has(ctx context.Context, want moot.Entry) bool {
	since := moot.Vector{a.self: want.Seq - 1}
	for e, err := range a.local.Query(ctx, moot.Query{Author: a.self, History: true, Since: since}) {
		return err == nil && e.ID == want.ID
	}
	return false
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

// writer is an author at work through one architecture: what files, members and mail
// sign with.
type writer struct {
	*author
	node moot.Feeds
}

func (w writer) Append(ctx context.Context, kind moot.Kind, key string, replaces []moot.EntryID, body []byte, mode moot.Mode) (moot.Entry, error) {
	entries, err := w.append(ctx, w.node, mode, mail.Statement{Kind: kind, Key: key, Replaces: replaces, Body: body})
	if err != nil {
		return moot.Entry{}, err
	}
	return entries[0], nil
}

func (w writer) AppendAll(ctx context.Context, mode moot.Mode, statements ...mail.Statement) ([]moot.Entry, error) {
	return w.append(ctx, w.node, mode, statements...)
}
