package mail

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

// PostConfig is what a Post is made of.
type PostConfig struct {
	Feeds moot.Feeds // this machine's
	Index *Index
	Self  moot.Key

	// Have reports whether the blob is held here; Fetch brings it here; Drop forgets it.
	Have  func(context.Context, moot.BlobID) bool
	Fetch func(context.Context, moot.BlobID) error
	Drop  func(context.Context, moot.BlobID) error
	// Online returns who can be reached now.
	Online func() []moot.Key

	Limits func() Limits
	Now    func() time.Time
	Log    *slog.Logger
}

// Limits are what a node carries for others.
type Limits struct {
	All    bool          `json:"all,omitempty"`    // everything, as a server does
	Copies int           `json:"copies,omitempty"` // nodes that hold a message besides its author; default 2, below 0 none
	Bytes  int64         `json:"bytes,omitempty"`  // at most so many for others together; default 1 GiB
	Age    time.Duration `json:"age,omitempty"`    // for so long; default 30 days
}

// withDefaults fills in what was left out.
func (l Limits) withDefaults() Limits {
	if l.Copies == 0 {
		l.Copies = 2
	}
	if l.Bytes == 0 {
		l.Bytes = 1 << 30
	}
	if l.Age == 0 {
		l.Age = 30 * 24 * time.Hour
	}
	return l
}

// Post is what a node does about messages, also those of others: it wakes the boxes
// here for which there is news, and carries what waits for a member who is away – holds
// it until there is a receipt, so that it arrives although its author has gone.
type Post struct {
	cfg PostConfig

	mu      sync.Mutex
	boxes   map[moot.Key]*Box
	waiting map[moot.BlobID]*parcel // those that somebody has not been given yet
	carried int64                   // bytes held for others
	kick    chan struct{}
}

// parcel is a message on its way.
type parcel struct {
	letter
	lacking []moot.Key // who has not been given it
	since   time.Time  // when it was heard of here
	carried bool
}

// How long the post waits before it carries: who is there comes for it at once.
const (
	carryAfter = 400 * time.Millisecond
	carryAgain = 20 * time.Second // looks again, because others come and go
	carriers   = 4                // messages fetched at once
)

// NewPost returns the post of a node.
func NewPost(cfg PostConfig) *Post {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Post{cfg: cfg, boxes: map[moot.Key]*Box{}, waiting: map[moot.BlobID]*parcel{}, kick: make(chan struct{}, 1)}
}

// Add has a box woken when there is news for it.
func (p *Post) Add(b *Box) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.boxes[b.Self()] = b
}

// Knows reports whether a blob is a message that is announced.
func (p *Post) Knows(ctx context.Context, id moot.BlobID) bool {
	_, known := p.letter(ctx, id)
	return known
}

// letter returns what was announced of a message, also of one that was withdrawn.
func (p *Post) letter(ctx context.Context, id moot.BlobID) (l letter, known bool) {
	for e, err := range p.cfg.Feeds.Query(ctx, moot.Query{Kind: moot.KindMessage, Key: id.String(), History: true}) {
		if err != nil {
			return l, false
		}
		if one, err := letterOf(e); err == nil {
			l, known = one, true
		}
	}
	return l, known
}

// Waiting returns the bytes that wait for a member to come for them.
func (p *Post) Waiting(member moot.Key) (bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.waiting {
		if slices.Contains(l.lacking, member) {
			bytes += l.Size
		}
	}
	return bytes
}

// Run watches until ctx ends.
func (p *Post) Run(ctx context.Context) error {
	since, err := p.cfg.Feeds.Vector(ctx)
	if err != nil {
		return err
	}
	for _, kind := range []moot.Kind{moot.KindMessage, moot.KindReceipt} {
		for e, err := range p.cfg.Feeds.Query(ctx, moot.Query{Kind: kind}) {
			if err != nil {
				return err
			}
			p.take(ctx, e)
		}
	}
	var crew sync.WaitGroup
	defer crew.Wait()
	crew.Go(func() { p.carryLoop(ctx) })
	for e, err := range p.cfg.Feeds.Watch(ctx, since) {
		if err != nil {
			return err
		}
		p.take(ctx, e)
	}
	return nil
}

