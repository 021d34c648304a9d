package store

import (
	"database/sql"
	"errors"

	"github.com/mootspace/moot"
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
	var err error
	held := lookUp(s.sql.position, &err)
	for _, e := range stored {
		s.applyOne(e, held)
	}
	if err != nil {
		s.log.Error("look up an entry for the gate", "error", err)
	}
	s.recountChanged()
}

func (s *Store) applyOne(e *prepared, held Held) {
	for _, author := range s.gate.Apply(&e.Entry, e.at, e.begins, held) {
		s.view.uncounted[author] = true
	}
	if gates(e) {
		s.view.applied = max(s.view.applied, e.n)
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
