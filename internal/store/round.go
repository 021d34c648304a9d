package store

import (
	"context"
	"database/sql"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// round is one transaction of the writer.
type round struct {
	*Store
	tx     *sql.Tx
	stored []moot.Entry
	full   bool // nothing more may be stored before this is committed
	gated  bool // an entry was stored on which the gate's judgement depends
}

// round stores as many entries of the batch as belong in one transaction. Whether an
// entry is refused is decided before anything is written for it, so that a refusal
// leaves nothing behind and concerns its own request alone.
func (s *Store) round(batch []*request) {
	r := &round{Store: s}
	touched, err := r.run(batch)
	if err != nil {
		for _, q := range touched {
			q.err = err
		}
		return
	}
	if s.gate != nil {
		for _, e := range r.stored {
			s.gate.Apply(e)
		}
		if r.gated {
			s.forget()
		}
	}
	if len(r.stored) > 0 {
		s.announce()
	}
}

// run returns the requests that entries were taken from. Its error concerns them all.
func (r *round) run(batch []*request) (touched []*request, err error) {
	err = r.writable(context.Background())
	if err == nil {
		r.tx, err = r.write.BeginTx(context.Background(), nil)
	}
	if err != nil {
		return batch, sqlite.Error("begin", err)
	}
	for _, q := range batch {
		if r.full {
			break
		}
		touched = append(touched, q)
		if err = r.take(q); err != nil {
			break
		}
	}
	if err == nil {
		err = r.tx.Commit()
	}
	if err != nil {
		r.tx.Rollback()
		if sqlite.IsFault(err) {
			err = r.stop(err)
		}
	}
	return touched, sqlite.Error("commit", err)
}

// take stores entries of one request. Its error is one of the database.
func (r *round) take(q *request) error {
	for q.next < len(q.entries) && !r.full {
		e := &q.entries[q.next]
		if err := q.ctx.Err(); err != nil {
			q.err = err
			return nil
		}
		refused, err := r.store(e, q.mode)
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

// gates reports whether entries after e are admitted or not depending on e. They
// wait until e is durable and the gate has seen it.
func gates(kind moot.Kind) bool {
	return kind == moot.KindSpace || kind == moot.KindMember || kind == moot.KindInvite
}

// announce wakes those who wait for entries.
func (s *Store) announce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.news)
	s.news = make(chan struct{})
}
