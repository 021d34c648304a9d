package trust

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/mootspace/moot"
)

// MaxName is the length in bytes of the longest name of a member or space.
const MaxName = 128

// CheckName reports, with kind Invalid, why a name of a member or space is not allowed.
func CheckName(name string) error {
	bad := !utf8.ValidString(name) || len(name) > MaxName || len(name) == 0
	for _, r := range name {
		bad = bad || !unicode.IsGraphic(r) || unicode.Is(unicode.Bidi_Control, r)
	}
	if bad || MailForm(name) == "" {
		return moot.Errorf(moot.Invalid, "%.40q is not a name (want 1 to %d bytes of printable text with a letter or digit)", name, MaxName)
	}
	return nil
}

// MailForm returns what two names must not share: the name compatibility-decomposed (NFKD),
// in lower case, without marks, spaces and punctuation, and with Cyrillic and Greek letters
// and the digits 0 and 1 as the Latin ones that they look like (a part of the skeletons of
// Unicode Technical Standard 39).
func MailForm(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(norm.NFKC.String(name))) {
		r = unicode.ToLower(r)
		switch latin := lookAlike(r); {
		case latin != "":
			b.WriteString(latin)
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

// lookAlike returns the Latin letters that a lower-case letter or digit looks like, or "".
func lookAlike(r rune) string {
	const from = "аеорсухіјѕһԁԛԝєгкмнтвп" + "αορνυικτχεωηγϲϳ" + "ıɑɡɩʋ" + "01" + "ԍӏґцзё"
	to := [...]string{
		"a", "e", "o", "p", "c", "y", "x", "i", "j", "s", "h", "d", "q", "w", "e", "r", "k", "m", "h", "t", "b", "n",
		"a", "o", "p", "v", "u", "i", "k", "t", "x", "e", "w", "n", "y", "c", "j",
		"i", "a", "g", "i", "u",
		"o", "l",
		"g", "l", "r", "u", "3", "e",
	}
	n := 0
	for _, f := range from {
		if f == r {
			return to[n]
		}
		n++
	}
	return ""
}
