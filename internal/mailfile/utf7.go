package mailfile

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
)

// mailboxBase64 is the alphabet of names of mailboxes (RFC 3501, 5.1.3).
var mailboxBase64 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)

// decodeUTF7 decodes a name in modified UTF-7; false if it is none.
func decodeUTF7(s string) (string, bool) {
	var out strings.Builder
	for s != "" {
		plain, rest, shifted := strings.Cut(s, "&")
		out.WriteString(plain)
		if !shifted {
			return out.String(), true
		}
		code, after, ok := strings.Cut(rest, "-")
		if !ok {
			return "", false
		}
		s = after
		if code == "" {
			out.WriteByte('&')
			continue
		}
		b, err := mailboxBase64.DecodeString(code)
		if err != nil || len(b)%2 != 0 {
			return "", false
		}
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
		}
		out.WriteString(string(utf16.Decode(units)))
	}
	return out.String(), true
}

// encodeUTF7 encodes one part of a folder's name for a file system: in modified UTF-7,
// with dots, which separate folders there.
func encodeUTF7(s string) string {
	var out strings.Builder
	var run []rune
	flush := func() {
		if len(run) == 0 {
			return
		}
		var b []byte
		for _, u := range utf16.Encode(run) {
			b = append(b, byte(u>>8), byte(u))
		}
		out.WriteString("&" + mailboxBase64.EncodeToString(b) + "-")
		run = run[:0]
	}
	for _, r := range s {
		switch {
		case r == '&':
			flush()
			out.WriteString("&-")
		case r < ' ' || r > '~' || r == '.' || r == '/':
			run = append(run, r)
		default:
			flush()
			out.WriteRune(r)
		}
	}
	flush()
	return out.String()
}
