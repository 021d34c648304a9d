package mailbox

import (
	"maps"
	"math"
	stdmime "mime"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mootspace/moot/internal/mime"
)

// maxAddresses bounds the addresses of one field in an envelope.
const maxAddresses = 1000

// items are FETCH items as text. The library's types lack what these have: fields as they
// came, source routes, MD5.
type items []byte

// space separates what follows from what is before.
func (b *items) space() { *b = append(*b, ' ') }

func (b *items) number(n int64) { *b = strconv.AppendInt(*b, n, 10) }

// maxQuoted is the longest value that is sent quoted, in bytes.
const maxQuoted = 4096

// string writes a string: quoted, or as a literal if it must be (RFC 9051, 4.3).
func (b *items) string(s string) {
	if len(s) > maxQuoted || strings.ContainsFunc(s, func(r rune) bool { return r == '\r' || r == '\n' || r == 0 || r > '~' }) {
		s = strings.ReplaceAll(s, "\x00", "\x80") // literals have no NUL
		*b = append(append(strconv.AppendInt(append(*b, '{'), int64(len(s)), 10), "}\r\n"...), s...)
		return
	}
	*b = append(*b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			*b = append(*b, '\\')
		}
		*b = append(*b, s[i])
	}
	*b = append(*b, '"')
}

// nstring writes a string, or NIL if it is empty.
func (b *items) nstring(s string) {
	if s == "" {
		*b = append(*b, "NIL"...)
		return
	}
	b.string(s)
}

// list writes a parenthesized list of n values; NIL if there are none.
func (b *items) list(n int, value func(i int)) {
	if n == 0 {
		b.nstring("")
		return
	}
	*b = append(*b, '(')
	for i := range n {
		if i > 0 {
			b.space()
		}
		value(i)
	}
	*b = append(*b, ')')
}

// structure writes a part's structure (RFC 9051, 7.5.2); extended, for BODYSTRUCTURE.
func (b *items) structure(p *mime.Part, extended bool) {
	kind, sub, _ := strings.Cut(p.Type, "/")
	*b = append(*b, '(')
	if len(p.Parts) > 0 {
		for _, one := range p.Parts {
			b.structure(one, extended) // without a space: Outlook for iOS takes none
		}
		b.space()
		b.string(sub)
		if extended {
			b.space()
			b.params(p.Params.ASCII())
		}
	} else {
		b.single(p, kind, sub, extended)
		if extended {
			b.space()
			b.nstring(unencoded(p.Header.Get("Content-MD5")))
		}
	}
	if extended {
		b.space()
		b.disposition(p)
		b.space()
		tags := language(p.Header)
		b.list(len(tags), func(i int) { b.string(tags[i]) })
		b.space()
		b.nstring(unencoded(p.Header.Get("Content-Location")))
	}
	*b = append(*b, ')')
}

// single writes a part without parts.
func (b *items) single(p *mime.Part, kind, sub string, extended bool) {
	params := p.Params.ASCII()
	if _, ok := params["charset"]; !ok && kind == "text" && p.Message == nil { // the default (RFC 2045, 5.2)
		params["charset"] = "us-ascii"
	}
	b.string(kind)
	b.space()
	b.string(sub)
	b.space()
	b.params(params)
	b.space()
	b.nstring(unencoded(p.Header.Get("Content-Id")))
	b.space()
	b.nstring(encoded(p.Header.Get("Content-Description")))
	b.space()
	if p.Encoding == "" {
		b.string("7bit")
	} else {
		b.string(encoded(p.Encoding))
	}
	b.space()
	b.number(min(p.End-p.Body, math.MaxUint32))
	switch {
	case p.Message != nil:
		b.space()
		b.envelope(p.Message.Header)
		b.space()
		b.structure(p.Message, extended)
	case kind != "text":
		return
	}
	b.space()
	b.number(p.Lines)
}

func (b *items) params(params map[string]string) {
	names := slices.Sorted(maps.Keys(params))
	b.list(len(names), func(i int) {
		b.string(names[i])
		b.space()
		b.string(params[names[i]])
	})
}

func (b *items) disposition(p *mime.Part) {
	value, params := mime.ParseDisposition(p.Header.Get("Content-Disposition"))
	if value == "" {
		b.nstring("")
		return
	}
	*b = append(*b, '(')
	b.string(encoded(value))
	b.space()
	b.params(params.ASCII())
	*b = append(*b, ')')
}

// encoded returns a value as it came, or 8-bit text in UTF-8 as encoded words.
func encoded(value string) string {
	if strings.ContainsFunc(value, func(r rune) bool { return r > '~' }) {
		return stdmime.QEncoding.Encode("utf-8", mime.Decode(value))
	}
	return value
}

// unencoded returns a value that has no words as it came, or in UTF-8 if it is 8-bit text.
func unencoded(value string) string {
	if utf8.ValidString(value) {
		return value
	}
	return mime.Decode(value)
}

func language(h mime.Header) (tags []string) {
	for one := range strings.SplitSeq(h.Get("Content-Language"), ",") {
		one, _, _ = strings.Cut(one, ";")
		one, _, _ = strings.Cut(one, "(")
		if words := strings.Fields(strings.Trim(one, " \t\"")); len(words) > 0 {
			tags = append(tags, words[0])
		}
	}
	return tags
}

// envelope writes the envelope of a header (RFC 9051, 7.5.2): all but addresses as it came,
// also what is no date or identifier.
func (b *items) envelope(h mime.Header) {
	*b = append(*b, '(')
	b.nstring(unencoded(h.Get("Date")))
	b.space()
	b.nstring(encoded(h.Get("Subject")))
	from := h.Addresses("From")
	for _, field := range []string{"From", "Sender", "Reply-To", "To", "Cc", "Bcc"} {
		list := from
		if field != "From" {
			list = h.Addresses(field)
		}
		if len(list) == 0 && (field == "Sender" || field == "Reply-To") {
			list = from
		}
		b.space()
		b.list(min(len(list), maxAddresses), func(i int) { b.address(list[i]) })
	}
	for _, field := range []string{"In-Reply-To", "Message-Id"} {
		b.space()
		b.nstring(unencoded(h.Get(field)))
	}
	*b = append(*b, ')')
}

// Placeholders for the missing half of an address, Dovecot's: NIL there means a group.
const (
	missingMailbox = "MISSING_MAILBOX"
	missingDomain  = "MISSING_DOMAIN"
)

func (b *items) address(a mime.Address) {
	fields := [4]string{encoded(a.Phrase), encoded(a.Route), a.Local, a.Domain}
	switch a.Group {
	case mime.GroupBegin:
		fields = [4]string{2: encoded(a.Phrase)}
	case mime.GroupEnd:
		fields = [4]string{}
	default:
		if a.Local == "" {
			fields[2] = missingMailbox
		}
		if a.Domain == "" {
			fields[3] = missingDomain
		}
	}
	b.list(len(fields), func(i int) { b.nstring(fields[i]) })
}
