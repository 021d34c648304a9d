package mime

import (
	"io"
	"strings"
)

// maxCharset bounds the name of a charset in an encoded word, in bytes.
const maxCharset = 64

// Decode returns text with its encoded words decoded (RFC 2047), and 8-bit text as UTF-8.
// Words are also decoded within quoted strings and next to other text, and with spaces
// in them; what is no word stays.
func Decode(s string) string {
	if !strings.Contains(s, "=?") {
		return toUTF8(s, "")
	}
	var out strings.Builder
	var charset string // of adjacent words: a character may be split between them
	var run strings.Builder
	flush := func() {
		out.WriteString(toUTF8(run.String(), charset))
		run.Reset()
	}
	begin, at := 0, 0 // of plain text
	for at < len(s) {
		next := strings.Index(s[at:], "=?")
		if next < 0 {
			break
		}
		at += next
		w, size := parseWord(s[at:])
		if size == 0 {
			at += len("=?")
			continue
		}
		between := s[begin:at]
		adjacent := charset != "" && strings.Trim(between, " \t\r\n") == ""
		if !adjacent || !strings.EqualFold(charset, w.charset) {
			flush()
			charset = w.charset
		}
		if !adjacent { // white space between words is none (RFC 2047, 6.2)
			out.WriteString(toUTF8(between, ""))
		}
		run.WriteString(w.text)
		at += size
		begin = at
	}
	flush()
	out.WriteString(toUTF8(s[begin:], ""))
	return out.String()
}

// encodedWord is a word, its text still in its charset.
type encodedWord struct{ charset, text string }

// parseWord parses the encoded word at the start of a text, and returns its length; 0 if
// it is none.
func parseWord(s string) (w encodedWord, size int) {
	name := strings.IndexByte(s[2:min(len(s), 2+maxCharset)], '?')
	if name <= 0 || len(s) < 2+name+3 || s[2+name+2] != '?' || strings.ContainsAny(s[2:2+name], " \t\"<>()") {
		return w, 0
	}
	begin := 2 + name + 3
	end := wordEnd(s[begin:])
	if end < 0 {
		return w, 0
	}
	text := s[begin : begin+end]
	w.charset = s[2 : 2+name]
	switch s[2+name+1] {
	case 'q', 'Q':
		w.text = decodeQ(text)
	case 'b', 'B':
		if strings.ContainsAny(text, "<>\",;") {
			return w, 0
		}
		w.text = decodeB(text)
	default:
		return w, 0
	}
	return w, begin + end + len("?=")
}

// wordEnd returns the length of a word's text; -1 if another word begins before its end,
// or if it has none.
func wordEnd(s string) int {
	for i := 0; i+1 < len(s); i++ {
		switch {
		case s[i] == '?' && s[i+1] == '=':
			return i
		case s[i] == '=' && s[i+1] == '?' && !strings.HasPrefix(s[i+2:], "="):
			return -1
		}
	}
	return -1
}

// decodeQ decodes the Q encoding (RFC 2047, 4.2); malformed sequences stay.
func decodeQ(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '_':
			b.WriteByte(' ')
		case s[i] == '=' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteByte(fromHex(s[i+1])<<4 | fromHex(s[i+2]))
			i += 2
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// decodeB decodes base64 with any padding or none, and with other bytes in it.
func decodeB(s string) string {
	out, _ := io.ReadAll(TransferReader(strings.NewReader(s), "base64")) // never fails: it is in memory
	return string(out)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func fromHex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
