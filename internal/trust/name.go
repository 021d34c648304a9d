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
		case latin != 0:
			b.WriteRune(latin)
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

// lookAlike returns the Latin letter or digit that a lower-case one looks like; 0 if there is none.
func lookAlike(r rune) rune {
	switch r {
	case 'а', 'α', 'ɑ':
		return 'a'
	case 'ь':
		return 'b'
	case 'с', 'ϲ':
		return 'c'
	case 'ԁ':
		return 'd'
	case 'е', 'є', 'ε':
		return 'e'
	case 'ɡ', 'ԍ':
		return 'g'
	case 'һ', 'н':
		return 'h'
	case 'і', 'ι', 'ı', 'ɩ':
		return 'i'
	case 'ј', 'ϳ':
		return 'j'
	case 'к', 'κ':
		return 'k'
	case '1', 'ӏ':
		return 'l'
	case 'м':
		return 'm'
	case 'п', 'η':
		return 'n'
	case '0', 'о', 'ο', 'σ':
		return 'o'
	case 'р', 'ρ':
		return 'p'
	case 'ԛ':
		return 'q'
	case 'г':
		return 'r'
	case 'ѕ':
		return 's'
	case 'т', 'τ':
		return 't'
	case 'υ', 'ʋ':
		return 'u'
	case 'ν', 'ѵ':
		return 'v'
	case 'ԝ', 'ω', 'ѡ':
		return 'w'
	case 'х', 'χ':
		return 'x'
	case 'у', 'γ':
		return 'y'
	case 'з':
		return '3'
	}
	return 0
}
