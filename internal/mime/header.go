// Package mime reads messages as mail programs read them: header fields, addresses,
// encoded words, parameters, dates and the structure of parts (RFC 5322, RFC 2045–2047,
// RFC 2231), also where a message breaks these rules. Nothing is an error but a failed
// read: what cannot be parsed is returned as it came. Time and memory are linear in the
// input. It knows no member, no mailbox and no protocol.
package mime

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
)

// Limits of headers, in bytes.
const (
	MaxHeader     = 256 << 10 // of a message
	maxPartHeader = 64 << 10  // of a part
	maxField      = 64 << 10  // of one field's value
	maxName       = 1 << 10   // of a field's name
	maxFields     = 10_000
)

// Field is a header field.
type Field struct {
	Name  string // as written; "" for a line without one
	Value string // on one line, without white space around it; NUL is U+FFFD, CR a space
	Raw   []byte // with its line ends; a slice of the header
}

// Header is the fields of a header, in their order.
type Header []Field

// Get returns the first value of the fields with a name, in any case, that is not empty; ""
// if there is none.
func (h Header) Get(name string) string {
	for i := range h {
		if h[i].Value != "" && strings.EqualFold(h[i].Name, name) {
			return h[i].Value
		}
	}
	return ""
}

// Lookup returns the value of the first field with a name, and whether there is one.
func (h Header) Lookup(name string) (string, bool) {
	for i := range h {
		if strings.EqualFold(h[i].Name, name) {
			return h[i].Value, true
		}
	}
	return "", false
}

// Values returns the values of all fields with a name.
func (h Header) Values(name string) (values []string) {
	for i := range h {
		if strings.EqualFold(h[i].Name, name) {
			values = append(values, h[i].Value)
		}
	}
	return values
}

// Text returns the first field with a name, decoded (RFC 2047).
func (h Header) Text(name string) string { return Decode(h.Get(name)) }

// Addresses returns the addresses of all fields with a name, as one list.
func (h Header) Addresses(name string) []Address {
	return ParseAddresses(strings.Join(h.Values(name), ", "))
}

// Set replaces the fields with a name by one at the end.
func (h *Header) Set(field Field) {
	h.Del(field.Name)
	*h = append(*h, field)
}

// Del removes the fields with a name.
func (h *Header) Del(name string) {
	*h = slices.DeleteFunc(*h, func(f Field) bool { return strings.EqualFold(f.Name, name) })
}

// WriteTo writes the fields as they came, and the empty line.
func (h Header) WriteTo(w io.Writer) (n int64, err error) {
	var b bytes.Buffer
	for i := range h {
		b.Write(h[i].Raw)
		if lineEnd(h[i].Raw) == 0 {
			b.WriteString("\r\n")
		}
	}
	b.WriteString("\r\n")
	return b.WriteTo(w)
}

// ParseHeader parses the fields of a header, up to the empty line if it has one.
func ParseHeader(raw []byte) Header {
	h := Header{}
	begin := -1 // of the current field
	at := 0
	flush := func() {
		if begin >= 0 && len(h) < maxFields {
			h = append(h, parseField(raw[begin:at]))
		}
		begin = at
	}
	for line := range bytes.Lines(raw) {
		if lineEnd(line) == len(line) || isMarkup(line) {
			break
		}
		if !isSpace(line[0]) || begin < 0 {
			flush()
		}
		at += len(line)
	}
	flush()
	return h
}

// parseField parses a field. A line without a name is a value.
func parseField(raw []byte) Field {
	f := Field{Raw: raw}
	value := raw
	if IsField(raw) {
		name, rest, _ := bytes.Cut(raw, []byte(":"))
		f.Name, value = string(bytes.TrimRight(name, " \t")), rest
	}
	f.Value = unfold(value[:min(len(value), maxField)])
	return f
}

// IsField reports whether a line starts a header field (RFC 5322, 2.2).
func IsField(line []byte) bool {
	name, _, found := bytes.Cut(line[:min(len(line), maxName)], []byte(":"))
	name = bytes.TrimRight(name, " \t")
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	return found && len(name) > 0 && !bytes.ContainsFunc(name, odd)
}

// unfold returns a value on one line (RFC 5322, 2.2.3).
func unfold(raw []byte) string {
	var b strings.Builder
	for line := range bytes.Lines(raw) {
		if line = bytes.Trim(line, " \t\r\n"); len(line) == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.Write(line)
	}
	return strings.ReplaceAll(strings.ReplaceAll(b.String(), "\x00", "\uFFFD"), "\r", " ")
}

// ReadHeader reads a header, with the empty line that ends it if there is one. It returns
// the first bytes, at most limit, and the offset of the body. HTML is never a field: it
// begins a body that no empty line precedes.
func ReadHeader(br *bufio.Reader, limit int) (raw []byte, body int64, err error) {
	for middle := false; ; {
		if next, _ := br.Peek(1); !middle && len(next) > 0 && isMarkup(next) {
			return raw, body, nil
		}
		line, err := br.ReadSlice('\n')
		if err != nil && err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, 0, err
		}
		body += int64(len(line))
		raw = append(raw, line[:max(0, min(len(line), limit-len(raw)))]...)
		if err == io.EOF || !middle && err == nil && lineEnd(line) == len(line) {
			return raw, body, nil
		}
		middle = err != nil
	}
}

// isMarkup reports whether a line cannot be in a header.
func isMarkup(line []byte) bool { return line[0] == '<' }

// lineEnd returns the length of the line end in a line or line fragment: LF, and any CR
// before it.
func lineEnd(line []byte) int {
	if !bytes.HasSuffix(line, []byte("\n")) {
		return 0
	}
	return len(line) - len(bytes.TrimRight(line[:len(line)-1], "\r"))
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }
