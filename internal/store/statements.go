package store

import (
	"database/sql"
)

// statements are those of the writer, prepared once.
type statements struct {
	held, position, prev, branches *sql.Stmt
	name, heads                    *sql.Stmt
	fill, insert, grow, begin      *sql.Stmt
	newName, newWords              *sql.Stmt
	supersede, await, arrived      *sql.Stmt
}

func (s *Store) prepareStatements() error {
	for stmt, text := range map[**sql.Stmt]string{
		&s.sql.held:     `SELECT stripped FROM entries WHERE id = ?`,
		&s.sql.position: `SELECT author, branch, seq FROM entries WHERE id = ?`,
		&s.sql.prev: `SELECT e.branch, b.seq, e.raw FROM entries e
			JOIN branches b ON b.author = e.author AND b.branch = e.branch WHERE e.id = ?`,
		&s.sql.branches: `SELECT count(*) FROM branches WHERE author = ?`,
		&s.sql.name:     `SELECT id FROM names WHERE kind = ? AND key = ?`,
		&s.sql.heads:    `SELECT id, deletes, raw FROM entries WHERE name = ? AND superseded = 0 AND hidden = 0 AND stripped = 0`,
		&s.sql.fill:     `UPDATE entries SET raw = ?, stripped = 0 WHERE id = ? AND superseded = 0`,
		&s.sql.insert: `INSERT INTO entries (id, author, branch, seq, time, name, deletes, superseded, stripped, hidden, revision, raw)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)`,
		&s.sql.grow:      `UPDATE branches SET seq = ?, id = ? WHERE author = ? AND branch = ?`,
		&s.sql.begin:     `INSERT INTO branches (author, branch, parent, parent_seq, seq, id) VALUES (?, ?, ?, ?, ?, ?)`,
		&s.sql.newName:   `INSERT INTO names (kind, key) VALUES (?, ?)`,
		&s.sql.newWords:  `INSERT INTO words (rowid, key) VALUES (?, ?)`,
		&s.sql.supersede: `UPDATE entries SET superseded = 1 WHERE id = ? AND name = ?`,
		&s.sql.await:     `INSERT OR IGNORE INTO awaited (id, name) VALUES (?, ?)`,
		&s.sql.arrived:   `DELETE FROM awaited WHERE id = ? AND name = ?`,
	} {
		var err error
		if *stmt, err = s.write.Prepare(text); err != nil {
			return err
		}
	}
	return nil
}

func (b *commitBatch) exec(stmt *sql.Stmt, args ...any) (sql.Result, error) {
	return b.tx.Stmt(stmt).Exec(args...)
}

func (b *commitBatch) row(stmt *sql.Stmt, args ...any) *sql.Row {
	return b.tx.Stmt(stmt).QueryRow(args...)
}
