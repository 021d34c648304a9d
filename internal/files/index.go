package files

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

// Index is a node's view of all files: the tree that its own entries make, in memory. It
// is read when it is first used, and is up to date whenever it is viewed.
type Index struct {
	feeds moot.Feeds
	cfg   IndexConfig
	busy  chan struct{} // room for one: who brings it up to date

	mu     sync.RWMutex // guards what follows; not held while entries are read
	tree   *tree.Tree   // nil until it is first used
	cursor moot.Vector  // of the entries in it
}

// IndexConfig shapes an Index; the zero value is silent.
type IndexConfig struct {
	// Author returns what a conflict copy calls a device's member; nil: the key's short form.
	Author func(device moot.Key) string
	Log    *slog.Logger
}

// NewIndex returns the index of a node's own entries.
func NewIndex(feeds moot.Feeds, cfg IndexConfig) *Index {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Index{feeds: feeds, cfg: cfg, busy: make(chan struct{}, 1)}
}

// View calls read with the tree of all entries that are held. read must neither change the
// tree, nor wait for anything, nor use the tree after it has returned.
func (x *Index) View(ctx context.Context, read func(*tree.Tree) error) error {
	if err := x.update(ctx); err != nil {
		return err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	return read(x.tree)
}

// update takes in the entries that are held.
func (x *Index) update(ctx context.Context) error {
	now, err := x.feeds.Vector(ctx)
	if err != nil || x.covers(now) {
		return err
	}
	select {
	case x.busy <- struct{}{}:
		defer func() { <-x.busy }()
	case <-ctx.Done():
		return moot.Wrap("read the names of the files", ctx.Err())
	}
	if now, err = x.feeds.Vector(ctx); err != nil || x.covers(now) {
		return err
	}
	if x.tree == nil || now.Shown != x.cursor.Shown { // some entries began to count, or no longer do
		return x.rebuild(ctx, now)
	}
	err = x.read(ctx, x.cursor, func(batch []moot.Entry) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.tree.ApplyAll(slices.Values(batch), x.refused)
	})
	if err == nil {
		x.set(x.tree, now)
	}
	return err
}

func (x *Index) rebuild(ctx context.Context, now moot.Vector) error {
	t := tree.New(tree.Config{Author: x.cfg.Author})
	err := x.read(ctx, moot.Vector{}, func(batch []moot.Entry) { t.ApplyAll(slices.Values(batch), x.refused) })
	if err == nil {
		x.set(t, now)
	}
	return err
}

func (x *Index) set(t *tree.Tree, cursor moot.Vector) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tree, x.cursor = t, cursor
}

func (x *Index) covers(now moot.Vector) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.tree != nil && x.cursor.Equal(now)
}

func (x *Index) refused(e moot.Entry, err error) {
	x.cfg.Log.Debug("an entry about files that makes no sense", "author", e.Author, "error", err)
}

// readBatch is how many entries are taken in at once.
const readBatch = 512

// read reads the entries about files that since does not cover.
func (x *Index) read(ctx context.Context, since moot.Vector, apply func([]moot.Entry)) error {
	for _, kind := range []moot.Kind{moot.KindFile, moot.KindChange} {
		var batch []moot.Entry
		for e, err := range x.feeds.Query(ctx, moot.Query{Kind: kind, History: true, Since: since}) {
			if err != nil {
				return err
			}
			if e.Kind != kind {
				continue
			}
			if batch = append(batch, e); len(batch) == readBatch {
				apply(batch)
				batch = batch[:0]
			}
		}
		if len(batch) > 0 {
			apply(batch)
		}
	}
	return ctx.Err()
}

// watchAgain is how long a watch that failed is not begun again.
const watchAgain = time.Second

// Changed signals, at once and whenever files may have changed, until ctx ends; then the
// channel is closed. Several changes may make one signal.
func (x *Index) Changed(ctx context.Context) <-chan struct{} {
	changed := make(chan struct{}, 1)
	go func() {
		defer close(changed)
		for ctx.Err() == nil {
			x.watch(ctx, changed)
			select {
			case <-time.After(watchAgain):
			case <-ctx.Done():
			}
		}
	}()
	return changed
}

// watch signals changes until ctx ends or the store's watch fails.
func (x *Index) watch(ctx context.Context, changed chan<- struct{}) {
	since, err := x.feeds.Vector(ctx)
	if err != nil {
		return
	}
	signal(changed) // for what came before
	for e, err := range x.feeds.Watch(ctx, since) {
		if err != nil {
			return
		}
		switch e.Kind {
		case moot.KindFile, moot.KindChange, moot.KindAct: // an act may decide what counts
			signal(changed)
		}
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
