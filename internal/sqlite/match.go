package sqlite

import (
	"strings"

	"github.com/mootspace/moot"
)

// Limits of a search: each word costs a lookup in the index.
const (
	maxWords     = 32
	maxWordBytes = 1 << 10
)

// Match returns the FTS5 expression for texts that hold words with all the beginnings
// that are given, separated by spaces; "" for none. Quoted, words cannot be taken for
// operators. NUL would end the expression. Kind TooLarge.
func Match(text string) (string, error) {
	words := strings.Fields(text)
	if len(words) > maxWords || len(text) > maxWordBytes {
		return "", moot.Errorf(moot.TooLarge, "the search has too many words: at most %d, of %d bytes together", maxWords, maxWordBytes)
	}
	var b strings.Builder
	for _, w := range words {
		w = strings.ReplaceAll(strings.ReplaceAll(w, `"`, `""`), "\x00", " ")
		b.WriteString(`"` + w + `"* `)
	}
	return b.String(), nil
}
