package mail

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/mootspace/moot"
)

// Limits of a search: each term costs a lookup in the index.
const (
	maxTerms     = 32
	maxTermBytes = 1 << 10
)

// ParseSearch reads what a person types to find messages: words, "phrases" and from:,
// to:, subject:, before:, after:, in:FOLDER and has:attachment. All of it must match; a
// word matches words that begin with it. Dates are 2026-11-28, 2026-11, 2026, today,
// yesterday, or as long ago as 12h, 7d or 3w; after: includes the day, before: does not.
// now says what day it is, and where. Kinds: Invalid, TooLarge.
func ParseSearch(text string, now time.Time) (q Query, err error) {
	terms, err := splitTerms(text)
	if err != nil {
		return q, err
	}
	for _, t := range terms {
		if err := q.add(t, now); err != nil {
			return Query{}, err
		}
	}
	if _, err := q.expression(); err != nil {
		return Query{}, err
	}
	return q, nil
}

// term is one part of a search.
type term struct {
	key    string // lower case; empty for words
	value  string
	quoted bool
}

// text returns a term's value as it stands in a Query.
func (t term) text() string {
	if t.quoted {
		return `"` + t.value + `"`
	}
	return t.value
}

// searchKeys are what may stand before a colon; another word with one is just a word.
var searchKeys = [...]string{"from", "to", "subject", "before", "after", "has", "in"}

// IsSearchKey reports whether a word before a colon narrows a search.
func IsSearchKey(word string) bool { return slices.Contains(searchKeys[:], strings.ToLower(word)) }

// splitTerms splits a search at spaces that are not in quotes. Kind Invalid.
func splitTerms(text string) (list []term, err error) {
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		var t term
		if key, value, ok := strings.Cut(rest, ":"); ok && IsSearchKey(key) {
			t.key, rest = strings.ToLower(key), value
		}
		if strings.HasPrefix(rest, `"`) {
			value, after, ok := strings.Cut(rest[1:], `"`)
			if !ok {
				return nil, moot.Errorf(moot.Invalid, "a quote is not closed in %.80q", text)
			}
			t.value, t.quoted, rest = strings.TrimSpace(value), true, after
		} else {
			end := strings.IndexFunc(rest, unicode.IsSpace)
			if end < 0 {
				end = len(rest)
			}
			t.value, rest = strings.ReplaceAll(rest[:end], `"`, " "), rest[end:]
		}
		if strings.TrimSpace(t.value) == "" {
			if t.key != "" {
				return nil, moot.Errorf(moot.Invalid, "%s: wants something right after the colon, as %s", t.key, searchExample(t.key))
			}
			continue
		}
		list = append(list, t)
	}
	return list, nil
}

func searchExample(key string) string {
	switch key {
	case "before", "after":
		return key + ":2026-11-28, " + key + ":yesterday or " + key + ":7d"
	case "has":
		return "has:attachment"
	case "in":
		return "in:Archive"
	case "subject":
		return `subject:lunch or subject:"board meeting"`
	}
	return key + ":zoe or " + key + ":zoe@example.org"
}

// add narrows a query by one term.
func (q *Query) add(t term, now time.Time) (err error) {
	join := func(field *string) { *field = strings.TrimSpace(*field + " " + t.text()) }
	switch t.key {
	case "":
		join(&q.Words)
	case "from":
		join(&q.From)
	case "to":
		join(&q.To)
	case "subject":
		join(&q.Subject)
	case "after":
		q.After, err = parseDay(t, now)
	case "before":
		q.Before, err = parseDay(t, now)
	case "in":
		if q.Folder != "" && q.Folder != t.value {
			return moot.Errorf(moot.Invalid, "a search is in one folder, or in all: in: is given twice")
		}
		q.Folder = t.value
	case "has":
		if !strings.EqualFold(strings.TrimSuffix(t.value, "s"), "attachment") {
			return moot.Errorf(moot.Invalid, "has:%.40s is unknown: want has:attachment", t.value)
		}
		q.Attached = true
	}
	return err
}

// agoUnits are the units of times in the past.
var agoUnits = [...]struct {
	suffix string
	unit   time.Duration
}{{"h", time.Hour}, {"d", 24 * time.Hour}, {"w", 7 * 24 * time.Hour}}

