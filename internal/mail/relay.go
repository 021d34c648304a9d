package mail

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

// RelayConfig has the dependencies of a Relay.
type RelayConfig struct {
	Feeds moot.Feeds // this machine's store
	Index *Index
	Self  moot.Key

	// Have reports whether this node holds a blob; Fetch stores it here; Drop removes
	// it.
	Have  func(context.Context, moot.BlobID) bool
	Fetch func(context.Context, moot.BlobID) error
	Drop  func(context.Context, moot.BlobID) error
	// Online returns the members that are connected now.
	Online func() []moot.Key

	Limits func() Limits
	Now    func() time.Time
	Log    *slog.Logger
}

// Limits bound what a node holds for others.
type Limits struct {
	All    bool          `json:"all,omitempty"`    // every message, as on a server
	Copies int           `json:"copies,omitempty"` // replicas of a message besides its author's node; default 2, below 0 none
	Bytes  int64         `json:"bytes,omitempty"`  // of all messages held for others; default 1 GiB
	Age    time.Duration `json:"age,omitempty"`    // of a message that is still held; default 30 days
}

// withDefaults fills in fields that are zero.
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

// Relay wakes the accounts on this node when a message or receipt for them is announced,
// and holds undelivered messages for other members until there is a receipt (store and
// forward), so that a message arrives although its author is offline.
type Relay struct {
	cfg RelayConfig

	mu        sync.Mutex
	accounts  map[moot.Key]*Account
	pending   map[moot.BlobID]*heldMessage // without a receipt from every recipient
	heldBytes int64                        // bytes held for others
	wakeup    chan struct{}
}

// heldMessage is a message that this node may hold for its recipients.
type heldMessage struct {
	envelope
	undelivered []moot.Key // recipients without a receipt
	firstSeen   time.Time  // when this node read its announcement
	held        bool
}

// Delays of replication. Recipients that are online fetch a message at once; the others
// need replicas.
const (
	replicateDelay    = 400 * time.Millisecond
	replicateInterval = 20 * time.Second // because nodes come and go
	maxFetches        = 4                // messages fetched in parallel
)

// NewRelay returns the relay of a node.
func NewRelay(cfg RelayConfig) *Relay {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Relay{cfg: cfg, accounts: map[moot.Key]*Account{}, pending: map[moot.BlobID]*heldMessage{}, wakeup: make(chan struct{}, 1)}
}

// Add registers an account to wake.
func (r *Relay) Add(a *Account) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accounts[a.Self()] = a
}

// IsMessage reports whether a blob is an announced message.
func (r *Relay) IsMessage(ctx context.Context, id moot.BlobID) bool {
	_, known := r.envelope(ctx, id)
	return known
}

// envelope returns a message's announcement, a retracted one included.
func (r *Relay) envelope(ctx context.Context, id moot.BlobID) (env envelope, known bool) {
	for e, err := range r.cfg.Feeds.Query(ctx, moot.Query{Kind: moot.KindMessage, Key: id.String(), History: true}) {
		if err != nil {
			return env, false
		}
		if one, err := parseEnvelope(e); err == nil {
			env, known = one, true
		}
	}
	return env, known
}

// PendingBytes returns the size of the messages that a member has not fetched yet.
func (r *Relay) PendingBytes(member moot.Key) (bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.pending {
		if slices.Contains(m.undelivered, member) {
			bytes += m.Size
		}
	}
	return bytes
}

// Run handles entries until ctx ends.
func (r *Relay) Run(ctx context.Context) error {
	since, err := r.cfg.Feeds.Vector(ctx)
	if err != nil {
		return err
	}
	for _, kind := range []moot.Kind{moot.KindMessage, moot.KindReceipt} {
		for e, err := range r.cfg.Feeds.Query(ctx, moot.Query{Kind: kind}) {
			if err != nil {
				return err
			}
			r.handleEntry(ctx, e)
		}
	}
	var workers sync.WaitGroup
	defer workers.Wait()
	workers.Go(func() { r.replicateLoop(ctx) })
	for e, err := range r.cfg.Feeds.Watch(ctx, since) {
		if err != nil {
			return err
		}
		r.handleEntry(ctx, e)
	}
	return nil
}