// take takes in one entry.
func (p *Post) take(ctx context.Context, e moot.Entry) {
	switch e.Kind {
	case moot.KindMessage:
		p.takeLetter(ctx, e)
	case moot.KindReceipt:
		if id, reader, ok := receiptOf(e.Key); ok && reader == e.Author {
			p.delivered(ctx, id, reader)
		}
		p.wake(func(k moot.Key) bool { return k == e.Author })
	}
}

func (p *Post) takeLetter(ctx context.Context, e moot.Entry) {
	if e.Deletes() {
		if id, err := moot.ParseBlobID(e.Key); err == nil {
			p.withdrawn(ctx, id, e.Author)
		}
		return
	}
	l, err := letterOf(e)
	if err != nil {
		return
	}
	p.mu.Lock()
	lacking := slices.DeleteFunc(slices.Clone(l.To), func(k moot.Key) bool { return k == l.Author })
	if len(lacking) > 0 && p.waiting[l.ID] == nil {
		p.waiting[l.ID] = &parcel{letter: l, lacking: lacking, since: p.cfg.Now()}
	}
	p.mu.Unlock()
	p.wake(l.concerns)
	p.look()
}

// wake wakes boxes.
func (p *Post) wake(concerned func(moot.Key) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, b := range p.boxes {
		if concerned(k) {
			b.Wake()
		}
	}
}

func (p *Post) look() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// delivered notes a receipt, and lets go of what nobody waits for any more.
func (p *Post) delivered(ctx context.Context, id moot.BlobID, reader moot.Key) {
	p.mu.Lock()
	l := p.waiting[id]
	if l == nil {
		p.mu.Unlock()
		return
	}
	l.lacking = slices.DeleteFunc(l.lacking, func(k moot.Key) bool { return k == reader })
	done := len(l.lacking) == 0
	p.mu.Unlock()
	if done {
		p.done(ctx, id)
	}
}

// withdrawn lets go of what its author took back; who was given it keeps it.
func (p *Post) withdrawn(ctx context.Context, id moot.BlobID, author moot.Key) {
	l, known := p.letter(ctx, id)
	keep := !known || l.Author != author
	p.mu.Lock()
	for k := range p.boxes {
		keep = keep || k != author && l.concerns(k)
	}
	p.mu.Unlock()
	if !keep {
		p.forget(id)
		p.drop(ctx, id)
	}
}

// done forgets a parcel, and its bytes unless a member here wants them.
func (p *Post) done(ctx context.Context, id moot.BlobID) {
	p.forget(id)
	p.Release(ctx, id)
}

func (p *Post) forget(id moot.BlobID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.waiting[id]; l != nil && l.carried {
		p.carried -= l.Size
	}
	delete(p.waiting, id)
}

// Release drops a message's bytes, unless somebody waits for them or a member here has
// the message.
func (p *Post) Release(ctx context.Context, id moot.BlobID) {
	p.mu.Lock()
	_, needed := p.waiting[id]
	p.mu.Unlock()
	if needed {
		return
	}
	wanted, err := p.wanted(ctx, id)
	if err == nil && !wanted {
		p.drop(ctx, id)
	}
}

func (p *Post) drop(ctx context.Context, id moot.BlobID) {
	if !p.cfg.Have(ctx, id) {
		return
	}
	if err := p.cfg.Drop(ctx, id); err != nil && ctx.Err() == nil {
		p.cfg.Log.Warn("let go of a message", "message", id, "error", err)
	}
}

// wanted reports whether a message is for a member here who has not removed it.
func (p *Post) wanted(ctx context.Context, id moot.BlobID) (bool, error) {
	l, known := p.letter(ctx, id)
	p.mu.Lock()
	var concerned []moot.Key
	for k := range p.boxes {
		if l.concerns(k) {
			concerned = append(concerned, k)
		}
	}
	p.mu.Unlock()
	if !known {
		return true, nil // whose it is, is still to be heard
	}
	for _, k := range concerned {
		if removed, err := p.cfg.Index.Removed(ctx, k, id); err != nil || !removed {
			return true, err
		}
	}
	return false, nil
}
