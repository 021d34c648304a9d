package mime

import (
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/transform"
)

// CharsetReader converts text to UTF-8. Text in an unknown or no charset, and text that
// is said to be ASCII or UTF-8, is read as UTF-8, and what is not UTF-8 as Windows-1252.
func CharsetReader(r io.Reader, name string) io.Reader {
	return transform.NewReader(r, decoderOf(name))
}

// toUTF8 is CharsetReader for a short text.
func toUTF8(text, name string) string {
	out, _, err := transform.String(decoderOf(name), text)
	if err != nil {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	return strings.ToValidUTF8(out, "\uFFFD")
}

func decoderOf(name string) transform.Transformer {
	if enc := charset(name); enc != nil {
		return enc.NewDecoder()
	}
	return guess{}
}

// charset looks a charset up by its name, also by a misspelt one; nil if it is unknown,
// ASCII or UTF-8.
func charset(name string) encoding.Encoding {
	name = strings.ToLower(strings.Trim(name, " \t\"'<>"))
	name, _, _ = strings.Cut(name, "*") // a language (RFC 2231, 5)
	name = strings.TrimSpace(strings.SplitN(name, ";", 2)[0])
	if digits := strings.TrimLeft(strings.TrimPrefix(name, "cp"), "-_ "); name != digits && len(digits) == 4 && strings.HasPrefix(digits, "125") {
		name = "windows-" + digits
	}
	if strings.HasPrefix(name, "iso8859") || strings.HasPrefix(name, "iso_8859") || strings.HasPrefix(name, "8859") {
		name = "iso-8859-" + strings.TrimLeft(name[strings.Index(name, "8859")+4:], "-_")
	}
	switch name {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return nil
	}
	for _, one := range []string{name, strings.TrimPrefix(name, "x-"), strings.ReplaceAll(name, "_", "-")} {
		if enc, err := htmlindex.Get(one); err == nil && enc != encoding.Replacement {
			return utf8AsNil(enc)
		}
		if enc, err := ianaindex.MIME.Encoding(one); err == nil && enc != nil {
			return utf8AsNil(enc)
		}
	}
	return nil
}

func utf8AsNil(enc encoding.Encoding) encoding.Encoding {
	if name, err := htmlindex.Name(enc); err == nil && name == "utf-8" {
		return nil
	}
	return enc
}

// guess passes UTF-8 on, and converts other bytes from Windows-1252.
type guess struct{ transform.NopResetter }

// Transform implements transform.Transformer.
func (guess) Transform(dst, src []byte, atEOF bool) (written, read int, err error) {
	for read < len(src) {
		r, size := rune(src[read]), 1
		if r >= utf8.RuneSelf {
			if !atEOF && !utf8.FullRune(src[read:]) {
				return written, read, transform.ErrShortSrc
			}
			if r, size = utf8.DecodeRune(src[read:]); r == utf8.RuneError && size == 1 {
				r = charmap.Windows1252.DecodeByte(src[read])
			}
		}
		if written+utf8.RuneLen(r) > len(dst) {
			return written, read, transform.ErrShortDst
		}
		written += utf8.EncodeRune(dst[written:], r)
		read += size
	}
	return written, read, nil
}
