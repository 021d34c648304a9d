package store

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// Vector implements [moot.Feeds]. An entry in force whose body is missing is not
// counted as held, nor are those after it, so that a replica which got it without
// its body – from a node that dropped it, or a hostile one – asks others again.
func (s *Store) Vector(ctx context.Context) (moot.Vector, error) {
	v, err := s.vector(ctx, `SELECT f.author, coalesce(min(h.seq) - 1, f.seq) FROM feeds f
		LEFT JOIN entries h ON h.author = f.author AND h.stripped = 1 AND h.superseded = 0
		GROUP BY f.author`)
	return v, moot.Wrap("vector", err)
}

// ends returns how far every feed goes, with or without bodies.
func (s *Store) ends(ctx context.Context) (moot.Vector, error) {
	return s.vector(ctx, `SELECT author, seq FROM feeds`)
}

func (s *Store) vector(ctx context.Context, query string) (moot.Vector, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	rows, err := s.reads.Query(query)
	if err != nil {
		return nil, sqlite.Error("", err)
	}
	defer rows.Close()
	v := moot.Vector{}
	for rows.Next() {
		var author []byte
		var seq int64
		if err := rows.Scan(&author, &seq); err != nil {
			return nil, sqlite.Error("", err)
		}
		if seq > 0 {
			v[moot.Key(author)] = uint64(seq)
		}
	}
	return v, sqlite.Error("", rows.Err())
}
