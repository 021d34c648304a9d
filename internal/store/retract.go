package store

import (
	"context"
	"database/sql"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/sqlite"
)

// retractExcess retracts the entries beyond the gate's limits after membership has
// changed. A failure is logged, and repaired with the next change or on opening.
func (s *Store) retractExcess() {
	if s.gate == nil {
		return
	}
	ends, err := s.ends(context.Background())
	for author, seq := range ends {
		last, limited := s.gate.Limit(author)
		if err != nil || !limited || seq <= last {
			continue
		}
		var dropped int
		dropped, err = s.retract(author, last)
		s.log.Info("retracted entries of a revoked member", "member", author, "entries", dropped)
	}
	if err != nil {
		s.log.Error("entries of a revoked member could not be retracted", "error", err)
	}
}

// retract removes the entries of an author after number last, and what they superseded:
// a revocation voids them, and nodes that received them before it must come to the same
// view as those that did not.
func (s *Store) retract(author moot.Key, last uint64) (dropped int, err error) {
	tx, err := s.write.Begin()
	if err != nil {
		return 0, sqlite.Error("retract", err)
	}
	defer tx.Rollback()
	names, dropped, err := dropAfter(tx, author, last)
	for _, name := range names {
		if err == nil {
			err = recount(tx, name)
		}
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil && sqlite.IsFault(err) {
		err = s.stop(err)
	}
	return dropped, sqlite.Error("retract", err)
}

// dropAfter removes the entries, and returns the names they were about.
func dropAfter(tx *sql.Tx, author moot.Key, last uint64) (names []int64, dropped int, err error) {
	rows, err := tx.Query(`SELECT DISTINCT name FROM entries WHERE author = ? AND seq > ?`, author[:], int64(last))
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var name int64
		if err := rows.Scan(&name); err != nil {
			return nil, 0, err
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil || len(names) == 0 {
		return nil, 0, err
	}
	res, err := tx.Exec(`DELETE FROM entries WHERE author = ? AND seq > ?`, author[:], int64(last))
	if err != nil {
		return nil, 0, err
	}
	n, err := res.RowsAffected()
	if err == nil {
		_, err = tx.Exec(`UPDATE feeds SET seq = ? WHERE author = ?`, int64(last), author[:])
	}
	return names, int(n), err
}

// recount computes anew which versions of a name are superseded.
func recount(tx *sql.Tx, name int64) error {
	rows, err := tx.Query(`SELECT raw FROM entries WHERE name = ?`, name)
	if err != nil {
		return err
	}
	defer rows.Close()
	held, replaced := map[moot.EntryID]bool{}, map[moot.EntryID]bool{}
	for rows.Next() {
		var raw []byte
		if err := rows.Scan(&raw); err != nil {
			return err
		}
		e, err := feed.Decode(raw)
		if err != nil {
			return err
		}
		held[e.ID] = true
		for _, id := range e.Replaces {
			replaced[id] = true
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM awaited WHERE name = ?`, name); err != nil {
		return err
	}
	for id := range held {
		if _, err := tx.Exec(`UPDATE entries SET superseded = ? WHERE id = ?`, replaced[id], id[:]); err != nil {
			return err
		}
	}
	for id := range replaced {
		if held[id] {
			continue
		}
		if _, err := tx.Exec(`INSERT OR IGNORE INTO awaited (id, name) VALUES (?, ?)`, id[:], name); err != nil {
			return err
		}
	}
	return nil
}