// maxAgo is the largest number of units that a time may be in the past.
const maxAgo = 10000

// parseDay returns when a day began, or a time in the past.
func parseDay(t term, now time.Time) (time.Time, error) {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch text := strings.ToLower(t.value); text {
	case "today":
		return today, nil
	case "yesterday":
		return today.AddDate(0, 0, -1), nil
	default:
		for _, layout := range []string{time.DateOnly, "2006-01", "2006"} {
			if day, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
				return day, nil
			}
		}
		for _, u := range agoUnits {
			digits, ok := strings.CutSuffix(text, u.suffix)
			if n, err := strconv.ParseUint(digits, 10, 32); ok && err == nil && n <= maxAgo {
				return now.Add(-time.Duration(n) * u.unit), nil
			}
		}
	}
	return time.Time{}, moot.Errorf(moot.Invalid, "%.40q is no date: want %s", t.value, searchExample(t.key))
}

// searches reports whether a query looks for what messages say, so that they are listed by time.
func (q Query) searches() bool {
	return q.Words != "" || q.Thread != "" || q.Subject != "" || q.filters() || !q.After.IsZero() || !q.Before.IsZero()
}

// indexed reports whether the index of words is asked.
func (q Query) indexed() bool { return q.Words+q.Subject+q.From+q.To != "" }

// filters reports whether the index cannot tell by itself which messages match.
func (q Query) filters() bool { return q.From != "" || q.To != "" || q.Attached }

// expression returns the FTS5 expression for what a query looks for; "" for anything.
// Quoted, words cannot be taken for operators. NUL would end the expression. Kind
// TooLarge.
func (q Query) expression() (string, error) {
	var parts []string
	size := 0
	for _, f := range []struct{ column, text string }{{"", q.Words}, {"subject : ", q.Subject}, {"people : ", q.From}, {"people : ", q.To}} {
		size += len(f.text)
		for _, t := range words(f.text) {
			part := f.column + `"` + strings.ReplaceAll(strings.ReplaceAll(t.value, `"`, " "), "\x00", " ") + `"`
			if !t.quoted {
				part += "*"
			}
			parts = append(parts, part)
		}
	}
	if len(parts) > maxTerms || size > maxTermBytes {
		return "", moot.Errorf(moot.TooLarge, "the search has too many words: at most %d, of %d bytes together", maxTerms, maxTermBytes)
	}
	return strings.Join(parts, " AND "), nil
}

// words splits a field of a query: words and "phrases". A colon means nothing in it.
func words(text string) (list []term) {
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		if after, ok := strings.CutPrefix(rest, `"`); ok {
			if value, after, ok := strings.Cut(after, `"`); ok {
				list = append(list, term{value: value, quoted: true})
				rest = after
				continue
			}
		}
		end := strings.IndexFunc(rest, unicode.IsSpace)
		if end < 0 {
			end = len(rest)
		}
		list = append(list, term{value: rest[:end]})
		rest = rest[end:]
	}
	return list
}

// matches reports whether a message that the index found is meant.
func (q Query) matches(s Summary) bool {
	return (!q.Attached || len(s.Attachments) > 0) && holds(s.From, q.From) && holds(strings.Join(s.To, " ")+" "+s.Channel, q.To)
}

// holds reports whether a text has all the words and phrases of a field, as the index
// compares them.
func holds(text, field string) bool {
	have := fold(text)
	return !slices.ContainsFunc(words(field), func(t term) bool { return !within(have, fold(t.value), t.quoted) })
}

// within reports whether words follow one another in a text; if they are not whole, the
// last may be the beginning of a word.
func within(have, want []string, whole bool) bool {
	if len(want) == 0 {
		return true
	}
	last := len(want) - 1
	for i := 0; i+len(want) <= len(have); i++ {
		if slices.Equal(have[i:i+last], want[:last]) && (have[i+last] == want[last] || !whole && strings.HasPrefix(have[i+last], want[last])) {
			return true
		}
	}
	return false
}

// fold splits a text into its words, in lower case and without diacritics.
func fold(text string) []string {
	plain := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(text))
	return strings.FieldsFunc(plain, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.In(r, unicode.So, unicode.Co)
	})
}
