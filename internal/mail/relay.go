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
	Feeds  moot.Feeds // this machine's store
	Index  *Index
	Self   moot.Key // this machine's device
	Roster Roster

	// Have reports whether this node holds a blob; Fetch stores it here; Drop removes
	// it.
	Have  func(context.Context, moot.BlobID) bool
	Fetch func(context.Context, moot.BlobID) error
	Drop  func(context.Context, moot.BlobID) error
	// Online returns the devices that are connected now.
	Online func() []moot.Key

	Limits func() Limits
	Now    func() time.Time
	Log    *slog.Logger
}

// Limits bound what a node holds for others.
type Limits struct {
	// All holds every message, as on a server, until all its readers have removed it, so
	// that a device that is added later gets it, too.
	All    bool          `json:"all,omitempty"`
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
// and holds messages for other devices until there is a receipt from every device of
// every reader (store and forward), so that a message arrives although its author is
// offline. The author's other devices are among them: they show what was sent.
type Relay struct {
	cfg RelayConfig

	mu        sync.Mutex
	accounts  map[moot.Key]*Account        // by device
	pending   map[moot.BlobID]*heldMessage // without a receipt from every device
	heldBytes int64                        // bytes held for others
	wakeup    chan struct{}

	live      bool                 // entries are handed to accounts
	handled   uint64               // entries since the start
	stretches map[moot.Key]stretch // what was handed over
}

// heldMessage is a message that this node may hold for its readers.
type heldMessage struct {
	envelope
	waiting   []moot.MemberID // readers who have not removed it
	delivered []moot.Key      // devices with a receipt, and the author's
	firstSeen time.Time       // when this node read its announcement
	held      bool
}

// undelivered returns the devices that a message has not reached.
func (m *heldMessage) undelivered(roster Roster) (list []moot.Key) {
	for _, id := range m.waiting {
		member, _ := roster.Member(id)
		for _, k := range acting(member) {
			if !slices.Contains(m.delivered, k) {
				list = append(list, k)
			}
		}
	}
	return list
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
	r.accounts[a.Device()] = a
	r.admit(a)
}

// IsMessage reports whether a blob is an announced message.
func (r *Relay) IsMessage(ctx context.Context, id moot.BlobID) bool {
	list, err := r.envelopes(ctx, id)
	return err == nil && len(list) > 0
}

// envelopes returns the announcements of a message, retracted ones included. Several
// members may announce one blob.
func (r *Relay) envelopes(ctx context.Context, id moot.BlobID) (list []envelope, err error) {
	all, err := collect(ctx, r.cfg.Feeds, moot.Query{Kind: moot.KindMessage, Key: id.String(), History: true})
	for _, e := range all {
		author, known := r.cfg.Roster.Owner(e.Author)
		if env, err := parseEnvelope(e, author); err == nil && known {
			list = append(list, env)
		}
	}
	return list, err
}

// receipts returns the devices that have acknowledged a message.
func (r *Relay) receipts(ctx context.Context, id moot.BlobID) (devices []moot.Key, err error) {
	all, err := collect(ctx, r.cfg.Feeds, moot.Query{Kind: moot.KindReceipt, Prefix: id.String() + "/"})
	for _, e := range all {
		if e.Key == receiptKey(id, e.Author) && !e.Deletes() {
			devices = append(devices, e.Author)
		}
	}
	return devices, err
}

// PendingBytes returns the size of the messages that no device of a member has fetched
// yet.
func (r *Relay) PendingBytes(member moot.MemberID) (bytes int64) {
	who, _ := r.cfg.Roster.Member(member)
	devices := acting(who)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.pending {
		fetched := slices.ContainsFunc(devices, func(k moot.Key) bool { return slices.Contains(m.delivered, k) })
		if !fetched && slices.Contains(m.waiting, member) {
			bytes += m.Size
		}
	}
	return bytes
}

// Run handles entries until ctx ends.
func (r *Relay) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	defer workers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for first := true; ; first = false {
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
		if first {
			workers.Go(func() { r.replicateLoop(ctx) })
		}
		if err := r.follow(ctx, since); moot.KindOf(err) != moot.Unavailable || ctx.Err() != nil {
			return err
		}
		r.cfg.Log.Warn("so many entries came that they are read anew")
	}
}

