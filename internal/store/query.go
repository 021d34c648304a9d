package store

import (
	"context"
	"iter"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/sqlite"
)

// page is how many entries are read at once. Between pages no transaction is open,
// so that a slow reader does not delay checkpoints of the WAL.
const page = 512

// Query implements [moot.Feeds]. Versions in force come by key, then by kind; what
// deletes and what lacks its body is not among them.
func (s *Store) Query(ctx context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) {
		f, err := filterOf(q)
		if err == nil {
			err = s.usable(ctx)
		}
		var pages pager
		if err == nil && q.History {
			pages, err = s.history(f, q)
		} else {
			pages = &inForce{store: s, filter: f}
		}
		if err == nil {
			err = drain(ctx, s, pages, q.Limit, yield)
		}
		if err != nil {
			yield(moot.Entry{}, moot.Wrap("query", s.orClosed(err)))
		}
	}
}

// pager reads the entries of a query piece by piece.
type pager interface {
	// next returns at most limit more entries; none at the end.
	next(limit int) ([]moot.Entry, error)
}

// drain yields what pages returns, at most limit entries unless it is 0. The error
// is nil if yield has ended the loop.
func drain(ctx context.Context, s *Store, pages pager, limit int, yield func(moot.Entry, error) bool) error {
	for left := limit; limit == 0 || left > 0; left -= page {
		want := page
		if limit > 0 {
			want = min(page, left)
		}
		if err := s.usable(ctx); err != nil {
			return err
		}
		entries, err := pages.next(want)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !yield(e, nil) {
				return nil
			}
		}
		if len(entries) < want {
			return nil
		}
	}
	return nil
}

// inForce pages through the versions in force.
type inForce struct {
	store *Store
	filter
	last *moot.Entry
}

func (p *inForce) next(limit int) ([]moot.Entry, error) {
	w := p.where.clone()
	w.add("e.superseded = 0 AND e.hidden = 0 AND e.deletes = 0 AND e.stripped = 0")
	if !p.author.IsZero() {
		w.add("e.author = ?", p.author[:])
	}
	if l := p.last; l != nil {
		t := int64(l.Time)
		w.add("(n.key, n.kind) >= (?, ?)", l.Key, string(l.Kind))
		w.add("((n.key, n.kind) > (?, ?) OR e.time < ? OR e.time = ? AND (e.author, e.id) < (?, ?))",
			l.Key, string(l.Kind), t, t, l.Author[:], l.ID[:])
	}
	entries, err := p.store.entries(`SELECT 0, e.raw FROM names n CROSS JOIN entries e ON e.name = n.id`+
		w.String()+` ORDER BY n.key, n.kind, e.time DESC, e.author DESC, e.id DESC LIMIT ?`, append(w.args, limit)...)
	if len(entries) > 0 {
		p.last = &entries[len(entries)-1].Entry
	}
	return bare(entries), err
}

// numbered is an entry with its number in the order of arrival.
type numbered struct {
	moot.Entry
	n int64
}

func bare(numbered []numbered) []moot.Entry {
	entries := make([]moot.Entry, len(numbered))
	for i := range numbered {
		entries[i] = numbered[i].Entry
	}
	return entries
}

// entries runs a query for the columns n and raw. Queries are short, so contexts are
// looked at between them: in memory, an interrupted connection is the database lost.
func (s *Store) entries(query string, args ...any) ([]numbered, error) {
	rows, err := s.reads.Query(query, args...)
	if err != nil {
		return nil, sqlite.Error("", err)
	}
	defer rows.Close()
	var found []numbered
	var raw []byte
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n, &raw); err != nil {
			return nil, sqlite.Error("", err)
		}
		e, err := feed.Decode(raw)
		if err != nil {
			return nil, moot.Errorf(moot.Corrupt, "the database holds a damaged entry (row %d): %w", n, err)
		}
		found = append(found, numbered{e, n})
	}
	return found, sqlite.Error("", rows.Err())
}

// where is a conjunction of conditions and their arguments.
type where struct {
	terms []string
	args  []any
}

func (w *where) add(term string, args ...any) {
	w.terms, w.args = append(w.terms, term), append(w.args, args...)
}

func (w *where) clone() where {
	return where{append([]string(nil), w.terms...), append([]any(nil), w.args...)}
}

func (w *where) String() string {
	if len(w.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.terms, " AND ")
}
