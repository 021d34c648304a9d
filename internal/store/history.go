package store

import (
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
	lag   string // a row for each branch of which something is lacking, as lagText writes it; "" is everything
	few   bool   // so little is lacking that it is read branch by branch
	again bool   // also entries that are not lacking, but came into the view late
	last  int64  // n of the last entry returned
	until int64  // n of the last entry there was at first
	none  bool   // there is nothing
}

// few is the number of entries lacking up to which they are read by branch and sorted,
// instead of by number from the first of them on.
const few = 4 * page

// history returns the entries that q.Since does not cover, and those that came into the
// view after it was taken. It begins at the first of them, so that a peer which is nearly
// up to date is not paid for with a full scan.
func (s *Store) history(f filter, q moot.Query) (*history, error) {
	p := &history{store: s, again: !q.Replica && q.Since.Shown != s.view.revision.Load()}
	if len(f.where.terms) > 0 {
		p.where.add("e.name IN (SELECT n.id FROM names n"+f.where.String()+")", f.where.args...)
	}
	if !q.Replica {
		p.where.add("e.hidden = 0")
	}
	if err := p.withIDs(q.IDs); err != nil {
		return nil, err
	}
	if len(q.Since.Heads) == 0 {
		if !q.Author.IsZero() {
			p.where.add("e.author = ?", q.Author[:])
		}
		return p, nil
	}
	return p, p.beginBehind(q.Since, q.Author)
}

func (p *history) withIDs(ids []moot.EntryID) error {
	if ids == nil {
		return nil
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = hex.EncodeToString(id[:])
	}
	list, err := json.Marshal(texts)
	p.where.add("e.n IN (SELECT i.n FROM entries i WHERE i.id IN (SELECT unhex(value) FROM json_each(?)))", string(list))
	return err
}

// beginBehind has the history begin before the first entry that a holder of since lacks.
// A zero author stands for all.
func (p *history) beginBehind(since moot.Vector, only moot.Key) error {
	if err := p.store.reads.QueryRow(`SELECT coalesce(max(n), 0) FROM entries`).Scan(&p.until); err != nil {
		return sqlite.Error("", err)
	}
	feeds, err := p.store.feeds(only)
	if err != nil {
		return err
	}
	lacks, err := p.store.lacks(feeds, since)
	if err != nil {
		return err
	}
	if p.lag, err = lagText(lacks); err != nil {
		return err
	}
	if p.again {
		if !only.IsZero() {
			p.where.add("e.author = ?", only[:])
		}
		err = p.store.reads.QueryRow(lagTable+`SELECT coalesce(min(n), 1) - 1 FROM (`+firstLacking+`
			UNION ALL SELECT min(n) FROM entries WHERE revision > 0)`, p.lag).Scan(&p.last)
		return sqlite.Error("", err)
	}
	p.few = entriesOf(lacks) <= few
	if p.none = len(lacks) == 0; p.none || p.few {
		return nil
	}
	err = p.store.reads.QueryRow(lagTable+`SELECT n - 1 FROM (`+firstLacking+`)`, p.lag).Scan(&p.last)
	return sqlite.Error("", err)
}

// firstLacking selects the first entry that is lacking, in the order of arrival.
const firstLacking = `SELECT min(e.n) AS n FROM lag JOIN entries e
	ON e.author = lag.author AND e.branch = lag.branch AND e.seq = lag.seq + 1`

func entriesOf(lacks []lack) (n uint64) {
	for _, l := range lacks {
		n += l.until - l.from
	}
	return n
}

func (p *history) next(limit int) ([]moot.Entry, error) {
	if p.none {
		return nil, nil
	}
	const sameBranch = `e.author = lag.author AND e.branch = lag.branch AND e.seq > lag.seq`
	w := p.where.clone()
	w.add("e.n > ?", p.last)
	query := `SELECT e.n, e.raw FROM entries e`
	switch {
	case p.lag == "":
	case p.again:
		query += ` LEFT JOIN lag ON ` + sameBranch
		w.add("(e.revision > 0 OR lag.author IS NOT NULL)")
	case p.few:
		query = `SELECT e.n, e.raw FROM lag CROSS JOIN entries e ON ` + sameBranch
	default:
		query += ` CROSS JOIN lag ON ` + sameBranch
	}
	args := w.args
	if p.lag != "" {
		query, args = lagTable+query, append([]any{p.lag}, args...)
	}
	found, err := p.store.entries(query+w.String()+` ORDER BY e.n LIMIT ?`, append(args, limit)...)
	if len(found) > 0 {
		p.last = found[len(found)-1].n
	}
	return bare(found), err
}
