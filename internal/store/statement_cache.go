package store

import (
	"database/sql"
	"sync"
)

// maxStatements bounds the cache: statements differ only in which fields of a query are
// set, so fewer are in use at a time.
const maxStatements = 64

// statementCache holds prepared statements by their text, which contains no values:
// preparing a small one takes as long as running it.
type statementCache struct {
	*sql.DB

	mu    sync.Mutex
	stmts map[string]*sql.Stmt
}

func newStatementCache(db *sql.DB) *statementCache {
	return &statementCache{DB: db, stmts: map[string]*sql.Stmt{}}
}

// Query is [sql.DB.Query].
func (c *statementCache) Query(text string, args ...any) (*sql.Rows, error) {
	if stmt := c.stmt(text); stmt != nil {
		return stmt.Query(args...)
	}
	return c.DB.Query(text, args...)
}

// QueryRow is [sql.DB.QueryRow].
func (c *statementCache) QueryRow(text string, args ...any) *sql.Row {
	if stmt := c.stmt(text); stmt != nil {
		return stmt.QueryRow(args...)
	}
	return c.DB.QueryRow(text, args...)
}

// stmt returns nil if the cache is full, or if the text cannot be prepared: running it
// then reports why.
func (c *statementCache) stmt(text string) *sql.Stmt {
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
