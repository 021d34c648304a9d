package ignore

import (
	"slices"
	"strings"
)

// Limits of what is taken in of one file. Others write it, and each path costs its patterns.
const (
	maxPatterns = 4096
	maxLine     = 1024
	maxParts    = 64
)

// pattern is one line.
type pattern struct {
	negated, folder bool
	anchored        bool   // matched from the folder of its file, else at any depth
	parts           []part // the last one first
}

// part is what one name must match.
type part struct {
	text string
	kind kind
}

type kind int

const (
	literal kind = iota
	suffix       // a star and the text
	glob         // anything else
	depth        // two stars: any number of names
)

// read reads the lines of a file.
func read(content []byte) (list []pattern) {
	for line := range strings.Lines(strings.TrimPrefix(string(content), "\ufeff")) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if p, ok := parse(line); ok && len(list) < maxPatterns {
			list = append(list, p)
		}
	}
	return list
}

// last returns the last pattern that matches; nil: none does.
func last(list []pattern, names []string, isFolder bool) *pattern {
	for i := range slices.Backward(list) {
		if list[i].matches(names, isFolder) {
			return &list[i]
		}
	}
	return nil
}

// parse reads one line.
func parse(line string) (p pattern, ok bool) {
	if line = trimSpaces(line); line == "" || line[0] == '#' || len(line) > maxLine {
		return p, false
	}
	line, p.negated = strings.CutPrefix(line, "!")
	line, p.folder = strings.CutSuffix(line, "/")
	p.anchored = strings.Contains(line, "/")
	parts := strings.Split(strings.TrimPrefix(line, "/"), "/")
	if len(parts) > maxParts || slices.Contains(parts, "") {
		return p, false
	}
	for _, text := range slices.Backward(parts) {
		p.parts = append(p.parts, newPart(text))
	}
	return p, true
}

func newPart(text string) part {
	rest, star := strings.CutPrefix(text, "*")
	switch {
	case len(text) > 1 && strings.Trim(text, "*") == "":
		return part{kind: depth}
	case !strings.ContainsAny(text, `*?[\`):
		return part{text, literal}
	case star && !strings.ContainsAny(rest, `*?[\`):
		return part{rest, suffix}
	}
	return part{text, glob}
}

// trimSpaces removes spaces at the end of a line, but for one that is escaped.
func trimSpaces(line string) string {
	for strings.HasSuffix(line, " ") {
		before := line[:len(line)-1]
		escapes := len(before) - len(strings.TrimRight(before, `\`))
		if escapes%2 == 1 {
			break
		}
		line = before
	}
	return line
}

// matches gets the names of a path beneath the folder of the pattern's file, the last one first.
func (p *pattern) matches(names []string, isFolder bool) bool {
	switch {
	case p.folder && !isFolder:
		return false
	case !p.anchored:
		return p.parts[0].kind == depth || p.parts[0].matches(names[0])
	case p.parts[0].kind == depth: // at the end it stands for one name or more
		return match(p.parts, names[1:])
	}
	return match(p.parts, names)
}

// match matches names one by one. Only the last two stars are tried again: what those before
// them took is as good as any, so the time is bounded by the product of the lengths.
func match(parts []part, names []string) bool {
	part, name := 0, 0
	again, from := -1, 0 // after the last two stars, and what they leave
	for name < len(names) {
		switch {
		case part < len(parts) && parts[part].kind == depth:
			part++
			again, from = part, name
		case part < len(parts) && parts[part].matches(names[name]):
			part++
			name++
		case again < 0:
			return false
		default:
			from++
			part, name = again, from
		}
	}
	for part < len(parts) && parts[part].kind == depth {
		part++
	}
	return part == len(parts)
}

func (p part) matches(name string) bool {
	switch p.kind {
	case literal:
		return p.text == name
	case suffix:
		return strings.HasSuffix(name, p.text)
	}
	return matchGlob(p.text, name)
}

// matchGlob is match for the bytes of a name, and single stars.
func matchGlob(text, name string) bool {
	at, i := 0, 0
	again, from := -1, 0
	for i < len(name) {
		if at < len(text) && text[at] == '*' {
			at++
			again, from = at, i
			continue
		}
		if n := matchByte(text[at:], name[i]); n > 0 {
			at += n
			i++
			continue
		}
		if again < 0 {
			return false
		}
		from++
		at, i = again, from
	}
	return strings.Trim(text[at:], "*") == ""
}

// matchByte returns the length of the pattern's element that matches a byte; 0: it does not.
func matchByte(text string, c byte) int {
	switch {
	case text == "":
		return 0
	case text[0] == '?':
		return 1
	case text[0] == '[':
		return matchSet(text, c)
	case text[0] == '\\':
		if len(text) > 1 && text[1] == c {
			return 2
		}
		return 0
	case text[0] == c:
		return 1
	}
	return 0
}

// matchSet is matchByte for bytes in brackets. Without an end they match nothing.
func matchSet(text string, c byte) int {
	i := 1
	negated := len(text) > 1 && (text[1] == '!' || text[1] == '^')
	if negated {
		i++
	}
	in := false
	var low byte // of a range that may follow; 0: none
	for first := true; i < len(text); first = false {
		switch {
		case text[i] == ']' && !first:
			if in == negated {
				return 0
			}
			return i + 1
		case text[i] == '[' && i+1 < len(text) && text[i+1] == ':':
			end := strings.IndexByte(text[i+2:], ']')
			if end < 0 {
				return 0
			}
			if end > 0 && text[i+1+end] == ':' {
				member, known := class(text[i+2:i+1+end], c)
				if !known {
					return 0
				}
				in, low, i = in || member, 0, i+3+end
				continue
			}
		case text[i] == '-' && low != 0 && i+1 < len(text) && text[i+1] != ']':
			i++
			if text[i] == '\\' {
				i++
			}
			if i < len(text) {
				in, low, i = in || low <= c && c <= text[i], 0, i+1
			}
			continue
		}
		if text[i] == '\\' {
			if i++; i == len(text) {
				return 0
			}
		}
		in, low, i = in || text[i] == c, text[i], i+1
	}
	return 0
}

// class reports whether a byte is in a class of POSIX, of ASCII letters only.
func class(name string, c byte) (in, known bool) {
	upper, lower, digit := 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9'
	graph := '!' <= c && c <= '~'
	switch name {
	case "alnum":
		in = upper || lower || digit
	case "alpha":
		in = upper || lower
	case "blank":
		in = c == ' ' || c == '\t'
	case "cntrl":
		in = c < ' ' || c == 0x7f
	case "digit":
		in = digit
	case "graph":
		in = graph
	case "lower":
		in = lower
	case "print":
		in = graph || c == ' '
	case "punct":
		in = graph && !upper && !lower && !digit
	case "space":
		in = c == ' ' || '\t' <= c && c <= '\r'
	case "upper":
		in = upper
	case "xdigit":
		in = digit || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
	default:
		return false, false
	}
	return in, true
}
