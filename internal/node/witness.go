package node

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/trust"
)

// witness admits newcomers, confirms names and states how far feeds are held, as far as
// the node's member may (docs/trust.md, R12, R17).
type witness struct {
	members *members.Members
	ready   func() error  // why nothing may be written yet
	backlog func() uint64 // the most entries of one feed that nobody has confirmed
	log     *slog.Logger

	wakeup  chan struct{}
	retired atomic.Bool // a device has ended since the last act
	mu      sync.Mutex  // one act at a time
}

// Intervals of the witness. What is submitted here is admitted at once; what others may
// be admitting, too, is left to them for a moment.
const (
	witnessDelay   = 2 * time.Second
	confirmSoon    = 5 * time.Second // between two acts that confirm feeds, while others may soon refuse more
	confirmBacklog = time.Minute     // with a backlog
	confirmAlways  = time.Hour       // and without
)

// deviceRetired has what a device that has forked said last be seen soon.
func (w *witness) deviceRetired() {
	w.retired.Store(true)
	w.wake()
}

func (w *witness) wake() {
	select {
	case w.wakeup <- struct{}{}:
	default:
	}
}

// run witnesses until ctx ends.
func (w *witness) run(ctx context.Context) {
	confirm, confirmed := time.NewTicker(confirmSoon), time.Now()
	defer confirm.Stop()
	delay := time.NewTimer(0)
	defer delay.Stop()
	for {
		select {
		case <-w.wakeup:
			delay.Reset(witnessDelay + rand.N(witnessDelay))
		case <-delay.C:
			w.now(ctx, false)
			if w.retired.Swap(false) {
				w.all(ctx)
			}
		case now := <-confirm.C:
			if now.Sub(confirmed) >= w.interval() {
				w.now(ctx, true)
				confirmed = now
			}
		case <-ctx.Done():
			return
		}
	}
}

// Backlogs of entries of one feed that nobody has confirmed: half of what others take in
// before they refuse more (R21), and a tenth.
const (
	urgentBacklog = trust.MaxBeyond / 2
	manyBacklog   = trust.MaxBeyond / 10
)

// interval is the time between two acts that confirm feeds, as things are.
func (w *witness) interval() time.Duration {
	switch n := w.backlog(); {
	case n >= urgentBacklog:
		return confirmSoon
	case n >= manyBacklog:
		return confirmBacklog
	}
	return confirmAlways
}

// now says what there is to say.
func (w *witness) now(ctx context.Context, feeds bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ready() != nil {
		return
	}
	if _, err := w.members.Witness(ctx, feeds); err != nil && ctx.Err() == nil {
		w.log.Warn("admit newcomers", "error", err)
	}
}

// all says that everything was seen, also the last acts of devices that have forked.
func (w *witness) all(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ready() != nil {
		return
	}
	if err := w.members.WitnessAll(ctx); err != nil && ctx.Err() == nil {
		w.log.Warn("witness", "error", err)
	}
}

// admit admits the joins that wait.
func (w *witness) admit(ctx context.Context) error {
	w.now(ctx, false)
	return ctx.Err()
}

// admitting is a node that admits at once who joins through it.
type admitting struct {
	moot.Node
	witness *witness
}

// Append implements moot.Feeds.
func (n admitting) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	err := n.Node.Append(ctx, mode, entries...)
	if moot.KindOf(err) == moot.Full && n.witness.backlog() >= urgentBacklog {
		n.witness.now(ctx, true)
		err = n.Node.Append(ctx, mode, entries...)
	}
	if err == nil && slices.ContainsFunc(entries, isClaim) {
		n.witness.now(ctx, false)
	}
	return err
}

// isClaim reports whether an entry waits for a witness.
func isClaim(e moot.Entry) bool {
	return e.Kind == moot.KindAct && (e.Key == trust.KindJoin || e.Key == trust.KindRename)
}
