package store

import (
	"context"
	"database/sql"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/sqlite"
)

// recount asks the gate which stored entries of the authors in s.view.uncounted count, and
// brings the merged view in line with it. Nothing is dropped.
func (s *Store) recount() error {
	if err := s.writable(context.Background()); err != nil {
		return err
	}
	tx, err := s.write.Begin()
	if err != nil {
		return sqlite.Error("", err)
	}
	defer tx.Rollback()
	c := &counting{tx: tx, revision: s.view.revision.Load() + 1, names: map[int64]bool{}}
	for author := range s.view.uncounted {
		if err == nil {
			err = c.author(s.gate, author)
		}
	}
	for name := range c.names {
		if err == nil {
			err = c.name(name)
		}
	}
	if err == nil && c.changed == 0 { // that the gate was asked is stored with the next entry
		return nil
	}
	if err == nil {
		err = setCounter(tx, "revision", c.revision)
	}
	if err == nil {
		err = setCounter(tx, "applied", uint64(s.view.applied))
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		if sqlite.IsFault(err) {
			err = s.stop(err)
		}
		return sqlite.Error("", err)
	}
	s.view.saved = s.view.applied
	s.view.revision.Store(c.revision)
	s.log.Info("other entries count now", "entries", c.changed)
	return nil
}

// counting is one transaction that changes which entries count.
type counting struct {
	tx       *sql.Tx
	revision uint64         // of the view, if anything changes
	changed  int            // entries
	names    map[int64]bool // of entries that changed and replace something
}

// author updates the column hidden of an author's entries.
func (c *counting) author(gate Gate, author moot.Key) error {
	shows, hides, err := c.differences(gate, author)
	if err != nil {
		return err
	}
	if err := c.set(shows, false, c.revision); err != nil {
		return err
	}
	return c.set(hides, true, 0)
}

// differences returns the rows of an author's entries of which the gate has changed its
// mind.
func (c *counting) differences(gate Gate, author moot.Key) (shows, hides []int64, err error) {
	rows, err := c.tx.Query(`SELECT e.n, e.branch, e.seq, e.hidden, n.kind FROM entries e JOIN names n ON n.id = e.name
		WHERE e.author = ? AND n.kind <> ?`, author[:], string(moot.KindAct))
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var at moot.Position
		var hidden bool
		var kind moot.Kind
		if err := rows.Scan(&n, &at.Branch, &at.Seq, &hidden, &kind); err != nil {
			return nil, nil, err
		}
		switch counts := gate.Counts(author, kind, at); {
		case counts && hidden:
			shows = append(shows, n)
		case !counts && !hidden:
			hides = append(hides, n)
		}
	}
	return shows, hides, rows.Err()
}

// set hides or shows rows, and collects the names of entries that replace something.
func (c *counting) set(list []int64, hidden bool, revision uint64) error {
	stmt, err := c.tx.Prepare(`UPDATE entries SET hidden = ?, revision = ? WHERE n = ? RETURNING name, raw`)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for _, n := range list {
		var name int64
		var raw []byte
		if err := stmt.QueryRow(hidden, int64(revision), n).Scan(&name, &raw); err != nil {
			return err
		}
		e, err := feed.Decode(raw)
		if err != nil {
			return err
		}
		if len(e.Replaces) > 0 {
			c.names[name] = true
		}
		c.changed++
	}
	return nil
}

// version is an entry of a name that is counted anew.
type version struct {
	n          int64
	superseded bool
	moot.Entry
}

// name computes anew which versions of a name are superseded: what does not count
// supersedes nothing. Versions that are back in force are shown again.
func (c *counting) name(name int64) error {
	versions, replaced, err := c.versions(name)
	if err != nil {
		return err
	}
	if _, err := c.tx.Exec(`DELETE FROM awaited WHERE name = ?`, name); err != nil {
		return err
	}
	for _, v := range versions {
		now := replaced[v.ID]
		delete(replaced, v.ID)
		if now == v.superseded {
			continue
		}
		if _, err := c.tx.Exec(`UPDATE entries SET superseded = ?1, revision = iif(?1, revision, ?2) WHERE n = ?3`,
			now, int64(c.revision), v.n); err != nil {
			return err
		}
	}
	for id := range replaced {
		if _, err := c.tx.Exec(`INSERT INTO awaited (id, name) VALUES (?, ?)`, id[:], name); err != nil {
			return err
		}
	}
	return nil
}

// versions returns the entries of a name, and what those that count replace.
func (c *counting) versions(name int64) (all []version, replaced map[moot.EntryID]bool, err error) {
	rows, err := c.tx.Query(`SELECT n, superseded, hidden, raw FROM entries WHERE name = ?`, name)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	replaced = map[moot.EntryID]bool{}
	for rows.Next() {
		var v version
		var hidden bool
		var raw []byte
		if err := rows.Scan(&v.n, &v.superseded, &hidden, &raw); err != nil {
			return nil, nil, err
		}
		if v.Entry, err = feed.Decode(raw); err != nil {
			return nil, nil, err
		}
		all = append(all, v)
		if hidden {
			continue
		}
		for _, id := range v.Replaces {
			replaced[id] = true
		}
	}
	return all, replaced, rows.Err()
}

// loadCounters reads what recount has stored.
func (s *Store) loadCounters() error {
	var revision int64
	err := s.write.QueryRow(`SELECT (SELECT value FROM counters WHERE name = 'revision'),
		(SELECT value FROM counters WHERE name = 'applied')`).Scan(&revision, &s.view.applied)
	s.view.saved = s.view.applied
	s.view.revision.Store(uint64(revision))
	return err
}

func setCounter(tx *sql.Tx, name string, value uint64) error {
	_, err := tx.Exec(`UPDATE counters SET value = ? WHERE name = ?`, int64(value), name)
	return err
}
