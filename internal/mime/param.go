package mime

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxParams bounds the parameters of a field.
const maxParams = 256

// Params are the parameters of a field, by name in lower case. The pieces of a value are
// joined; one with a charset has a name that ends with '*' and is still encoded
// (RFC 2231). Of several with one name, the first counts.
type Params map[string]string

// Text returns a value, decoded: as RFC 2231 says, and also if it has encoded words. 8-bit
// text is in the parameters' charset, if they have one.
func (p Params) Text(name string) string {
	if v := decodeExtended(p[name+"*"]); v != "" {
		return v
	}
	v := p[name]
	if n := len(v); n > 2 && v[0] == '\'' && v[n-1] == '\'' { // the wrong quotes
		v = v[1 : n-1]
	}
	if !utf8.ValidString(v) {
		return toUTF8(v, p["charset"])
	}
	return Decode(v)
}

// decodeExtended decodes charset'language'text (RFC 2231, 4). Text without them is in
// UTF-8 or Windows-1252.
func decodeExtended(v string) string {
	charset, text, _ := strings.Cut(v, "'")
	if _, after, ok := strings.Cut(text, "'"); ok {
		return toUTF8(unpercent(after), charset)
	}
	return toUTF8(unpercent(v), "")
}

// unpercent decodes percent-encoding; malformed sequences stay.
func unpercent(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			b.WriteByte(fromHex(s[i+1])<<4 | fromHex(s[i+2]))
			i += 2
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// ParseMediaType parses a Content-Type, and returns the type in lower case; "" if it has
// none.
func ParseMediaType(value string) (kind string, params Params) {
	kind, params = parseParams(value)
	main, sub, _ := strings.Cut(kind, "/")
	switch {
	case main != "" && sub != "":
		return kind, params
	case main == "text":
		return plainText, params
	case main == "multipart":
		return "multipart/mixed", params
	}
	return "", params
}

// ParseDisposition parses a Content-Disposition, and returns it in lower case.
func ParseDisposition(value string) (disposition string, params Params) {
	disposition, params = parseParams(value)
	if disposition == "" && len(params) > 0 {
		disposition = "attachment"
	}
	return disposition, params
}

// parseParams parses a word and parameters. Semicolons and quotes may be missing.
func parseParams(value string) (first string, params Params) {
	head, rest, _ := strings.Cut(value, ";")
	if equals := strings.IndexByte(head, '='); equals >= 0 { // the semicolon is missing
		begin := strings.LastIndexAny(strings.TrimRight(head[:equals], " \t"), " \t") + 1
		head, rest = head[:begin], value[begin:]
	}
	head, _, _ = strings.Cut(withoutComments(head), ",")
	for i, piece := range strings.Fields(head) {
		if i > 0 && piece[0] != '/' && !strings.HasSuffix(first, "/") { // text / plain
			break
		}
		first += piece
	}
	first = strings.ToLower(strings.Trim(first, "\"'"))
	p := paramParser{s: rest, params: Params{}, pieces: map[string][]piece{}}
	for range maxParams {
		if !p.next() {
			break
		}
	}
	p.join()
	return first, p.params
}

// paramParser parses parameters.
type paramParser struct {
	s       string
	params  Params
	pieces  map[string][]piece // of continued values
	noQuote bool               // no quote closes after s
}

// piece is a part of a value (RFC 2231, 3).
type piece struct {
	number   int
	extended bool // percent-encoded
	text     string
}

// next parses a parameter; false at the end.
func (p *paramParser) next() bool {
	equals := strings.IndexAny(p.s, "=;")
	if equals < 0 {
		return false
	}
	name := ""
	if words := strings.Fields(withoutComments(p.s[:equals])); len(words) > 0 {
		name = strings.ToLower(strings.Trim(words[len(words)-1], `"`))
	}
	without := p.s[equals] == ';' // a name without a value
	p.s = strings.TrimLeft(p.s[equals+1:], " \t")
	if end := strings.IndexAny(p.s, ");"); strings.HasPrefix(p.s, "(") && end > 0 && p.s[end] == ')' {
		p.s = strings.TrimLeft(p.s[end+1:], " \t")
	}
	if without {
		return true
	}
	p.set(name, p.value(name))
	return true
}

// value takes a value: a quoted string, or text up to a semicolon. Only the name of a file
// has spaces without quotes.
func (p *paramParser) value(name string) string {
	file := strings.HasPrefix(name, "name") || strings.HasPrefix(name, "filename")
	if strings.HasPrefix(p.s, `"`) && !p.noQuote {
		if end := quoteEnd(p.s); end > 0 {
			text := p.s[1:end]
			p.s = p.s[end+1:]
			if file {
				return unquote(text)
			}
			return unescape(text)
		}
		p.noQuote = true
	}
	end := strings.IndexByte(p.s, ';')
	if end < 0 {
		end = len(p.s)
	}
	text := p.s[:end]
	if space := strings.IndexAny(text, " \t"); space >= 0 && !file {
		text, end = text[:space], space
	}
	p.s = p.s[end:]
	return strings.Trim(text, "\" \t")
}

// unquote removes the backslashes before quotes and backslashes: others are of paths.
func unquote(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(s)
}

func (p *paramParser) set(name, value string) {
	base, number, continued := strings.Cut(name, "*")
	number, extended := strings.CutSuffix(number, "*")
	n, err := strconv.Atoi(number)
	switch {
	case base == "":
	case continued && number != "" && err == nil:
		p.pieces[base] = append(p.pieces[base], piece{n, extended, value})
	default:
		if _, ok := p.params[name]; !ok {
			p.params[name] = value
		}
	}
}

// join joins the pieces of continued values.
func (p *paramParser) join() {
	for name, list := range maps.All(p.pieces) {
		slices.SortStableFunc(list, func(a, b piece) int { return cmp.Compare(a.number, b.number) })
		list = slices.CompactFunc(list, func(a, b piece) bool { return a.number == b.number })
		extended := slices.ContainsFunc(list, func(one piece) bool { return one.extended })
		var b strings.Builder
		for i, one := range list {
			if extended && !one.extended {
				if i == 0 {
					b.WriteString("''")
				}
				one.text = percent(one.text)
			}
			b.WriteString(one.text)
		}
		if extended {
			name += "*"
		}
		if _, ok := p.params[name]; !ok {
			p.params[name] = b.String()
		}
	}
}

// percent encodes what is not a plain character of a value (RFC 2231, 7).
func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`%'*()<>@,;:\"/[]?=`, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// ASCII returns the parameters as they may be sent in ASCII: 8-bit values as RFC 2231 has
// them.
func (p Params) ASCII() map[string]string {
	out := make(map[string]string, len(p))
	for name, v := range p {
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
			base := strings.TrimSuffix(name, "*")
			name, v = base+"*", "utf-8''"+percent(p.Text(base))
		}
		if _, ok := out[name]; !ok || p[name] == v {
			out[name] = v
		}
	}
	return out
}
