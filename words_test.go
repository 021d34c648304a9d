package moot_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// replacedWord is a line of .ci/words.
type replacedWord struct {
	pattern *regexp.Regexp
	whole   bool // pattern matches single lower-case words
	term    string
}

// wordList is .ci/words.
type wordList struct {
	keep  []*regexp.Regexp
	words []replacedWord
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
	list := wordList{
		keep: []*regexp.Regexp{regexp.MustCompile(`wishes\.json`)},
		words: []replacedWord{
			{regexp.MustCompile(`^(?:wish(es)?)$`), true, "settings"},
			{regexp.MustCompile(`\btype letter\b`), false, "envelope"},
		},
	}
	for text, want := range map[string]string{
		"readWishes(w)":        "wishes",
		"HTTPWish":             "wish",
		"a wish_list":          "wish",
		"wishful":              "",
		`open("wishes.json")`:  "",
		"type letter struct {": "type letter",
		"a letter or a digit":  "",
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

func readWords(t *testing.T) (list wordList) {
	t.Helper()
	text, err := os.ReadFile(".ci/words")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) != 3 {
			t.Fatalf(".ci/words:%d: want kind, regexp and replacement, separated by tabs", n)
		}
		expr, term := fields[1], fields[2]
		switch fields[0] {
		case "keep":
			list.keep = append(list.keep, regexp.MustCompile(expr))
		case "word":
			list.words = append(list.words, replacedWord{regexp.MustCompile("^(?:" + expr + ")$"), true, term})
		case "code":
			list.words = append(list.words, replacedWord{regexp.MustCompile(expr), false, term})
		default:
			t.Fatalf(".ci/words:%d: %q is no kind of line", n, fields[0])
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
func (l wordList) check(text string) (hits []wordHit) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		for _, k := range l.keep {
			line = k.ReplaceAllString(line, "")
		}
		if word, term := l.find(line); word != "" {
			hits = append(hits, wordHit{n, word, term})
		}
	}
	return hits
}

func (l wordList) find(line string) (word, term string) {
	parts := strings.Fields(strings.ToLower(nonLetter.ReplaceAllString(camel.ReplaceAllString(line, "$1$3 $2$4"), " ")))
	for _, w := range l.words {
		if !w.whole {
			if m := w.pattern.FindString(line); m != "" {
				return m, w.term
			}
			continue
		}
		for _, p := range parts {
			if w.pattern.MatchString(p) {
				return p, w.term
			}
		}
	}
	return "", ""
}

var (
	camel     = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])`)
	nonLetter = regexp.MustCompile(`[^\pL]+`)
)
