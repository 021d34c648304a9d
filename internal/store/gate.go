package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/sqlite"
)

// Gate decides which entries may be stored, and which of those stored count. It is called
// by one goroutine at a time and must not call the store but through held.
//
// An entry that begins a branch comes with the position of the entry that it follows
// (Seq 0: it is another first entry); for all others begins is nil.
type Gate interface {
	// Admit reports why an entry may not be stored; kind Gap if it names entries that are
	// not held. What precedes it, and what it cites, is held.
	Admit(e *moot.Entry, at moot.Position, begins *moot.Position, held Held) error

	// Apply takes in an entry that became durable; on opening, acts and the first entries
	// of branches other than 0 again, in the order in which they were stored. It returns
	// the authors of whom stored entries may count differently now.
	Apply(e *moot.Entry, at moot.Position, begins *moot.Position, held Held) (changed []moot.Key)

	// Counts reports whether an entry other than an act is part of the merged view.
	Counts(author moot.Key, kind moot.Kind, at moot.Position) bool
}

// Held finds an entry that is stored.
type Held = func(moot.EntryID) (author moot.Key, at moot.Position, ok bool)

// gates reports whether entries after e are admitted, or count, depending on e. They wait
// until e is durable and the gate has seen it.
func gates(e *prepared) bool { return aboutMembership(e.Kind) || e.begins != nil }

func aboutMembership(kind moot.Kind) bool {
	switch kind {
	case moot.KindAct, moot.KindSpace, moot.KindMember, moot.KindInvite:
		return true
	}
	return false
}

// lookUp returns a Held over a statement. Its errors are those of the database, and are
// kept in err: a gate has no use for them.
func lookUp(stmt *sql.Stmt, err *error) Held {
	return func(id moot.EntryID) (author moot.Key, at moot.Position, ok bool) {
		var key []byte
		scanErr := stmt.QueryRow(id[:]).Scan(&key, &at.Branch, &at.Seq)
		if scanErr == nil {
			return moot.Key(key), at, true
		}
		if !errors.Is(scanErr, sql.ErrNoRows) && *err == nil {
			*err = scanErr
		}
		return moot.Key{}, moot.Position{}, false
	}
}

// apply hands entries that became durable to the gate, and has counted anew whatever
// they change. A failure is logged, and repaired with the next change or on opening.
func (s *Store) apply(stored []*prepared) {
	if s.gate == nil || len(stored) == 0 {
		return
	}
	for _, e := range stored {
		s.applyOne(e)
	}
	s.recountChanged()
}

func (s *Store) applyOne(e *prepared) {
	var err error
	for _, author := range s.gate.Apply(&e.Entry, e.at, e.begins, lookUp(s.sql.position, &err)) {
		s.view.uncounted[author] = true
	}
	if gates(e) {
		s.view.applied = max(s.view.applied, e.n)
	}
	if err != nil {
		s.log.Error("look up an entry for the gate", "error", err)
	}
}

// recountChanged counts anew what the gate has changed.
func (s *Store) recountChanged() {
	if len(s.view.uncounted) == 0 {
		return
	}
	if err := s.recount(); err != nil {
		s.log.Error("which entries count could not be stored", "error", err)
		return
	}
	clear(s.view.uncounted)
}

// replay applies acts, membership entries of version 0.1.0 and the first entries of
// branches to the gate. What they change was stored, but for what came last before the
// store was closed.
func (s *Store) replay(ctx context.Context) error {
	if err := s.loadCounters(); err != nil || s.gate == nil {
		return err
	}
	stored, last := s.view.applied, int64(0)
	for {
		entries, err := s.replayed(ctx, last)
		if err != nil {
			return err
		}
		for i := range entries {
			last = entries[i].n
			s.applyOne(&entries[i])
			if last <= stored {
				clear(s.view.uncounted)
			}
		}
		if len(entries) < page {
			break
		}
	}
	s.recountChanged()
	return nil
}

// replayed returns the entries to be applied again after row last, at most a page.
func (s *Store) replayed(ctx context.Context, last int64) ([]prepared, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	rows, err := s.reads.Query(`WITH again (n) AS (
			SELECT n FROM entries WHERE name IN (SELECT id FROM names WHERE kind IN (?, ?, ?, ?))
			UNION SELECT f.n FROM branches b JOIN entries f
				ON f.author = b.author AND f.branch = b.branch AND f.seq = b.parent_seq + 1 WHERE b.branch > 0)
		SELECT e.n, e.branch, e.raw, b.branch > 0 AND e.seq = b.parent_seq + 1, b.parent, b.parent_seq
		FROM again a CROSS JOIN entries e ON e.n = a.n JOIN branches b ON b.author = e.author AND b.branch = e.branch
		WHERE a.n > ? ORDER BY a.n LIMIT ?`,
		string(moot.KindAct), string(moot.KindSpace), string(moot.KindMember), string(moot.KindInvite), last, page)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []prepared
	for rows.Next() {
		var e prepared
		var begins bool
		var parent moot.Position
		if err := rows.Scan(&e.n, &e.at.Branch, &e.raw, &begins, &parent.Branch, &parent.Seq); err != nil {
			return nil, err
		}
		if e.Entry, err = feed.Decode(e.raw); err != nil {
			return nil, moot.Errorf(moot.Corrupt, "the database holds a damaged entry (row %d): %w", e.n, err)
		}
		if e.at.Seq = e.Seq; begins {
			e.begins = &parent
		}
		found = append(found, e)
	}
	return found, sqlite.Error("", rows.Err())
}
