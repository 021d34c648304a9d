package store

import (
	"database/sql"
)

// statements are those of the writer, prepared once.
type statements struct {
	held, raw, name, heads          *sql.Stmt
	fill, insert, grow              *sql.Stmt
	newName, newWords               *sql.Stmt
	supersede, await, arrived, fork *sql.Stmt
}

func (s *Store) prepareStatements() error {
	for stmt, text := range map[**sql.Stmt]string{
		&s.sql.held:  `SELECT id, stripped FROM entries WHERE author = ? AND seq = ?`,
		&s.sql.raw:   `SELECT raw FROM entries WHERE author = ? AND seq = ?`,
		&s.sql.name:  `SELECT id FROM names WHERE kind = ? AND key = ?`,
		&s.sql.heads: `SELECT id, deletes, raw FROM entries WHERE name = ? AND superseded = 0 AND stripped = 0`,
		&s.sql.fill:  `UPDATE entries SET raw = ?, stripped = 0 WHERE id = ? AND superseded = 0`,
		&s.sql.insert: `INSERT INTO entries (id, author, seq, time, name, deletes, superseded, stripped, raw)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		&s.sql.grow: `INSERT INTO feeds (author, seq) VALUES (?, ?)
			ON CONFLICT (author) DO UPDATE SET seq = excluded.seq`,
		&s.sql.newName:   `INSERT INTO names (kind, key) VALUES (?, ?)`,
		&s.sql.newWords:  `INSERT INTO words (rowid, key) VALUES (?, ?)`,
		&s.sql.supersede: `UPDATE entries SET superseded = 1 WHERE id = ? AND name = ?`,
		&s.sql.await:     `INSERT OR IGNORE INTO awaited (id, name) VALUES (?, ?)`,
		&s.sql.arrived:   `DELETE FROM awaited WHERE id = ? AND name = ?`,
		&s.sql.fork:      `INSERT OR IGNORE INTO forks (author, seq, raw) VALUES (?, ?, ?)`,
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
