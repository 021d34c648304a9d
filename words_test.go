package moot_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// wordList is .ci/words.
type wordList struct {
	keep  []*regexp.Regexp
	words []replacement     // of single lower-case words
	code  []replacement     // of lines
	seen  map[string]string // word to term, or ""
}

type replacement struct {
	pattern  *regexp.Regexp
	literals []string // one of them is in every match; none: unknown
	term     string
}

// possible reports whether a line can match; it is a hundred times as fast as the pattern.
func (r replacement) possible(line string) bool {
	return len(r.literals) == 0 || slices.ContainsFunc(r.literals, func(l string) bool { return strings.Contains(line, l) })
}

// literals returns strings of which one is in every match; nil if there are none.
func literals(re *syntax.Regexp) (all []string) {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return []string{string(re.Rune)}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return literals(re.Sub[0])
	case syntax.OpConcat: // the rarest: its shortest literal is the longest
		length := func(list []string) int {
			return len(slices.MinFunc(list, func(a, b string) int { return len(a) - len(b) }))
		}
		for _, sub := range re.Sub {
			if part := literals(sub); part != nil && (all == nil || length(part) > length(all)) {
				all = part
			}
		}
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			part := literals(sub)
			if part == nil {
				return nil
			}
			all = append(all, part...)
		}
	}
	return all
}

// TestWords fails on a word in a Go file that one of the field's own terms replaced.
func TestWords(t *testing.T) {
	list := readWords(t)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go" || path == "words_test.go":
			return nil
		}
		text, err := os.ReadFile(path)
		for _, hit := range list.check(d.Name() + "\n" + string(text)) {
			t.Errorf("%s:%d: %s", path, max(hit.line-1, 1), hit)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestWordList tries every kind of line on text that must and must not match.
func TestWordList(t *testing.T) {
	list := parseWords(t, "# a comment\nkeep\twishes\\.json\ta file\nword\twish(es)?\tsettings\n\ncode\t\\btype letter\\b|\\.(told|heard)\\b\tenvelope\n")
	for text, want := range map[string]string{
		"readWishes(w)":        "Wishes",
		"HTTPWish":             "Wish",
		"a wish_list":          "wish",
		"wishful":              "",
		`open("wishes.json")`:  "",
		"type letter struct {": "type letter",
		"a letter or a digit":  "",
		"x.heard = true":       ".heard",
		"unheard":              "",
	} {
		hits, got := list.check(text), ""
		if len(hits) > 0 {
			got = hits[0].word
		}
		if got != want || len(hits) > 1 {
			t.Errorf("%q: found %q %v, want %q", text, got, hits, want)
		}
	}
}

func readWords(t *testing.T) *wordList {
	t.Helper()
	text, err := os.ReadFile(".ci/words")
	if err != nil {
		t.Fatal(err)
	}
	return parseWords(t, string(text))
}

func parseWords(t *testing.T, text string) *wordList {
	t.Helper()
	list, n := &wordList{seen: map[string]string{}}, 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) != 3 {
			t.Fatalf("line %d of the word list: want kind, regexp and replacement, separated by tabs", n)
		}
		expr, term := fields[1], fields[2]
		switch fields[0] {
		case "keep":
			list.keep = append(list.keep, regexp.MustCompile(expr))
		case "word":
			list.words = append(list.words, replacement{pattern: regexp.MustCompile("^(?:" + expr + ")$"), term: term})
		case "code":
			parsed, err := syntax.Parse(expr, syntax.Perl)
			if err != nil {
				t.Fatalf("line %d of the word list: %v", n, err)
			}
			list.code = append(list.code, replacement{regexp.MustCompile(expr), literals(parsed), term})
		default:
			t.Fatalf("line %d of the word list: %q is no kind of line", n, fields[0])
		}
	}
	return list
}

// wordHit is one replaced word in a text.
type wordHit struct {
	line       int
	word, term string
}

func (h wordHit) String() string { return fmt.Sprintf("%q: the term is %q", h.word, h.term) }

// check returns the first hit of each line.
func (l *wordList) check(text string) (hits []wordHit) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		for _, k := range l.keep {
			line = k.ReplaceAllLiteralString(line, "")
		}
		if word, term := l.find(line); word != "" {
			hits = append(hits, wordHit{n, word, term})
		}
	}
	return hits
}

func (l *wordList) find(line string) (word, term string) {
	for _, part := range splitWords(line) {
		if term = l.term(strings.ToLower(part)); term != "" {
			return part, term
		}
	}
	for _, c := range l.code {
		if !c.possible(line) {
			continue
		}
		if word = c.pattern.FindString(line); word != "" {
			return word, c.term
		}
	}
	return "", ""
}

// term returns what replaces a lower-case word, or "".
func (l *wordList) term(word string) string {
	term, known := l.seen[word]
	if known {
		return term
	}
	for _, w := range l.words {
		if w.pattern.MatchString(word) {
			term = w.term
		}
	}
	l.seen[word] = term
	return term
}

// splitWords returns the words of a line, those of camelCase identifiers one by one.
func splitWords(line string) (words []string) {
	text, start := []rune(line+"\n"), 0
	for i, r := range text {
		begins := i > start && unicode.IsUpper(r) && (!unicode.IsUpper(text[i-1]) || unicode.IsLower(text[i+1]))
		if unicode.IsLetter(r) && !begins {
			continue
		}
		if i > start {
			words = append(words, string(text[start:i]))
		}
		start = i
		if !begins {
			start = i + 1
		}
	}
	return words
}
