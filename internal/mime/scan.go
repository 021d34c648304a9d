package mime

import "strings"

// Kinds of tokens; the others are the separators themselves.
const (
	word    byte = 'w'
	quoted  byte = 'q'
	encoded byte = 'e' // a word of RFC 2047
	comment byte = 'c'
)

// token is a token of an address list; '<' has all that is between the brackets.
type token struct {
	kind  byte
	text  string // without quotes, brackets and backslashes
	space bool   // white space is before it
}

// scanner splits an address list into tokens. What is opened and never closed is text; it
// is looked for once, so that the time is linear.
type scanner struct {
	s      string
	at     int
	inside bool // between angle brackets

	noQuote, noAngle bool
	close            map[int]int // of parentheses; nil: not computed
}

// next returns the next token; false at the end.
func (p *scanner) next() (t token, ok bool) {
	begin := p.at
	for p.at < len(p.s) && isBlank(p.s[p.at]) {
		p.at++
	}
	t.space = p.at > begin
	if p.at == len(p.s) {
		return t, false
	}
	switch c := p.s[p.at]; c {
	case '"':
		if text, ok := p.quoted(); ok {
			t.kind, t.text = quoted, text
			return t, true
		}
		p.at++
		return token{kind: word, space: t.space}, true // a quote of no string
	case '(':
		if end, ok := p.closing(p.at); ok {
			t.kind, t.text = comment, strings.TrimSpace(unescape(p.s[p.at+1:end]))
			p.at = end + 1
			return t, true
		}
	case '<':
		if !p.inside {
			t.kind, t.text = '<', p.angle()
			return t, true
		}
	case '>':
		p.at++
		return token{kind: word, space: t.space}, true // of no bracket
	case ',', ';', ':', '@':
		p.at++
		t.kind, t.text = c, string(c)
		if p.inside && c != '@' {
			t.kind = word
		}
		return t, true
	}
	return p.word(t), true
}

// word takes an encoded word, or the text up to the next special character.
func (p *scanner) word(t token) token {
	rest := p.s[p.at:]
	if strings.HasPrefix(rest, "=?") && !p.inside {
		if _, size := parseWord(rest); size > 0 && !strings.ContainsAny(rest[:size], " \t<>\"") {
			t.kind, t.text = encoded, rest[:size]
			p.at += size
			return t
		}
	}
	size := 1
	if rest[0] == '[' && p.at > 0 && p.s[p.at-1] == '@' { // a domain literal
		if end := strings.IndexAny(rest, "]<>, "); end > 0 && rest[end] == ']' {
			size = end + 1
		}
	}
	for size < len(rest) && !isBlank(rest[size]) && strings.IndexByte(`"(<>,;:@`, rest[size]) < 0 {
		size++
	}
	t.kind, t.text = word, rest[:size]
	p.at += size
	return t
}

// quoted takes a quoted string; false if it has no end.
func (p *scanner) quoted() (string, bool) {
	if p.noQuote {
		return "", false
	}
	end := quoteEnd(p.s[p.at:])
	if end < 0 {
		p.noQuote = true
		return "", false
	}
	text := unescape(p.s[p.at+1 : p.at+end])
	p.at += end + 1
	return text, true
}

// quoteEnd returns the index of the quote that ends the quoted string at the start of a
// text; -1 if there is none.
func quoteEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// angle takes brackets and what is between them. Without a closing bracket they extend
// to the next separator, or to the end.
func (p *scanner) angle() string {
	begin := p.at
	for p.at < len(p.s) && (p.s[p.at] == '<' || isBlank(p.s[p.at])) {
		p.at++
	}
	separator := -1
	for i := p.at; i < len(p.s) && !p.noAngle; i++ {
		switch p.s[i] {
		case '>':
			text := p.s[begin+1 : i]
			p.at = i + 1
			return text
		case '"':
			if end := p.peekQuote(i); end > 0 {
				i = end
			}
		case ',', ';':
			separator = i
			continue
		case '<':
			return p.open(begin, separator, i)
		}
	}
	p.noAngle = true
	end := strings.IndexAny(p.s[p.at:], ",;")
	if end < 0 {
		end = len(p.s) - p.at
	}
	return p.open(begin, -1, p.at+end)
}

// open ends brackets that are not closed at a separator, or else at the end.
func (p *scanner) open(begin, separator, end int) string {
	if separator > p.at {
		end = separator
	}
	p.at = end
	return p.s[begin+1 : end]
}

func (p *scanner) peekQuote(i int) int {
	if p.noQuote {
		return -1
	}
	end := quoteEnd(p.s[i:])
	if end < 0 {
		p.noQuote = true
		return -1
	}
	return i + end
}

// closing returns the index of the parenthesis that closes a comment. Comments nest.
func (p *scanner) closing(open int) (int, bool) {
	if p.close == nil {
		p.close = map[int]int{}
		var stack []int
		for i := 0; i < len(p.s); i++ {
			switch p.s[i] {
			case '\\':
				i++
			case '(':
				stack = append(stack, i)
			case ')':
				if n := len(stack); n > 0 {
					p.close[stack[n-1]] = i
					stack = stack[:n-1]
				}
			}
		}
	}
	end, ok := p.close[open]
	return end, ok
}

// unescape removes the backslashes of quoted pairs (RFC 5322, 3.2.1).
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
