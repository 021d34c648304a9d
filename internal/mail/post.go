package mail

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"lukechampine.com/blake3"

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
	known   map[moot.BlobID]bool    // all messages in force
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
	return &Post{cfg: cfg, boxes: map[moot.Key]*Box{}, known: map[moot.BlobID]bool{}, waiting: map[moot.BlobID]*parcel{}, kick: make(chan struct{}, 1)}
}

// Add has a box woken when there is news for it.
func (p *Post) Add(b *Box) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.boxes[b.Self()] = b
}

// Knows reports whether a blob is a message that is announced.
func (p *Post) Knows(id moot.BlobID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[id]
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
	p.known[l.ID] = true
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

func (p *Post) withdrawn(ctx context.Context, id moot.BlobID, author moot.Key) {
	p.mu.Lock()
	l := p.waiting[id]
	p.mu.Unlock()
	if l != nil && l.Author == author {
		p.done(ctx, id)
	}
}

// done forgets a parcel, and its bytes unless a member here wants them.
func (p *Post) done(ctx context.Context, id moot.BlobID) {
	p.mu.Lock()
	if l := p.waiting[id]; l != nil && l.carried {
		p.carried -= l.Size
	}
	delete(p.waiting, id)
	p.mu.Unlock()
	p.Release(ctx, id)
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
	wanted, err := p.cfg.Index.Wants(ctx, id)
	if err == nil && !wanted && p.cfg.Have(ctx, id) {
		err = p.cfg.Drop(ctx, id)
	}
	if err != nil && ctx.Err() == nil {
		p.cfg.Log.Warn("let go of a message", "message", id, "error", err)
	}
}

// carryLoop carries what it should, whenever there may be something.
func (p *Post) carryLoop(ctx context.Context) {
	again := time.NewTicker(carryAgain)
	defer again.Stop()
	soon := time.NewTimer(0)
	defer soon.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.kick:
			soon.Reset(carryAfter)
		case <-soon.C:
			p.carry(ctx)
		case <-again.C:
			p.carry(ctx)
		}
	}
}

// carry fetches what this node should hold for others and does not, and lets go of what
// has become too old.
func (p *Post) carry(ctx context.Context) {
	limits := p.cfg.Limits().withDefaults()
	online := p.cfg.Online()
	var crew errgroup.Group
	crew.SetLimit(carriers)
	for _, l := range p.due(limits, online) {
		crew.Go(func() error { p.carryOne(ctx, l); return nil })
	}
	crew.Wait()
	for _, id := range p.old(limits) {
		p.done(ctx, id)
	}
}

func (p *Post) carryOne(ctx context.Context, l *parcel) {
	wanted, err := p.cfg.Index.Wants(ctx, l.ID)
	if err != nil || wanted {
		return
	}
	if !p.cfg.Have(ctx, l.ID) {
		if err := p.cfg.Fetch(ctx, l.ID); err != nil {
			p.cfg.Log.Debug("cannot carry a message now", "message", l.ID, "error", err)
			return
		}
	}
	p.hold(ctx, l)
}

// hold notes that a parcel is carried; if it was delivered meanwhile, it is dropped.
func (p *Post) hold(ctx context.Context, l *parcel) {
	p.mu.Lock()
	still := p.waiting[l.ID] == l
	if still && !l.carried {
		l.carried = true
		p.carried += l.Size
	}
	p.mu.Unlock()
	if !still {
		p.Release(ctx, l.ID)
	}
}

// due returns what this node should carry, the oldest first.
func (p *Post) due(limits Limits, online []moot.Key) (list []*parcel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	room := limits.Bytes - p.carried
	young := p.cfg.Now().Add(-carryAfter)
	for _, l := range p.waiting {
		if !l.carried && !l.since.After(young) && p.cfg.Now().Sub(l.Time) < limits.Age && (limits.All || l.falls(p.cfg.Self, online, limits.Copies)) {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b *parcel) int { return a.Time.Compare(b.Time) })
	if limits.All {
		return list
	}
	for i, l := range list {
		if room -= l.Size; room < 0 {
			p.cfg.Log.Warn("no room to carry more messages for others", "limit", limits.Bytes)
			return list[:i]
		}
	}
	return list
}

// old returns parcels past their time.
func (p *Post) old(limits Limits) (ids []moot.BlobID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, l := range p.waiting {
		if l.carried && p.cfg.Now().Sub(l.Time) >= limits.Age {
			ids = append(ids, id)
		}
	}
	return ids
}

// falls reports whether carrying the parcel falls to self: of all who are there, but for
// its author, those carry whose keys come first after hashing with it (rendezvous
// hashing, Thaler and Ravishankar 1998). Nobody need agree on anything.
func (l *parcel) falls(self moot.Key, online []moot.Key, copies int) bool {
	own, before := l.weight(self), 0
	for _, k := range online {
		if k != l.Author && k != self && !slices.Contains(l.lacking, k) && bytes.Compare(l.weight(k), own) < 0 {
			before++
		}
	}
	return before < copies
}

func (l *parcel) weight(k moot.Key) []byte {
	sum := blake3.Sum256(append(l.ID[:], k[:]...))
	return sum[:]
}