// handleEntry handles one entry.
func (r *Relay) handleEntry(ctx context.Context, e moot.Entry) {
	switch e.Kind {
	case moot.KindMessage:
		r.handleMessage(ctx, e)
	case moot.KindReceipt:
		if id, reader, ok := parseReceiptKey(e.Key); ok && reader == e.Author {
			r.handleReceipt(ctx, id, reader)
		}
		r.wake(func(k moot.Key) bool { return k == e.Author })
	}
}

func (r *Relay) handleMessage(ctx context.Context, e moot.Entry) {
	if e.Deletes() {
		if id, err := moot.ParseBlobID(e.Key); err == nil {
			r.handleRetraction(ctx, id, e.Author)
		}
		return
	}
	env, err := parseEnvelope(e)
	if err != nil {
		return
	}
	r.mu.Lock()
	undelivered := slices.DeleteFunc(slices.Clone(env.To), func(k moot.Key) bool { return k == env.Author })
	if len(undelivered) > 0 && r.pending[env.ID] == nil {
		r.pending[env.ID] = &heldMessage{envelope: env, undelivered: undelivered, firstSeen: r.cfg.Now()}
	}
	r.mu.Unlock()
	r.wake(env.readableBy)
	r.schedule()
}

// wake wakes the accounts that a predicate selects.
func (r *Relay) wake(selects func(moot.Key) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k, a := range r.accounts {
		if selects(k) {
			a.Wake()
		}
	}
}

func (r *Relay) schedule() {
	select {
	case r.wakeup <- struct{}{}:
	default:
	}
}

// handleReceipt removes a recipient; the message is dropped after the last.
func (r *Relay) handleReceipt(ctx context.Context, id moot.BlobID, reader moot.Key) {
	r.mu.Lock()
	m := r.pending[id]
	if m == nil {
		r.mu.Unlock()
		return
	}
	m.undelivered = slices.DeleteFunc(m.undelivered, func(k moot.Key) bool { return k == reader })
	done := len(m.undelivered) == 0
	r.mu.Unlock()
	if done {
		r.finish(ctx, id)
	}
}

// handleRetraction drops a retracted message, unless a recipient here has it.
func (r *Relay) handleRetraction(ctx context.Context, id moot.BlobID, author moot.Key) {
	env, known := r.envelope(ctx, id)
	needed := !known || env.Author != author
	r.mu.Lock()
	for k := range r.accounts {
		needed = needed || k != author && env.readableBy(k)
	}
	r.mu.Unlock()
	if !needed {
		r.remove(id)
		r.drop(ctx, id)
	}
}

// finish stops holding a message, and drops its blob unless a member here needs it.
func (r *Relay) finish(ctx context.Context, id moot.BlobID) {
	r.remove(id)
	r.Reclaim(ctx, id)
}

func (r *Relay) remove(id moot.BlobID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.pending[id]; m != nil && m.held {
		r.heldBytes -= m.Size
	}
	delete(r.pending, id)
}

// Reclaim drops a message's blob, unless a recipient lacks it or a member here has the
// message.
func (r *Relay) Reclaim(ctx context.Context, id moot.BlobID) {
	r.mu.Lock()
	_, undelivered := r.pending[id]
	r.mu.Unlock()
	if undelivered {
		return
	}
	if needed, err := r.needed(ctx, id); err == nil && !needed {
		r.drop(ctx, id)
	}
}

func (r *Relay) drop(ctx context.Context, id moot.BlobID) {
	if !r.cfg.Have(ctx, id) {
		return
	}
	if err := r.cfg.Drop(ctx, id); err != nil && ctx.Err() == nil {
		r.cfg.Log.Warn("drop a message", "message", id, "error", err)
	}
}

// needed reports whether a member here is a recipient and has not removed the message.
func (r *Relay) needed(ctx context.Context, id moot.BlobID) (bool, error) {
	env, known := r.envelope(ctx, id)
	r.mu.Lock()
	var concerned []moot.Key
	for k := range r.accounts {
		if env.readableBy(k) {
			concerned = append(concerned, k)
		}
	}
	r.mu.Unlock()
	if !known {
		return true, nil // its announcement may still arrive
	}
	for _, k := range concerned {
		if removed, err := r.cfg.Index.Removed(ctx, k, id); err != nil || !removed {
			return true, err
		}
	}
	return false, nil
}
