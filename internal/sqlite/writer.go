package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// Writer is the only writer of a database. What is asked for while a transaction is being
// made durable is done together in the next one (group commit: Gawlick and Kinkade, 1985).
type Writer struct {
	db *Statements

	queueMu sync.Mutex
	queue   []*write

	mu sync.Mutex // held by who runs transactions
}

// write is one call of Do.
type write struct {
	do   func(*Tx) error
	err  error
	done bool
}

// maxWrites is how many calls share a transaction.
const maxWrites = 64

// NewWriter returns the writer of a database with one connection.
func NewWriter(db *sql.DB) *Writer { return &Writer{db: NewStatements(db)} }

// Do runs do in a transaction, which is durable when it returns nil. do is called again if
// the transaction failed that it shared with others.
func (w *Writer) Do(ctx context.Context, do func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &write{do: do}
	w.queueMu.Lock()
	w.queue = append(w.queue, r)
	w.queueMu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	for !r.done {
		w.run(w.next())
	}
	return r.err
}

func (w *Writer) next() []*write {
	w.queueMu.Lock()
	defer w.queueMu.Unlock()
	n := min(len(w.queue), maxWrites)
	batch := w.queue[:n:n]
	w.queue = w.queue[n:]
	return batch
}

// run does all of a batch in one transaction, or each by itself if that fails.
func (w *Writer) run(batch []*write) {
	err := w.commit(batch)
	if err != nil && len(batch) > 1 {
		for _, r := range batch {
			w.run([]*write{r})
		}
		return
	}
	for _, r := range batch {
		r.err, r.done = err, true
	}
}

func (w *Writer) commit(batch []*write) error {
	tx, err := w.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	t := &Tx{tx: tx, db: w.db}
	for _, r := range batch {
		if err := r.do(t); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	for _, text := range t.missed { // now that the connection is free
		w.db.stmt(text)
	}
	return nil
}

// Tx is a transaction of a Writer, whose statements are prepared once.
type Tx struct {
	tx     *sql.Tx
	db     *Statements
	missed []string // texts to prepare when the transaction has ended
}

// Exec is [sql.Tx.Exec].
func (t *Tx) Exec(text string, args ...any) (sql.Result, error) {
	if stmt := t.stmt(text); stmt != nil {
		return stmt.Exec(args...)
	}
	return t.tx.Exec(text, args...)
}

// Query is [sql.Tx.Query].
func (t *Tx) Query(text string, args ...any) (*sql.Rows, error) {
	if stmt := t.stmt(text); stmt != nil {
		return stmt.Query(args...)
	}
	return t.tx.Query(text, args...)
}

// QueryRow is [sql.Tx.QueryRow].
func (t *Tx) QueryRow(text string, args ...any) *sql.Row {
	if stmt := t.stmt(text); stmt != nil {
		return stmt.QueryRow(args...)
	}
	return t.tx.QueryRow(text, args...)
}

func (t *Tx) stmt(text string) *sql.Stmt {
	if stmt := t.db.cached(text); stmt != nil {
		return t.tx.Stmt(stmt)
	}
	t.missed = append(t.missed, text)
	return nil
}
