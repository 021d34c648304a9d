package store

import (
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// lack is a branch of which a holder of a vector has the entries up to number from.
type lack struct {
	author moot.Key
	branch int
	from   uint64
	until  uint64
}

// lacks returns what a holder of since lacks of the feeds held here. A head covers the
// entry with its ID and all that precede it; one with the zero ID covers every branch up
// to its number. A head that is not held here covers nothing: its feed has forked, and who
// asks has to name older entries, too. But if it is the only one of its author and has a
// greater number than all that is held here, it is ahead, and covers everything.
func (s *Store) lacks(feeds []branchedFeed, since moot.Vector) (all []lack, err error) {
	var unclear []branchedFeed
	var ids []string
	for _, f := range feeds {
		heads := since.Heads[f.author]
		switch {
		case f.isCovered(heads):
			continue
		case len(heads) == 0:
			all = f.appendLacks(all, f.coverNothing())
			continue
		}
		unclear = append(unclear, f)
		for _, h := range heads {
			ids = append(ids, hex.EncodeToString(h.ID[:]))
		}
	}
	if len(unclear) == 0 {
		return all, nil
	}
	held, err := s.positions(ids)
	for _, f := range unclear {
		c := f.coverNothing()
		for _, h := range since.Heads[f.author] {
			if h.ID == (moot.EntryID{}) {
				f.coverNumber(c, h.Seq)
			} else if at, ok := held[h.ID]; ok && at.author == f.author {
				f.cover(c, at.Position)
			}
		}
		all = f.appendLacks(all, c)
	}
	return all, err
}

// isCovered reports whether heads cover the whole feed, as far as that can be told without
// looking for them.
func (f branchedFeed) isCovered(heads []moot.Head) bool {
	if !slices.ContainsFunc(f.branches, func(b branch) bool { return !slices.Contains(heads, b.end) }) {
		return true
	}
	ahead := func(b branch) bool { return len(heads) == 1 && heads[0].Seq > b.end.Seq }
	return !slices.ContainsFunc(f.branches, func(b branch) bool { return !ahead(b) })
}

// coverNumber covers the entries up to a number on every branch.
func (f branchedFeed) coverNumber(c coverage, seq uint64) {
	for i, b := range f.branches {
		c[i] = max(c[i], min(seq, b.end.Seq))
	}
}

func (f branchedFeed) appendLacks(all []lack, c coverage) []lack {
	for i, b := range f.branches {
		if from, some := f.missing(c, i); some {
			all = append(all, lack{f.author, i, from, b.end.Seq})
		}
	}
	return all
}

// authored is the position of an entry, and whose it is.
type authored struct {
	moot.Position
	author moot.Key
}

// positions finds entries by their IDs in hex.
func (s *Store) positions(ids []string) (map[moot.EntryID]authored, error) {
	text, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows, err := s.reads.Query(`SELECT id, author, branch, seq FROM entries WHERE id IN (SELECT unhex(value) FROM json_each(?))`, string(text))
	if err != nil {
		return nil, sqlite.Error("", err)
	}
	defer rows.Close()
	found := map[moot.EntryID]authored{}
	for rows.Next() {
		var id, author []byte
		var at authored
		if err := rows.Scan(&id, &author, &at.Branch, &at.Seq); err != nil {
			return nil, sqlite.Error("", err)
		}
		at.author = moot.Key(author)
		found[moot.EntryID(id)] = at
	}
	return found, sqlite.Error("", rows.Err())
}

// lagTable makes the parameter, what lagText returns, a table that SQLite can look
// branches up in.
const lagTable = `WITH lag (author, branch, seq) AS MATERIALIZED
	(SELECT unhex(value ->> 0), value ->> 1, value ->> 2 FROM json_each(?)) `

func lagText(lacks []lack) (string, error) {
	rows := make([][3]any, len(lacks))
	for i, l := range lacks {
		rows[i] = [3]any{hex.EncodeToString(l.author[:]), l.branch, l.from}
	}
	text, err := json.Marshal(rows)
	return string(text), err
}
