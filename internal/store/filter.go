package store

import (
	"strings"

	"github.com/mootspace/moot"
)

// Limits on what a query may ask, since each word costs a search of the index.
const (
	maxWords     = 32
	maxWordBytes = 1 << 10
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
	words := strings.Fields(q.Words)
	if len(words) > maxWords || len(q.Words) > maxWordBytes {
		return f, moot.Errorf(moot.TooLarge, "too many words to look for: at most %d, of %d bytes together", maxWords, maxWordBytes)
	}
	if len(words) > 0 {
		f.where.add("n.id IN (SELECT rowid FROM words WHERE words MATCH ?)", match(words))
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

// match returns the FTS5 expression for keys that hold a word with each beginning.
// Quoted, words cannot be taken for operators. NUL would end the expression.
func match(words []string) string {
	var b strings.Builder
	for _, w := range words {
		w = strings.ReplaceAll(strings.ReplaceAll(w, `"`, `""`), "\x00", " ")
		b.WriteString(`"` + w + `"* `)
	}
	return b.String()
}
