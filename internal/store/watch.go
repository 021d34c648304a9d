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
// arrival, from where it stands, and is only woken by what is stored.
func (s *Store) Watch(ctx context.Context, since moot.Vector) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) {
		if err := s.watch(ctx, since, yield); err != nil && ctx.Err() == nil {
			yield(moot.Entry{}, moot.Wrap("watch", s.orClosed(err)))
		}
	}
}

func (s *Store) watch(ctx context.Context, since moot.Vector, yield func(moot.Entry, error) bool) error {
	p := &history{store: s}
	var err error
	if len(since) > 0 {
		_, p.last, err = s.behind(ctx, since, moot.Key{})
	}
	if err != nil {
		return err
	}
	for live := false; ; {
		stored := s.notified() // before reading, so that nothing stored in between is missed
		entries, err := s.readOn(ctx, p)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !since.Covers(e.Author, e.Seq) && !yield(e, nil) {
				return nil
			}
		}
		if len(entries) == page {
			if err := s.checkLag(p, live); err != nil {
				return err
			}
			continue
		}
		live = true
		select {
		case <-stored:
		case <-s.closing:
			return errClosed()
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Store) readOn(ctx context.Context, p *history) ([]moot.Entry, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	return p.next(page)
}

// checkLag returns an error of kind Unavailable for a watcher that had caught up and
// has fallen behind.
func (s *Store) checkLag(p *history, live bool) error {
	if !live {
		return nil
	}
	var end int64
	if err := s.reads.QueryRow(`SELECT coalesce(max(n), 0) FROM entries`).Scan(&end); err != nil {
		return sqlite.Error("", err)
	}
	if end-p.last > s.maxLag {
		return moot.Errorf(moot.Unavailable, "this watcher has fallen behind by %d entries", end-p.last)
	}
	return nil
}

func (s *Store) notified() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notify
}
