package mta

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"github.com/emersion/go-message/textproto"

	"github.com/mootspace/moot"
)

const (
	maxHeader = 128 << 10 // bytes
	maxFields = 500
)

// parseHeader returns the header of a message, of which it is given the first chunk,
// and where the body begins. Kinds: TooLarge, Invalid.
func parseHeader(start []byte) (h textproto.Header, at int, err error) {
	at = endOfHeader(start)
	if at < 0 || at > maxHeader {
		return h, 0, moot.Errorf(moot.TooLarge, "the header has more than %d bytes", maxHeader)
	}
	h, err = textproto.ReadHeader(bufio.NewReader(bytes.NewReader(start[:at])))
	if err != nil && err != io.EOF {
		return h, 0, moot.Errorf(moot.Invalid, "%w", err)
	}
	if h.Len() > maxFields {
		return h, 0, moot.Errorf(moot.TooLarge, "the header has more than %d fields", maxFields)
	}
	return h, at, nil
}

// endOfHeader returns the length of the header with the empty line that ends it, or
// of the whole if it is less than a chunk and has no body; -1 if there is no end.
func endOfHeader(start []byte) int {
	if bytes.HasPrefix(start, []byte("\r\n")) {
		return 2
	}
	if i := bytes.Index(start, []byte("\r\n\r\n")); i >= 0 {
		return i + 4
	}
	if len(start) < chunk {
		return len(start)
	}
	return -1
}

// clean removes what only this server may say: how the message came here, and what it
// found out about its sender (RFC 8601, section 5).
func clean(h *textproto.Header, authserv string) {
	h.Del("Return-Path")
	h.Del("X-Spam-Flag")
	for f := h.FieldsByKey("Authentication-Results"); f.Next(); {
		if claims(f.Value(), authserv) {
			f.Del()
		}
	}
}

// claims reports whether the value of an Authentication-Results field claims to be of
// this server, or can be taken for that.
func claims(value, authserv string) bool {
	id, _, _ := strings.Cut(withoutComments(value), ";")
	id = strings.NewReplacer(`"`, "", `\`, "").Replace(id)
	words := strings.Fields(id) // the name, and perhaps a version
	if len(words) == 0 {
		return true
	}
	return strings.EqualFold(strings.TrimSuffix(words[0], "."), strings.TrimSuffix(authserv, "."))
}

// withoutComments removes comments (RFC 5322, 3.2.2). Of text within an unbalanced one
// nothing is left.
func withoutComments(s string) string {
	var b strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			if depth == 0 {
				b.WriteByte(s[i])
			}
		case c == '"' && depth == 0:
			quoted = !quoted
		case c == '(' && !quoted:
			depth++
		case c == ')' && !quoted && depth > 0:
			depth--
		case depth == 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}
