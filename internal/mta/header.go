package mta

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"github.com/emersion/go-message/textproto"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mime"
)

const (
	maxHeader = 128 << 10 // bytes
	maxFields = 500
)

// parseHeader parses the header in the first chunk of a message, and returns the offset
// of the body. As with other mail servers, a line that is no field begins the body also
// if no empty line is before it, and the separator of a mailbox file before the header
// becomes a field. Kind TooLarge.
func parseHeader(start []byte) (h textproto.Header, at int, err error) {
	separator := separatorLine(start)
	at = endOfHeader(start, len(separator))
	if at < 0 || at > maxHeader {
		return h, 0, moot.Errorf(moot.TooLarge, "the header has more than %d bytes", maxHeader)
	}
	h, err = textproto.ReadHeader(bufio.NewReader(bytes.NewReader(start[len(separator):at])))
	if err != nil && err != io.EOF {
		return h, 0, moot.Errorf(moot.Invalid, "%w", err)
	}
	if h.Len() > maxFields {
		return h, 0, moot.Errorf(moot.TooLarge, "the header has more than %d fields", maxFields)
	}
	if len(separator) > 0 {
		h.Add("X-Mailbox-Line", oneLine(string(separator)))
	}
	return h, at, nil
}

// separatorLine returns the line that precedes a message in an mbox file (RFC 4155), if
// there is one.
func separatorLine(start []byte) []byte {
	end := bytes.IndexByte(start, '\n') + 1
	if !bytes.HasPrefix(bytes.TrimLeft(start[:end], ">"), []byte("From ")) {
		return nil
	}
	return start[:end]
}

// endOfHeader returns the offset of the body: after the first empty line, or at the first
// line that is no field; -1 if the header does not end. The header begins at from.
func endOfHeader(start []byte, from int) int {
	for at := from; at < len(start); {
		end := bytes.IndexByte(start[at:], '\n') + 1
		if end == 0 {
			if len(start) == chunk {
				return -1
			}
			end = len(start) - at
		}
		line := start[at : at+end]
		folded := at > from && (line[0] == ' ' || line[0] == '\t')
		switch {
		case string(line) == "\r\n" || string(line) == "\n":
			return at + end
		case !folded && !mime.IsField(line):
			return at
		}
		at += end
	}
	if len(start) == chunk {
		return -1
	}
	return len(start)
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