// handleEntry handles one entry. It returns its author, if that is known.
func (r *Relay) handleEntry(ctx context.Context, e moot.Entry) (author moot.MemberID, known bool) {
	author, known = r.cfg.Roster.Owner(e.Author)
	if !known {
		return author, false
	}
	switch e.Kind {
	case moot.KindMessage:
		r.handleMessage(ctx, e, author)
	case moot.KindReceipt:
		if id, device, ok := parseReceiptKey(e.Key); ok && device == e.Author {
			r.handleReceipt(ctx, id, device)
		}
		if member, id, ok := parseFilingKey(e.Key); ok && member == author && e.Deletes() {
			r.handleRemoval(ctx, id, member)
		}
	}
	return author, true
}

func (r *Relay) handleMessage(ctx context.Context, e moot.Entry, author moot.MemberID) {
	if e.Deletes() {
		if id, err := moot.ParseBlobID(e.Key); err == nil {
			r.handleRetraction(ctx, id, author)
		}
		return
	}
	env, err := parseEnvelope(e, author)
	if err != nil {
		return
	}
	if broadcast := len(env.To) == 0 && !env.Private; !broadcast { // everybody fetches that
		r.await(ctx, env)
	}
	r.schedule()
}

// await takes note of the devices that are to get a message.
func (r *Relay) await(ctx context.Context, env envelope) {
	delivered, err := r.receipts(ctx, env.ID) // which may have come before the announcement
	if err != nil {
		r.cfg.Log.Warn("read receipts", "message", env.ID, "error", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.pending[env.ID]
	if m == nil {
		m = &heldMessage{envelope: env, firstSeen: r.cfg.Now()}
	}
	for _, k := range append(delivered, env.Device) {
		if !slices.Contains(m.delivered, k) {
			m.delivered = append(m.delivered, k)
		}
	}
	for _, id := range env.readers() {
		if !slices.Contains(m.waiting, id) {
			m.waiting = append(m.waiting, id)
		}
	}
	if len(m.undelivered(r.cfg.Roster)) > 0 {
		r.pending[env.ID] = m
	}
}

func (r *Relay) schedule() {
	select {
	case r.wakeup <- struct{}{}:
	default:
	}
}

// handleReceipt takes note that a device has a message; it is dropped after the last.
func (r *Relay) handleReceipt(ctx context.Context, id moot.BlobID, device moot.Key) {
	r.mu.Lock()
	m := r.pending[id]
	if m != nil && !slices.Contains(m.delivered, device) {
		m.delivered = append(m.delivered, device)
	}
	done := m != nil && len(m.undelivered(r.cfg.Roster)) == 0
	r.mu.Unlock()
	if !done {
		return
	}
	r.remove(id)
	if needed, err := r.hosted(ctx, m.envelope); err != nil || !needed { // else there is nothing to look for
		r.Reclaim(ctx, id)
	}
}

// handleRemoval takes note that a member has removed a message: its devices need it no
// more.
func (r *Relay) handleRemoval(ctx context.Context, id moot.BlobID, member moot.MemberID) {
	r.mu.Lock()
	m := r.pending[id]
	if m != nil {
		m.waiting = slices.DeleteFunc(m.waiting, func(k moot.MemberID) bool { return k == member })
	}
	done := m == nil || len(m.undelivered(r.cfg.Roster)) == 0
	r.mu.Unlock()
	if done {
		r.finish(ctx, id)
	}
}

// handleRetraction drops a message that its author retracted, unless another reader may
// have it.
func (r *Relay) handleRetraction(ctx context.Context, id moot.BlobID, author moot.MemberID) {
	list, err := r.envelopes(ctx, id)
	if err != nil || slices.ContainsFunc(list, func(env envelope) bool { return env.Author != author || r.keeps(ctx, env) }) {
		return
	}
	r.remove(id)
	r.drop(ctx, id)
}

// keeps reports whether a reader other than its author may have a message from here: one
// with an account, or, on a node that holds all messages, one with a receipt.
func (r *Relay) keeps(ctx context.Context, env envelope) bool {
	r.mu.Lock()
	for _, a := range r.accounts {
		if a.Member() != env.Author && env.readableBy(a.Member()) {
			r.mu.Unlock()
			return true
		}
	}
	r.mu.Unlock()
	if !r.cfg.Limits().All {
		return false
	}
	devices, err := r.receipts(ctx, env.ID)
	return err != nil || slices.ContainsFunc(devices, func(k moot.Key) bool {
		owner, _ := r.cfg.Roster.Owner(k)
		return owner != env.Author && env.readableBy(owner)
	})
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

// Reclaim drops a message's blob, unless a device lacks it or a member here has the
// message.
func (r *Relay) Reclaim(ctx context.Context, id moot.BlobID) {
	r.mu.Lock()
	_, undelivered := r.pending[id]
	r.mu.Unlock()
	if undelivered || !r.cfg.Have(ctx, id) {
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
