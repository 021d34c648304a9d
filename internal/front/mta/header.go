package mta

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"github.com/emersion/go-message/textproto"
	"github.com/emersion/go-smtp"
)

const (
	maxHeader = 128 << 10 // bytes
	maxFields = 500
)

// parseHeader returns the header at the beginning of a message and where the body
// begins, or why the message is refused.
func parseHeader(start []byte, hops int) (h textproto.Header, at int, err error) {
	at = endOfHeader(start)
	if at < 0 || at > maxHeader {
		return h, 0, refusal(552, smtp.EnhancedCode{5, 3, 4}, "the message has no end to its header, or a very large one")
	}
	h, err = textproto.ReadHeader(bufio.NewReader(bytes.NewReader(start[:at])))
	if err != nil && err != io.EOF {
		return h, 0, refusal(554, smtp.EnhancedCode{5, 6, 0}, "the header is malformed")
	}
	if h.Len() > maxFields {
		return h, 0, refusal(552, smtp.EnhancedCode{5, 3, 4}, "the header has too many fields")
	}
	if len(h.Values("Received")) >= hops {
		return h, 0, refusal(554, smtp.EnhancedCode{5, 4, 6}, "the message goes in circles")
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
