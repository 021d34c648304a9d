package store

import (
	"context"
	"iter"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// defaultLag is by how many entries a watcher may fall behind once it has caught up.
const defaultLag = 1 << 16

// Watch implements [moot.Feeds]. There is no queue for each watcher that could
// overflow or leave a gap: a watcher reads on in the catalogue, in the order of
// arrival, from where it stands, and is only woken by what is stored. Entries that come
// into the view late are read when its revision has grown. An entry may be
// yielded twice if that happens while it is read.
func (s *Store) Watch(ctx context.Context, since moot.Vector) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) {
		w := &watcher{store: s, yield: yield, revision: s.view.revision.Load()}
		if err := w.run(ctx, since); err != nil && ctx.Err() == nil {
			yield(moot.Entry{}, moot.Wrap("watch", s.orClosed(err)))
		}
	}
}

// watcher is one Watch.
type watcher struct {
	store   *Store
	yield   func(moot.Entry, error) bool
	pages   *history
	live    bool // everything that was stored before has been yielded
	stopped bool // by yield

	revision uint64 // of the view, as far as it was followed
}

func (w *watcher) run(ctx context.Context, since moot.Vector) error {
	var err error
	if w.pages, err = w.store.history(filter{}, moot.Query{History: true, Since: since}); err != nil {
		return err
	}
	if w.pages.lag != "" {
		w.pages.where.add("e.n <= ?", w.pages.until)
	}
	for {
		stored := w.store.notified() // before reading, so that nothing stored in between is missed
		full, err := w.step(ctx)
		if err != nil || w.stopped {
			return err
		}
		if full {
			continue
		}
		if w.pages.lag != "" { // from now on, everything
			w.pages = &history{store: w.store, last: w.pages.until}
			w.pages.where.add("e.hidden = 0")
			continue
		}
		w.live = true
		select {
		case <-stored:
		case <-w.store.closing:
			return errClosed()
		case <-ctx.Done():
			return nil
		}
	}
}

// step yields a page, and reports whether there may be more.
func (w *watcher) step(ctx context.Context) (full bool, err error) {
	if err := w.yieldAgain(ctx); err != nil || w.stopped {
		return false, err
	}
	entries, err := w.read(ctx, w.pages)
	if err != nil {
		return false, err
	}
	full = len(entries) == page
	return full, w.checkLag(full)
}

// yieldAgain yields entries before the page that came into the view since it was called.
func (w *watcher) yieldAgain(ctx context.Context) error {
	now := w.store.view.revision.Load()
	if now == w.revision {
		return nil
	}
	again := &history{store: w.store}
	again.where.add("e.hidden = 0 AND e.revision > ? AND e.n <= ?", int64(w.revision), max(w.pages.last, w.pages.until))
	w.revision = now
	for {
		entries, err := w.read(ctx, again)
		if err != nil || w.stopped || len(entries) < page {
			return err
		}
	}
}

// read yields the next page of p.
func (w *watcher) read(ctx context.Context, p *history) ([]moot.Entry, error) {
	if err := w.store.usable(ctx); err != nil {
		return nil, err
	}
	entries, err := p.next(page)
	for _, e := range entries {
		if !w.yield(e, nil) {
			w.stopped = true
			break
		}
	}
	return entries, err
}

// checkLag returns an error of kind Unavailable for a watcher that had caught up and
// has fallen behind.
func (w *watcher) checkLag(full bool) error {
	if !full || !w.live {
		return nil
	}
	var end int64
	if err := w.store.reads.QueryRow(`SELECT coalesce(max(n), 0) FROM entries`).Scan(&end); err != nil {
		return sqlite.Error("", err)
	}
	if lag := end - w.pages.last; lag > w.store.maxLag {
		return moot.Errorf(moot.Unavailable, "this watcher has fallen behind by %d entries", lag)
	}
	return nil
}

func (s *Store) notified() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notify
}
