package store

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/sqlite"
)

// replay applies acts, membership entries of version 0.1.0 and the first entries of
// branches to the gate. What they change was stored, but for what came last before the
// store was closed.
func (s *Store) replay(ctx context.Context) error {
	if err := s.loadCounters(); err != nil || s.gate == nil {
		return err
	}
	rows, err := s.replayedRows()
	if err != nil {
		return err
	}
	stored := s.view.applied
	done := map[moot.EntryID]authored{}
	inDatabase := lookUp(s.sql.position, &err)
	held := func(id moot.EntryID) (moot.Key, moot.Position, bool) {
		if e, ok := done[id]; ok { // acts name acts above all
			return e.author, e.Position, true
		}
		return inDatabase(id)
	}
	for some := range slices.Chunk(rows, page) {
		entries, readErr := s.replayed(ctx, some)
		if readErr != nil {
			return readErr
		}
		for i := range entries {
			e := &entries[i]
			s.applyOne(e, held)
			done[e.ID] = authored{e.at, e.Author}
			if e.n <= stored {
				clear(s.view.uncounted)
			}
		}
	}
	if err != nil {
		return err
	}
	s.recountChanged()
	return nil
}

// replayedRows returns the rows of the entries to be applied again, in their order.
func (s *Store) replayedRows() (list []int64, err error) {
	rows, err := s.reads.Query(`SELECT n FROM entries WHERE name IN (SELECT id FROM names WHERE kind IN (?, ?, ?, ?))
		UNION SELECT f.n FROM branches b JOIN entries f
			ON f.author = b.author AND f.branch = b.branch AND f.seq = b.parent_seq + 1 WHERE b.branch > 0
		ORDER BY n`,
		string(moot.KindAct), string(moot.KindSpace), string(moot.KindMember), string(moot.KindInvite))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, sqlite.Error("", rows.Err())
}

// replayed returns the entries in rows.
func (s *Store) replayed(ctx context.Context, list []int64) ([]prepared, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	text, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	rows, err := s.reads.Query(`SELECT e.n, e.branch, e.raw, b.branch > 0 AND e.seq = b.parent_seq + 1, b.parent, b.parent_seq
		FROM json_each(?) a CROSS JOIN entries e ON e.n = a.value JOIN branches b ON b.author = e.author AND b.branch = e.branch
		ORDER BY e.n`, string(text))
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
