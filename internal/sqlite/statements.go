package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// maxStatements bounds a cache: statements differ only in which fields of a query are
// set, so fewer are in use at a time.
const maxStatements = 64

// Statements is a database with a cache of prepared statements by their text, which
// contains no values: preparing a small one takes as long as running it.
type Statements struct {
	*sql.DB

	mu    sync.Mutex
	stmts map[string]*sql.Stmt
}

// NewStatements returns a database with an empty cache.
func NewStatements(db *sql.DB) *Statements {
	return &Statements{DB: db, stmts: map[string]*sql.Stmt{}}
}

// Query is [sql.DB.Query].
func (c *Statements) Query(text string, args ...any) (*sql.Rows, error) {
	if stmt := c.stmt(text); stmt != nil {
		return stmt.Query(args...)
	}
	return c.DB.Query(text, args...)
}

// QueryRow is [sql.DB.QueryRow].
func (c *Statements) QueryRow(text string, args ...any) *sql.Row {
	if stmt := c.stmt(text); stmt != nil {
		return stmt.QueryRow(args...)
	}
	return c.DB.QueryRow(text, args...)
}

// QueryContext is [sql.DB.QueryContext].
func (c *Statements) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if stmt := c.stmt(text); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	return c.DB.QueryContext(ctx, text, args...)
}

// QueryRowContext is [sql.DB.QueryRowContext].
func (c *Statements) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	if stmt := c.stmt(text); stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return c.DB.QueryRowContext(ctx, text, args...)
}

// stmt returns nil if the cache is full, or if the text cannot be prepared: running it
// then reports why.
func (c *Statements) stmt(text string) *sql.Stmt {
	c.mu.Lock()
	defer c.mu.Unlock()
	if stmt := c.stmts[text]; stmt != nil || len(c.stmts) >= maxStatements {
		return stmt
	}
	stmt, err := c.Prepare(text)
	if err != nil {
		return nil
	}
	c.stmts[text] = stmt
	return stmt
}

// cached returns a statement that was prepared before, or nil.
func (c *Statements) cached(text string) *sql.Stmt {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stmts[text]
}
