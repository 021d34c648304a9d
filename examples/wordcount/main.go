// Wordcount counts words with map and reduce.
//
//	moot run wordcount.wasm --each texts --reduce wordcount.wasm --reduce-arg reduce -- map
//
// "map" counts the words in the files of the input folder; "reduce" adds up such counts.
// Outside a sandbox, the variable IN names the input folder.
package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 || os.Args[1] != "map" && os.Args[1] != "reduce" {
		log.Fatal("usage: wordcount map|reduce")
	}
	count := countWords
	if os.Args[1] == "reduce" {
		count = addCounts
	}
	counts := map[string]int{}
	in := os.DirFS(cmp.Or(os.Getenv("IN"), "/in"))
	err := fs.WalkDir(in, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := in.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return count(counts, bufio.NewScanner(f))
	})
	if err != nil {
		log.Fatal(err)
	}
	out := bufio.NewWriter(os.Stdout)
	for _, word := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintln(out, word, counts[word])
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

// countWords counts the words of a text.
func countWords(counts map[string]int, text *bufio.Scanner) error {
	text.Buffer(nil, 1<<20)
	for text.Scan() {
		for _, word := range strings.FieldsFunc(text.Text(), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			counts[strings.ToLower(word)]++
		}
	}
	return text.Err()
}

// addCounts adds up counts as map prints them.
func addCounts(counts map[string]int, lines *bufio.Scanner) error {
	for lines.Scan() {
		var word string
		var n int
		if _, err := fmt.Sscan(lines.Text(), &word, &n); err != nil {
			return fmt.Errorf("%q: %w", lines.Text(), err)
		}
		counts[word] += n
	}
	return lines.Err()
}
