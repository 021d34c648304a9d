package store

import (
	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// branchedFeed is a feed as rows of the table branches: a tree, as a rule of one branch.
type branchedFeed struct {
	author   moot.Key
	branches []branch // by number; a parent comes before its children
}

type branch struct {
	parent moot.Position // the entry it begins after; Seq 0: it begins with a first entry
	end    moot.Head
	hole   uint64 // the first entry in force without its body; 0: none
}

// feeds returns the branches of every feed, or of one author's, by author.
func (s *Store) feeds(only moot.Key) (all []branchedFeed, err error) {
	query, args := `SELECT b.author, b.parent, b.parent_seq, b.seq, b.id, coalesce((SELECT min(h.seq) FROM entries h
		WHERE h.author = b.author AND h.branch = b.branch AND h.stripped = 1 AND h.superseded = 0), 0) FROM branches b`, []any(nil)
	if !only.IsZero() {
		query, args = query+` WHERE b.author = ?`, append(args, only[:])
	}
	rows, err := s.reads.Query(query+` ORDER BY b.author, b.branch`, args...)
	if err != nil {
		return nil, sqlite.Error("", err)
	}
	defer rows.Close()
	var author, id []byte
	for rows.Next() {
		var b branch
		if err := rows.Scan(&author, &b.parent.Branch, &b.parent.Seq, &b.end.Seq, &id, &b.hole); err != nil {
			return nil, sqlite.Error("", err)
		}
		b.end.ID = moot.EntryID(id)
		if last := len(all) - 1; last >= 0 && all[last].author == moot.Key(author) {
			all[last].branches = append(all[last].branches, b)
		} else {
			all = append(all, branchedFeed{moot.Key(author), []branch{b}})
		}
	}
	return all, sqlite.Error("", rows.Err())
}

// coverage is how far each branch of a feed is covered: numbers of entries, by branch. A
// branch is covered up to the entry that it begins after at least.
type coverage []uint64

// cover adds an entry that is held, and what precedes it.
func (f branchedFeed) cover(c coverage, at moot.Position) {
	for {
		c[at.Branch] = max(c[at.Branch], at.Seq)
		if at = f.branches[at.Branch].parent; at.Seq == 0 {
			return
		}
	}
}

// coverNothing returns the coverage of a feed of which nothing is held.
func (f branchedFeed) coverNothing() coverage { return make(coverage, len(f.branches)) }

// missing returns the entries of a branch that are not covered: those after number from.
func (f branchedFeed) missing(c coverage, branch int) (from uint64, some bool) {
	b := f.branches[branch]
	from = max(c[branch], b.parent.Seq)
	return from, from < b.end.Seq
}
