package store

import (
	"database/sql"
	"sync"
)

// maxQuestions is how many are kept: more than are in use at a time, as they differ only
// in which fields of a query are set.
const maxQuestions = 64

// questions keeps the statements by which a database is read, by their text, which holds
// no values: to prepare a small one takes as long as to answer it.
type questions struct {
	*sql.DB

	mu    sync.Mutex
	stmts map[string]*sql.Stmt
}

func newQuestions(db *sql.DB) *questions { return &questions{DB: db, stmts: map[string]*sql.Stmt{}} }

// Query is [sql.DB.Query].
func (q *questions) Query(text string, args ...any) (*sql.Rows, error) {
	if stmt := q.stmt(text); stmt != nil {
		return stmt.Query(args...)
	}
	return q.DB.Query(text, args...)
}

// QueryRow is [sql.DB.QueryRow].
func (q *questions) QueryRow(text string, args ...any) *sql.Row {
	if stmt := q.stmt(text); stmt != nil {
		return stmt.QueryRow(args...)
	}
	return q.DB.QueryRow(text, args...)
}

// stmt returns nil if there are too many already, or if the text cannot be prepared, of
// which the database itself tells best.
func (q *questions) stmt(text string) *sql.Stmt {
	q.mu.Lock()
	defer q.mu.Unlock()
	if stmt := q.stmts[text]; stmt != nil || len(q.stmts) >= maxQuestions {
		return stmt
	}
	stmt, err := q.Prepare(text)
	if err != nil {
		return nil
	}
	q.stmts[text] = stmt
	return stmt
}
