package store

import (
	"context"
	"encoding/hex"
	"encoding/json"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// history pages through entries in the order in which they were stored, which is an
// order in which they can be appended elsewhere.
type history struct {
	store *Store
	where where
	lag   string // JSON: author in hex → last seq known, for those behind; "" is everything
	last  int64  // n of the last entry returned
}

// history returns the entries that q.Since does not cover. It begins at the first of
// them, so that a peer which is nearly up to date is not paid for with a full scan.
func (s *Store) history(ctx context.Context, f filter, q moot.Query) (pager, error) {
	p := &history{store: s}
	if len(f.where.terms) > 0 {
		p.where.add("e.name IN (SELECT n.id FROM names n"+f.where.String()+")", f.where.args...)
	}
	if !q.Author.IsZero() {
		p.where.add("e.author = ?", q.Author[:])
	}
	if len(q.Since) == 0 {
		return p, nil
	}
	var err error
	p.lag, p.last, err = s.behind(ctx, q.Since, q.Author)
	if err == nil && p.lag == "" {
		return nothing{}, nil
	}
	return p, err
}

// behind returns what a holder of since lacks, as history.lag, and the number of the
// last entry before the first that it lacks. The lag is "" if it lacks nothing. A
// zero author stands for all.
func (s *Store) behind(ctx context.Context, since moot.Vector, only moot.Key) (lag string, before int64, err error) {
	err = s.reads.QueryRow(`SELECT coalesce(max(n), 0) FROM entries`).Scan(&before)
	if err != nil {
		return "", 0, sqlite.Error("", err)
	}
	ends, err := s.ends(ctx)
	if err != nil {
		return "", 0, err
	}
	lacks := map[string]uint64{}
	for author, seq := range ends {
		if since[author] < seq && (only.IsZero() || only == author) {
			lacks[hex.EncodeToString(author[:])] = since[author]
		}
	}
	if len(lacks) == 0 {
		return "", before, nil
	}
	text, err := json.Marshal(lacks)
	if err != nil {
		return "", 0, err
	}
	err = s.reads.QueryRow(lagTable+`SELECT min(e.n) - 1 FROM lag JOIN entries e
		ON e.author = lag.author AND e.seq = lag.seq + 1`, string(text)).Scan(&before)
	return string(text), before, sqlite.Error("", err)
}

// lagTable makes history.lag a table that SQLite can look authors up in.
const lagTable = `WITH lag (author, seq) AS MATERIALIZED
	(SELECT unhex(key), value FROM json_each(?)) `

func (p *history) next(limit int) ([]moot.Entry, error) {
	w := p.where.clone()
	w.add("e.n > ?", p.last)
	query, args := `SELECT e.n, e.raw FROM entries e`, w.args
	if p.lag != "" {
		query = lagTable + query + ` CROSS JOIN lag ON lag.author = e.author AND e.seq > lag.seq`
		args = append([]any{p.lag}, args...)
	}
	found, err := p.store.entries(query+w.String()+` ORDER BY e.n LIMIT ?`, append(args, limit)...)
	if len(found) > 0 {
		p.last = found[len(found)-1].n
	}
	return bare(found), err
}

// nothing is a pager without pages.
type nothing struct{}

func (nothing) next(int) ([]moot.Entry, error) { return nil, nil }
