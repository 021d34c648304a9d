package mime

import (
	"strings"
	"unicode"
)

// Address is an item of an address list (RFC 5322, 3.4).
type Address struct {
	Name   string // display name or comment, decoded
	Phrase string // Name as written, encoded words included
	Local  string // without quotes; "" if the address has only a name
	Domain string // "" if it is missing
	Route  string // obsolete source route, as @a,@b
	Group  Group
}

// Group tells the items of a list apart. A group's name is the Name of its begin.
type Group uint8

// Items of a list.
const (
	Single     Group = iota // an address
	GroupBegin              // begin of a group, which may be empty
	GroupEnd
)

// Address returns the address as local@domain, its local part in quotes if it must be, or
// only that if the domain is missing. It is parsed as the same address.
func (a Address) Address() string {
	local := a.Local
	if strings.ContainsAny(local, " \t\"(),:;<>@[\\]") || strings.HasPrefix(local, "=?") {
		local = `"` + escape(local) + `"`
	}
	if a.Domain == "" {
		return local
	}
	return local + "@" + a.Domain
}

// String returns the address with its name, as it may stand in a header in UTF-8.
func (a Address) String() string {
	address := a.Address()
	switch {
	case address == "":
		return a.Name
	case a.Name == "":
		return "<" + address + ">"
	}
	return `"` + escape(a.Name) + `" <` + address + ">"
}

func escape(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `"`, `\"`)
}

// Singles returns the addresses of a list without its groups' begins and ends.
func Singles(list []Address) (out []Address) {
	for _, a := range list {
		if a.Group == Single {
			out = append(out, a)
		}
	}
	return out
}

// ParseAddresses parses an address list. An address may lack its domain, its brackets'
// other half, or the separator that follows it; quotes, brackets and parentheses without
// their other half are text. A name without an address has no Local.
func ParseAddresses(value string) []Address {
	p := listParser{scanner: scanner{s: value}}
	for {
		t, ok := p.next()
		if !ok {
			break
		}
		switch t.kind {
		case ',', ';':
			p.finish()
			if t.kind == ';' {
				p.endGroup()
			}
		case ':':
			p.colon(t)
		default:
			t.space = t.space || p.gap
			p.gap = false
			p.address = p.address || t.kind == '@' || t.kind == '<'
			p.item = append(p.item, t)
		}
	}
	p.finish()
	p.endGroup()
	return p.list
}

// maxPhrase bounds the words in which a quotation is looked for.
const maxPhrase = 50

// listParser parses a list, item by item.
type listParser struct {
	scanner
	list    []Address
	item    []token // of the current item
	group   bool    // within a group
	address bool    // the item has one
	gap     bool    // something was left out before the next token
}

// colon begins a group, if it follows a name.
func (p *listParser) colon(t token) {
	if p.group || p.address {
		t.kind = word
		p.item = append(p.item, t)
		return
	}
	name, comment := words(p.item)
	phrase := join(name)
	switch {
	case strings.EqualFold(phrase, "mailto"): // of a URL
		p.item = nil
	case len(name) > 0 && len(name) < maxPhrase && strings.EqualFold(name[len(name)-1].text, "[mailto"): // Outlook's quotations
		p.item, p.gap = name[:len(name)-1], true
	case len(name) == 0:
		t.kind = word
		p.item = append(p.item, t)
	default:
		p.item = nil
		p.group = true
		p.list = append(p.list, named(Address{Group: GroupBegin}, phrase, comment))
	}
}

func (p *listParser) endGroup() {
	if p.group {
		p.list = append(p.list, Address{Group: GroupEnd})
	}
	p.group = false
}

// finish parses the current item. It has several addresses if separators are missing.
func (p *listParser) finish() {
	item := p.item
	p.item, p.address = nil, false
	if find(item, '<') < 0 {
		p.bare(item)
		return
	}
	for angle := find(item, '<'); angle >= 0; angle = find(item, '<') {
		name, _ := words(item[:angle])
		a := named(addrSpec(item[angle].text), join(name), "")
		if a.Domain != "" && strings.EqualFold(a.Phrase, a.Address()) { // the address again
			a.Name, a.Phrase = "", ""
		}
		p.list = append(p.list, a)
		item = item[angle+1:]
	}
	if find(item, '@') >= 0 {
		p.bare(item)
	}
}

