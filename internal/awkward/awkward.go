// Package awkward is a corpus of messages for tests: each has one feature that mail
// programs get wrong, or that they write although no RFC allows it. It must not know who
// reads them.
//
// A file has sections, which begin with a line `-- NAME --`. Their lines end with CRLF in
// the message; with LF or CR after a line `-- NAME -- LF` or `-- NAME -- CR`. Escapes:
//
//	\xHH     a byte
//	\-       at the end of a line: it has no line end
//	\*N{S}   N times S, in which \i is the number, from 1
package awkward

import (
	"embed"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
)

//go:embed *.txt
var files embed.FS

// Message is one message of the corpus.
type Message struct {
	Name string // of its feature
	Text []byte
}

var (
	section = regexp.MustCompile(`(?m)^-- (\S+) --( LF| CR)?\n`)
	octet   = regexp.MustCompile(`\\x[0-9A-F]{2}`)
	repeat  = regexp.MustCompile(`\\\*(\d+)\{([^}]*)\}`)
)

// Messages returns all messages, in the order of the files' names.
func Messages() []Message {
	names, err := fs.Glob(files, "*.txt")
	if err != nil {
		panic(err) // the pattern is constant
	}
	var all []Message
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err) // embedded
		}
		all = append(all, parse(string(text))...)
	}
	return all
}

func parse(file string) (all []Message) {
	heads := section.FindAllStringSubmatchIndex(file, -1)
	for i, h := range heads {
		end := len(file)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		lineEnd := "\r\n"
		switch strings.TrimSuffix(file[h[3]+len(" --"):h[1]], "\n") {
		case " LF":
			lineEnd = "\n"
		case " CR":
			lineEnd = "\r"
		}
		all = append(all, Message{Name: file[h[2]:h[3]], Text: expand(file[h[1]:end], lineEnd)})
	}
	return all
}

// expand resolves line ends and escapes.
func expand(text, lineEnd string) []byte {
	text = strings.ReplaceAll(text, "\\-\n", "")
	text = strings.ReplaceAll(text, "\n", lineEnd)
	text = repeat.ReplaceAllStringFunc(text, func(s string) string {
		m := repeat.FindStringSubmatch(s)
		n, _ := strconv.Atoi(m[1])
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(m[2], `\i`, strconv.Itoa(i+1)))
		}
		return b.String()
	})
	return []byte(octet.ReplaceAllStringFunc(text, func(s string) string {
		b, _ := strconv.ParseUint(s[2:], 16, 8)
		return string([]byte{byte(b)})
	}))
}
