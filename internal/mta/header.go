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

// parseHeader parses the header in the first chunk of a message, and returns the offset
// of the body. Kinds: TooLarge, Invalid.
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

// endOfHeader returns the length of the header with the empty line that ends it, or of a
// whole message without a body; -1 if the header does not end.
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

// stripTrusted removes fields that only this server may add: trace and authentication
// results (RFC 8601, section 5).
func stripTrusted(h *textproto.Header, authserv string) {
	h.Del("Return-Path")
	h.Del("X-Spam-Flag")
	for f := h.FieldsByKey("Authentication-Results"); f.Next(); {
		if claims(f.Value(), authserv) {
			f.Del()
		}
	}
}

// claims reports whether an Authentication-Results value names this server, or could be
// mistaken for that.
func claims(value, authserv string) bool {
	id, _, _ := strings.Cut(withoutComments(value), ";")
	id = strings.NewReplacer(`"`, "", `\`, "").Replace(id)
	words := strings.Fields(id) // the name, and optionally a version
	if len(words) == 0 {
		return true
	}
	return strings.EqualFold(strings.TrimSuffix(words[0], "."), strings.TrimSuffix(authserv, "."))
}

// withoutComments removes comments (RFC 5322, 3.2.2). An unbalanced comment extends to
// the end.
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