// bare parses addresses without brackets: the words around an @, with a name before,
// after or in a comment; or only a name, or only a local part.
func (p *listParser) bare(item []token) {
	tokens, comment := words(item)
	at := find(tokens, '@')
	switch {
	case len(tokens) == 0:
	case at >= 0:
		p.withoutBrackets(tokens, comment)
	case len(tokens) == 1 && tokens[0].kind == word && tokens[0].text != "":
		p.list = append(p.list, named(Address{Local: tokens[0].text}, "", comment))
	case join(tokens) != "":
		p.list = append(p.list, named(Address{}, join(tokens), ""))
	}
}

func (p *listParser) withoutBrackets(tokens []token, comment string) {
	for at := find(tokens, '@'); at >= 0; at = find(tokens, '@') {
		begin := max(0, at-1)
		for begin > 0 && dotted(tokens[begin-1], tokens[begin]) {
			begin--
		}
		end := min(at+2, len(tokens))
		for end < len(tokens) && (dotted(tokens[end-1], tokens[end]) || tokens[end].kind == '@') {
			if tokens[end].kind == '@' { // it is in the local part, as in a@b@x.test
				at = end
			}
			end++
		}
		a := Address{Local: joinBare(tokens[begin:at]), Domain: joinBare(tokens[min(at+1, end):end])}
		if strings.HasSuffix(a.Domain, "]") && !strings.HasPrefix(a.Domain, "[") { // brackets of the wrong kind
			a.Local, a.Domain = strings.TrimPrefix(a.Local, "["), strings.TrimSuffix(a.Domain, "]")
		}
		name := tokens[:begin]
		tokens = tokens[end:]
		if find(tokens, '@') < 0 && len(name) == 0 && comment == "" {
			name = tokens
		}
		p.list = append(p.list, named(a, join(name), comment))
	}
}

// dotted reports whether two words are one in the obsolete syntax, with white space
// around a dot (RFC 5322, 4.4), or without any between them.
func dotted(a, b token) bool {
	if a.kind == '@' || b.kind == '@' {
		return a.kind != b.kind && !b.space
	}
	return !b.space || strings.HasSuffix(a.text, ".") || strings.HasPrefix(b.text, ".")
}

// addrSpec parses what is between angle brackets.
func addrSpec(s string) (a Address) {
	s = strings.Trim(s, " \t<:")
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	if colon := strings.IndexByte(s, ':'); colon > 0 && s[0] == '@' {
		a.Route, s = s[:colon], s[colon+1:]
	}
	var tokens []token
	scan := scanner{s: s, inside: true}
	for t, ok := scan.next(); ok; t, ok = scan.next() {
		if t.kind != comment {
			tokens = append(tokens, t)
		}
	}
	at := len(tokens)
	for i, t := range tokens {
		if t.kind == '@' {
			at = i
		}
	}
	a.Local, a.Domain = joinSpec(tokens[:at]), ""
	if at < len(tokens) {
		a.Domain = joinBare(tokens[at+1:])
	}
	return a
}

func named(a Address, phrase, comment string) Address {
	if phrase == "" {
		phrase = comment
	}
	a.Phrase, a.Name = phrase, strings.TrimSpace(strings.Map(blank, Decode(phrase)))
	a.Local, a.Domain = toUTF8(a.Local, ""), toUTF8(a.Domain, "")
	return a
}

// blank turns control characters, which encoded words may have, into spaces.
func blank(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}

// words returns the tokens of an item without its comments, and the last comment.
func words(item []token) (tokens []token, last string) {
	for _, t := range item {
		if t.kind == comment {
			last = t.text
		} else {
			tokens = append(tokens, t)
		}
	}
	return tokens, last
}

func find(tokens []token, kind byte) int {
	for i, t := range tokens {
		if t.kind == kind {
			return i
		}
	}
	return -1
}

// join returns the text of tokens, with one space where there was white space.
func join(tokens []token) string {
	var b strings.Builder
	for i, t := range tokens {
		if i > 0 && t.space {
			b.WriteByte(' ')
		}
		b.WriteString(t.text)
	}
	return strings.TrimSpace(b.String())
}

// joinSpec is join for a local part, in which white space around dots is none.
func joinSpec(tokens []token) string {
	if len(tokens) == 1 {
		return tokens[0].text // quoted, it may have white space at its ends
	}
	s := join(tokens)
	for _, dot := range []string{" .", ". "} {
		if strings.Contains(s, dot) && find(tokens, quoted) < 0 {
			s = strings.ReplaceAll(s, dot, ".")
		}
	}
	return s
}

// joinBare returns the text of tokens without white space.
func joinBare(tokens []token) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString(t.text)
	}
	return b.String()
}
