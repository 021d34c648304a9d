package tree

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/mootspace/moot"
)

// Limits of names and paths.
const (
	MaxName   = 255
	MaxPath   = 4096
	MaxLevels = 100
)

// CheckName reports, with kind Invalid, why something cannot be the name of a file or folder:
// names are UTF-8 of at most 255 bytes, without a slash or NUL, and not "." or "..".
func CheckName(name string) error {
	why := ""
	switch {
	case name == "":
		why = "it is empty"
	case len(name) > MaxName:
		why = "it has more than 255 bytes"
	case !utf8.ValidString(name):
		why = "it is not UTF-8"
	case strings.ContainsAny(name, "/\x00"):
		why = "it has a slash or a zero byte"
	case name == "." || name == "..":
		why = "it has another meaning"
	}
	return nameError(name, why)
}

// CheckPath reports, with kind Invalid, why something cannot be a path: it has at most 4,096
// bytes and 100 names. The empty path is the root.
func CheckPath(p string) error {
	if p == "" {
		return nil
	}
	if len(p) > MaxPath {
		return nameError(p, "it has more than 4,096 bytes")
	}
	if strings.Count(p, "/") >= MaxLevels {
		return nameError(p, "it has more than 100 names")
	}
	for name := range strings.SplitSeq(p, "/") {
		if err := CheckName(name); err != nil {
			return err
		}
	}
	return nil
}

func nameError(name, why string) error {
	if why == "" {
		return nil
	}
	return moot.WithHint(moot.Errorf(moot.Invalid, "%.80q cannot be a name: %s", name, why), moot.HintRename)
}

// fold returns a form that names share which differ in case or Unicode's normal form only.
func fold(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf || 'A' <= r && r <= 'Z' }) {
		return name
	}
	lower := func(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }
	return norm.NFC.String(strings.Map(lower, norm.NFC.String(name)))
}

const (
	maxExt    = 16 // bytes of a file's extension
	maxWho    = 40 // bytes of a member's name in the name of a copy
	copyWords = " (conflict "
)

// copyName names a conflict copy by its version's author, time and ID, so that it is the
// same everywhere. It is cut to MaxName; each further attempt is longer.
func copyName(name, who string, s *statement, attempt int) string {
	ext := path.Ext(name)
	if ext == name || len(ext) > maxExt { // ".profile" has no extension
		ext = ""
	}
	digits := s.source.id.String()[:min(8<<attempt, 64)]
	if attempt > 0 {
		digits = fmt.Sprintf("%s-%d-%d", digits, s.op, attempt)
	}
	at := s.source.time.Wall().UTC().Format("2006-01-02 150405")
	tail := fmt.Sprintf("%s%s %s %s)%s", copyWords, cut(plain(who), maxWho), at, digits, ext)
	return cut(strings.TrimSuffix(name, ext), MaxName-len(tail)) + tail
}

// plain leaves out what a name must not contain, or should not.
func plain(who string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r == utf8.RuneError || unicode.IsControl(r) {
			return -1
		}
		return r
	}, who)
}

// cut returns the longest beginning of s of at most n bytes that ends between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
