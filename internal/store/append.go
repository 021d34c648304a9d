package store

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

// request is one call of Append on its way through the writer.
type request struct {
	ctx     context.Context //nolint:containedctx // a call, sent to the writer
	mode    moot.Mode
	entries []prepared
	next    int        // index of the first entry not yet processed
	err     error      // why that entry was refused
	done    chan error // receives the outcome, once; buffered
}

// prepared is an entry whose signature has been verified.
type prepared struct {
	moot.Entry
	raw []byte // as feed.Encode writes it

	// Once its place is known:
	at     moot.Position
	begins *moot.Position // the entry that a new branch begins after; else nil
	n      int64          // its number in the order of arrival
}

// Append implements [moot.Feeds]. Entries before the one at fault are stored. Once
// the writer has taken the entries the outcome is waited for, even if ctx ends.
func (s *Store) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	if err := s.writable(ctx); err != nil {
		return moot.Wrap("append", err)
	}
	ready, bad := prepare(entries)
	if len(ready) > 0 {
		r := &request{ctx: ctx, mode: mode, entries: ready, done: make(chan error, 1)}
		if err := s.submit(r); err != nil {
			return moot.Wrap("append", err)
		}
	}
	return moot.Wrap("append", bad)
}

// submit queues the request for the writer and waits for its outcome.
func (s *Store) submit(r *request) error {
	select {
	case s.requests <- r:
		return <-r.done
	case <-s.closing:
		return errClosed()
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// prepare verifies entries on all processors and returns those before the first
// bad one, and what is wrong with that one.
func prepare(entries []moot.Entry) ([]prepared, error) {
	ready := make([]prepared, len(entries))
	errs := make([]error, len(entries))
	workers := min(runtime.GOMAXPROCS(0), len(entries))
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(entries); i += workers {
				ready[i], errs[i] = prepareOne(entries[i])
			}
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return ready[:i], err
		}
	}
	return ready, nil
}

// prepareOne verifies what is going to be stored: not the entry as it was given but
// as it will be decoded, with an ID that is computed.
func prepareOne(e moot.Entry) (prepared, error) {
	raw := feed.Encode(e)
	e, err := feed.Decode(raw)
	if err != nil {
		return prepared{}, err
	}
	if err := feed.Verify(e); err != nil {
		return prepared{}, err
	}
	if e.Seq > math.MaxInt64 || e.Time > math.MaxInt64 {
		return prepared{}, moot.Errorf(moot.Invalid, "entry %d of %s has a number or time out of range", e.Seq, e.Author.Short())
	}
	return prepared{Entry: e, raw: raw}, nil
}

// Limits of one transaction.
const (
	maxBatch   = 4096 // entries, about
	maxWaiting = 1024 // requests
)

// writeLoop is the writer: it commits in one transaction all that arrived while the
// one before was being made durable (group commit: Gawlick and Kinkade, 1985).
func (s *Store) writeLoop() {
	defer close(s.done)
	for {
		select {
		case r := <-s.requests:
			s.commitAll(s.gather(r))
		case <-s.closing:
			return
		}
	}
}

// gather returns r and the requests that wait behind it.
func (s *Store) gather(r *request) []*request {
	batch, entries := []*request{r}, len(r.entries)
	for entries < maxBatch && len(batch) < maxWaiting {
		select {
		case r := <-s.requests:
			batch, entries = append(batch, r), entries+len(r.entries)
		default:
			return batch
		}
	}
	return batch
}

// commitAll runs transactions until every request is answered.
func (s *Store) commitAll(batch []*request) {
	for len(batch) > 0 {
		s.commit(batch)
		batch = slices.DeleteFunc(batch, func(r *request) bool {
			if r.err == nil && r.next < len(r.entries) {
				return false
			}
			r.done <- r.err
			return true
		})
	}
}
