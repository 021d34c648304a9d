package store

import (
	"context"
	"database/sql"

	"github.com/mootspace/moot/internal/sqlite"
)

// commitBatch is one transaction of the writer.
type commitBatch struct {
	*Store
	tx     *sql.Tx
	stored []*prepared
	full   bool // nothing more may be stored before this is committed

	held    Held
	heldErr error // of the database
}

// commit stores as many entries of the batch as belong in one transaction. Whether an
// entry is refused is decided before anything is written for it, so that a refusal
// leaves nothing behind and concerns its own request alone.
func (s *Store) commit(batch []*request) {
	b := &commitBatch{Store: s}
	touched, err := b.run(batch)
	if err != nil {
		for _, q := range touched {
			q.err = err
		}
		return
	}
	s.apply(b.stored)
	if len(b.stored) > 0 {
		s.notifyWatchers()
	}
}

// run returns the requests that entries were taken from. Its error concerns them all.
func (b *commitBatch) run(batch []*request) (touched []*request, err error) {
	err = b.writable(context.Background())
	if err == nil {
		b.tx, err = b.write.BeginTx(context.Background(), nil)
	}
	if err != nil {
		return batch, sqlite.Error("begin", err)
	}
	b.held = lookUp(b.tx.Stmt(b.sql.position), &b.heldErr)
	for _, q := range batch {
		if b.full {
			break
		}
		touched = append(touched, q)
		if err = b.take(q); err != nil {
			break
		}
	}
	if err == nil {
		err = b.commitTx()
	}
	if err != nil {
		b.tx.Rollback()
		if sqlite.IsFault(err) {
			err = b.stop(err)
		}
	}
	return touched, sqlite.Error("commit", err)
}

// take stores entries of one request. Its error is one of the database.
func (b *commitBatch) take(q *request) error {
	for q.next < len(q.entries) && !b.full {
		e := &q.entries[q.next]
		if err := q.ctx.Err(); err != nil {
			q.err = err
			return nil
		}
		refused, err := b.store(e, q.mode)
		if err != nil {
			return err
		}
		if refused != nil {
			q.err = refused
			return nil
		}
		q.next++
	}
	return nil
}

// commitTx commits, together with what the gate has been told of meanwhile.
func (b *commitBatch) commitTx() error {
	applied := b.view.applied
	if applied > b.view.saved && len(b.view.uncounted) == 0 {
		if err := setCounter(b.tx, "applied", uint64(applied)); err != nil {
			return err
		}
	}
	err := b.tx.Commit()
	if err == nil && len(b.view.uncounted) == 0 {
		b.view.saved = applied
	}
	return err
}

// notifyWatchers wakes every Watch that waits for entries.
func (s *Store) notifyWatchers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.notify)
	s.notify = make(chan struct{})
}
