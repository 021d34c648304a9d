package store

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/sqlite"
)

// Compact drops the bodies of superseded entries older than before, and returns how
// many. The entries stay, so that every chain still verifies. Acts keep their
// bodies: roles are computed from the whole of it; so do change sets, of which folders are.
func (s *Store) Compact(ctx context.Context, before moot.Time) (dropped int, err error) {
	const query = `SELECT e.n, e.raw FROM entries e JOIN names n ON n.id = e.name
		WHERE e.n > ? AND e.superseded = 1 AND e.stripped = 0 AND e.deletes = 0 AND e.time < ?
		AND n.kind NOT IN (?, ?, ?, ?, ?) ORDER BY e.n LIMIT ?`
	var last int64
	for {
		if err := s.writable(ctx); err != nil {
			return dropped, moot.Wrap("compact", err)
		}
		found, err := s.entries(query, last, int64(min(before, 1<<63-1)), string(moot.KindAct),
			string(moot.KindChange), string(moot.KindSpace), string(moot.KindMember), string(moot.KindInvite), page)
		if err != nil {
			return dropped, moot.Wrap("compact", err)
		}
		if err := s.strip(found); err != nil {
			return dropped, sqlite.Error("compact", err)
		}
		dropped += len(found)
		if len(found) < page {
			return dropped, nil
		}
		last = found[len(found)-1].n
	}
}

// strip drops the bodies of entries, in one transaction.
func (s *Store) strip(found []numbered) error {
	tx, err := s.write.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, e := range found {
		e.Body = nil
		if _, err := tx.Exec(`UPDATE entries SET raw = ?, stripped = 1 WHERE n = ?`, feed.Encode(e.Entry), e.n); err != nil {
			return err
		}
	}
	return tx.Commit()
}
