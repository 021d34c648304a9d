package sign

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mootspace/moot"
)

// Signer is the only writer of one feed. The feed advances only when entries were
// stored, so a refused entry leaves no hole. Statements that arrive while others are
// being stored are signed and stored together (group commit). It is safe for
// concurrent use; two Signers with one key would fork the feed.
//
// A Signer continues after the last entry that it wrote or found, and nowhere else. Once
// it learns of an entry of its feed that is neither before nor after that one, because its
// home was copied, it writes no more (kind Fork) but what On asks for.
type Signer struct {
	self  moot.Key
	local moot.Feeds
	ready func() error
	check func(Statement) error
	wrote atomic.Int64

	queueMu sync.Mutex
	queue   []*request

	mu     sync.Mutex // held while writing
	author Author
	last   *moot.Entry  // the end of the feed: what is signed next follows it
	recent []moot.Entry // stored last, perhaps by another node only
	doubt  bool         // a node may have accepted more than local holds
}

// Author signs the entries of one feed, one after the other: a feed.Author.
type Author interface {
	// Next signs what would be the next entry, NextAct one that is an act; Commit makes it
	// so.
	Next(kind moot.Kind, key string, replaces []moot.EntryID, body []byte) moot.Entry
	NextAct(key string, cites []moot.EntryID, body []byte) moot.Entry
	Commit(e moot.Entry)
	// Reset continues the feed after its last entry; nil for none.
	Reset(last *moot.Entry)
}

// Config is what a Signer needs.
type Config struct {
	Self   moot.Key     // whose feed it is
	Author Author       // signs the feed; nobody else may use it
	Local  moot.Feeds   // this node's own store
	Ready  func() error // why nothing may be written yet; nil: always ready
	// Check reports why a statement would not count; it is then not signed. nil: all count.
	Check func(Statement) error
}

// New returns the writer of a feed, which continues after the last entry that
// the local store holds.
func New(ctx context.Context, cfg Config) (*Signer, error) {
	if cfg.Ready == nil {
		cfg.Ready = func() error { return nil }
	}
	if cfg.Check == nil {
		cfg.Check = func(Statement) error { return nil }
	}
	s := &Signer{self: cfg.Self, local: cfg.Local, ready: cfg.Ready, check: cfg.Check, author: cfg.Author, doubt: true}
	heads, err := s.heads(ctx)
	if err == nil && len(heads) == 1 {
		err = s.continueAfter(ctx, heads[0])
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Through returns a Writer that stores in node, which stands for one architecture.
func (s *Signer) Through(node moot.Feeds) Writer { return routed{signer: s, node: node} }

// On returns a Writer that appends once to one branch of a feed that has forked, as is
// needed to retire it on the branch that others have. The Signer itself stays where it is.
// Kind Conflict if head is no end of a branch.
func (s *Signer) On(node moot.Feeds, head moot.Head) Writer {
	return routed{signer: s, node: node, on: &head}
}

// Wrote returns how many entries were stored since New.
func (s *Signer) Wrote() int64 { return s.wrote.Load() }

type routed struct {
	signer *Signer
	node   moot.Feeds
	on     *moot.Head // nil: the end of the feed
}

func (r routed) Append(ctx context.Context, mode moot.Mode, statements ...Statement) ([]moot.Entry, error) {
	for _, st := range statements {
		if err := r.signer.check(st); err != nil {
			return nil, err
		}
	}
	return r.signer.append(&request{ctx: ctx, node: r.node, on: r.on, mode: mode, statements: statements})
}

// request is what one caller wants written.
type request struct {
	ctx        context.Context //nolint:containedctx // a queued call has its caller's
	node       moot.Feeds
	on         *moot.Head
	mode       moot.Mode
	statements []Statement
	entries    []moot.Entry
	err        error
	done       bool
}

// maxBatch is how many requests are stored together.
const maxBatch = 64

func (s *Signer) append(r *request) ([]moot.Entry, error) {
	s.queueMu.Lock()
	s.queue = append(s.queue, r)
	s.queueMu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !r.done {
		s.write(s.nextBatch())
	}
	return r.entries, r.err
}

// nextBatch takes requests off the queue that can be stored together.
func (s *Signer) nextBatch() (batch []*request) {
	s.queueMu.Lock()
	defer s.queueMu.Unlock()
	for len(s.queue) > 0 && len(batch) < maxBatch {
		r := s.queue[0]
		if len(batch) > 0 && (r.node != batch[0].node || r.mode != batch[0].mode || r.on != batch[0].on) {
			break
		}
		batch = append(batch, r)
		s.queue = s.queue[1:]
	}
	return batch
}

// write stores requests together, or one by one if that fails.
func (s *Signer) write(batch []*request) {
	if len(batch) > 1 && batch[0].on == nil {
		err := s.catchUp(context.Background(), batch[0].node)
		if err == nil {
			err = s.store(context.Background(), batch)
		}
		if err == nil {
			return
		}
	}
	for _, r := range batch {
		r.done = true
		if r.on != nil {
			r.err = s.writeOn(r)
		} else {
			r.err = s.writeOne(r)
		}
	}
}

// writeOne stores one request, unless it was stored before one that was refused.
func (s *Signer) writeOne(r *request) error {
	tried := r.entries
	if err := s.catchUp(r.ctx, r.node); err != nil {
		return err
	}
	if n := len(tried); n > 0 {
		if held, err := s.holds(r.ctx, tried[n-1].ID); held || err != nil {
			return err
		}
	}
	return s.store(r.ctx, []*request{r})
}

// writeOn stores one request on a branch of its own.
func (s *Signer) writeOn(r *request) error {
	err := s.ready()
	if err != nil {
		return err
	}
	heads, err := s.heads(r.ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(heads, *r.on) {
		return moot.Errorf(moot.Conflict, "entry %d (%s) is not the end of a branch of this device's feed", r.on.Seq, r.on.ID)
	}
	e, err := s.entry(r.ctx, r.on.ID)
	if err != nil {
		return err
	}
	s.author.Reset(e)
	defer s.author.Reset(s.last)
	s.sign(r)
	s.doubt = true
	if err := r.node.Append(r.ctx, r.mode, r.entries...); err != nil {
		return err
	}
	s.wrote.Add(int64(len(r.entries)))
	return nil
}

// sign makes the entries of a request.
func (s *Signer) sign(r *request) {
	r.entries = nil
	for _, st := range r.statements {
		var e moot.Entry
		if st.Kind == moot.KindAct {
			e = s.author.NextAct(st.Key, st.Cites, st.Body)
		} else {
			e = s.author.Next(st.Kind, st.Key, st.Replaces, st.Body)
		}
		s.author.Commit(e) // rewound if it is not stored
		r.entries = append(r.entries, e)
	}
}

// store signs requests to one node and hands it the entries.
func (s *Signer) store(ctx context.Context, batch []*request) error {
	var all []moot.Entry
	for _, r := range batch {
		s.sign(r)
		all = append(all, r.entries...)
	}
	if len(all) == 0 {
		return nil
	}
	if err := batch[0].node.Append(ctx, batch[0].mode, all...); err != nil {
		s.doubt = true
		s.author.Reset(s.last)
		return err
	}
	s.doubt = false
	s.wrote.Add(int64(len(all)))
	s.last, s.recent = &all[len(all)-1], all
	for _, r := range batch {
		r.done = true
	}
	return nil
}
