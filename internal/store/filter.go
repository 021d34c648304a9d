package store

import (
	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// filter is the part of a query that concerns names, as SQL over a row n of names;
// and its author.
type filter struct {
	where  where
	author moot.Key
}

func filterOf(q moot.Query) (filter, error) {
	f := filter{author: q.Author}
	if q.Limit < 0 {
		return f, moot.Errorf(moot.Invalid, "a limit of %d makes no sense", q.Limit)
	}
	switch {
	case len(q.IDs) > moot.MaxIDs:
		return f, moot.Errorf(moot.TooLarge, "a query names %d entries, and at most %d are allowed", len(q.IDs), moot.MaxIDs)
	case !q.History && (q.IDs != nil || q.Replica):
		return f, moot.Errorf(moot.Invalid, "entries are named, or handed to another node, from the history only")
	}
	if q.Kind != "" {
		f.where.add("n.kind = ?", string(q.Kind))
	}
	if q.Key != "" {
		f.where.add("n.key = ?", q.Key)
	}
	if q.Prefix != "" {
		f.where.add("n.key >= ?", q.Prefix)
		if end := after(q.Prefix); end != "" {
			f.where.add("n.key < ?", end)
		}
	}
	words, err := sqlite.Match(q.Words)
	if err != nil {
		return f, err
	}
	if words != "" {
		f.where.add("n.id IN (SELECT rowid FROM words WHERE words MATCH ?)", words)
	}
	return f, nil
}

// after returns the least string greater than all that start with prefix; "" if
// there is none.
func after(prefix string) string {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			return prefix[:i] + string([]byte{prefix[i] + 1})
		}
	}
	return ""
}
