package sign

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/mootspace/moot"
)

// Signer is the only writer of one feed. The feed advances only when entries were
// stored, so a refused entry leaves no hole. Statements that arrive while others are
// being stored are signed and stored together (group commit). It is safe for
// concurrent use; two Signers with one key would fork the feed.
type Signer struct {
	self  moot.Key
	local moot.Feeds
	ready func() error
	wrote atomic.Int64

	queueMu sync.Mutex
	queue   []*request

	mu     sync.Mutex // held while writing
	author Author
	doubt  bool // a node may have accepted more than local holds
}

// Author signs the entries of one feed, one after the other: a feed.Author.
type Author interface {
	// Next signs what would be the next entry; Commit makes it so.
	Next(kind moot.Kind, key string, replaces []moot.EntryID, body []byte) moot.Entry
	Commit(e moot.Entry)
	// Reset continues the feed after its last entry; nil for none.
	Reset(last *moot.Entry)
	// Seq returns the number of the feed's last entry.
	Seq() uint64
}

// Config is what a Signer needs.
type Config struct {
	Self   moot.Key     // whose feed it is
	Author Author       // signs the feed; nobody else may use it
	Local  moot.Feeds   // this node's own store
	Ready  func() error // why nothing may be written yet; nil: always ready
}

// New returns the writer of a feed, which continues after the last entry that
// the local store holds.
func New(ctx context.Context, cfg Config) (*Signer, error) {
	last, err := lastEntry(ctx, cfg.Local, cfg.Self)
	if err != nil {
		return nil, err
	}
	if cfg.Ready == nil {
		cfg.Ready = func() error { return nil }
	}
	cfg.Author.Reset(last)
	return &Signer{self: cfg.Self, local: cfg.Local, ready: cfg.Ready, author: cfg.Author, doubt: true}, nil
}

// Through returns a Writer that stores in node, which stands for one architecture.
func (s *Signer) Through(node moot.Feeds) Writer { return routed{s, node} }

// Wrote returns how many entries were stored since New.
func (s *Signer) Wrote() int64 { return s.wrote.Load() }

type routed struct {
	signer *Signer
	node   moot.Feeds
}

func (r routed) Append(ctx context.Context, mode moot.Mode, statements ...Statement) ([]moot.Entry, error) {
	return r.signer.append(ctx, r.node, mode, statements)
}

// request is what one caller wants written.
type request struct {
	ctx        context.Context //nolint:containedctx // a queued call has its caller's
	node       moot.Feeds
	mode       moot.Mode
	statements []Statement
	entries    []moot.Entry
	err        error
	done       bool
}

// maxBatch is how many requests are stored together.
const maxBatch = 64

func (s *Signer) append(ctx context.Context, node moot.Feeds, mode moot.Mode, statements []Statement) ([]moot.Entry, error) {
	r := &request{ctx: ctx, node: node, mode: mode, statements: statements}
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
		if len(batch) > 0 && (r.node != batch[0].node || r.mode != batch[0].mode) {
			break
		}
		batch = append(batch, r)
		s.queue = s.queue[1:]
	}
	return batch
}

// write stores requests together, or one by one if that fails.
func (s *Signer) write(batch []*request) {
	if len(batch) == 1 {
		s.writeOne(batch[0])
		return
	}
	if err := s.sign(context.Background(), batch); err == nil {
		if err := s.store(context.Background(), batch); err == nil {
			return
		}
	}
	for _, r := range batch {
		s.writeOne(r)
	}
}

func (s *Signer) writeOne(r *request) {
	tried := r.entries
	r.done = true
	if r.err = s.catchUp(r.ctx, r.node); r.err != nil {
		return
	}
	if n := len(tried); n > 0 && s.has(r.ctx, tried[n-1]) { // stored before the one that was refused
		r.entries = tried
		return
	}
	if r.err = s.sign(r.ctx, []*request{r}); r.err == nil {
		r.err = s.store(r.ctx, []*request{r})
	}
}

// sign makes the entries of requests to one node.
func (s *Signer) sign(ctx context.Context, batch []*request) error {
	if err := s.catchUp(ctx, batch[0].node); err != nil {
		return err
	}
	for _, r := range batch {
		r.entries = nil
		for _, st := range r.statements {
			e := s.author.Next(st.Kind, st.Key, st.Replaces, st.Body)
			s.author.Commit(e) // rewound if it is not stored
			r.entries = append(r.entries, e)
		}
	}
	return nil
}

// store hands signed entries to their node.
func (s *Signer) store(ctx context.Context, batch []*request) error {
	var all []moot.Entry
	for _, r := range batch {
		all = append(all, r.entries...)
	}
	if err := batch[0].node.Append(ctx, batch[0].mode, all...); err != nil {
		s.doubt = true
		return errors.Join(err, s.rewind(ctx))
	}
	s.doubt = false
	s.wrote.Add(int64(len(all)))
	for _, r := range batch {
		r.done = true
	}
	return nil
}

// rewind continues the feed after the last entry that is known to be stored.
func (s *Signer) rewind(ctx context.Context) error {
	last, err := lastEntry(context.WithoutCancel(ctx), s.local, s.self)
	if err == nil {
		s.author.Reset(last)
	}
	return err
}

// has reports whether an entry of this feed is stored.
func (s *Signer) has(ctx context.Context, want moot.Entry) bool {
	since := moot.Vector{s.self: want.Seq - 1}
	for e, err := range s.local.Query(ctx, moot.Query{Author: s.self, History: true, Since: since}) {
		return err == nil && e.ID == want.ID
	}
	return false
}

// catchUp continues the feed after its last entry that node or the local store holds.
// The node may hold more if an acknowledgement was lost or the local store is behind; the
// local store may, if others brought it up to date.
func (s *Signer) catchUp(ctx context.Context, node moot.Feeds) error {
	if err := s.ready(); err != nil {
		return err
	}
	have, err := s.local.Vector(ctx)
	if err != nil {
		return err
	}
	if s.doubt || have[s.self] < s.author.Seq() {
		for e, err := range node.Query(ctx, moot.Query{Author: s.self, History: true, Since: have}) {
			if err != nil {
				return err
			}
			if err := s.local.Append(ctx, moot.Merge, e); err != nil {
				return err
			}
			have[s.self] = e.Seq
		}
	}
	if have[s.self] == s.author.Seq() {
		return nil
	}
	last, err := lastEntry(ctx, s.local, s.self)
	if err == nil {
		s.author.Reset(last)
	}
	return err
}

// lastEntry returns the author's newest entry that feeds holds; nil if none.
func lastEntry(ctx context.Context, feeds moot.Feeds, author moot.Key) (*moot.Entry, error) {
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
