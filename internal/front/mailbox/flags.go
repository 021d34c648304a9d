package mailbox

import (
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"github.com/mootspace/moot/internal/mail"
)

const (
	maxFlags    = 64 // in one command
	maxFlagName = 64 // bytes
	flagRecent  = `\Recent`
)

var systemFlags = []mail.Flag{mail.Seen, mail.Answered, mail.Flagged, mail.Deleted, mail.Draft}

// parseFlags validates flags that a client sets (RFC 9051, 2.3.2).
func parseFlags(flags []imap.Flag) ([]mail.Flag, error) {
	if len(flags) > maxFlags {
		return nil, no(imap.ResponseCodeLimit, "Too many flags at once")
	}
	var list []mail.Flag
	for _, f := range flags {
		if strings.EqualFold(string(f), flagRecent) {
			continue // \Recent is set by servers only (RFC 3501), and not by this one
		}
		if !isAtom(mail.Flag(f)) {
			return nil, no(imap.ResponseCodeCannot, "A flag is too long, unknown, or not plain ASCII: choose another")
		}
		list = append(list, mail.Flag(f))
	}
	return list, nil
}

// isAtom reports whether the protocol can represent a flag: a system flag or an atom.
func isAtom(f mail.Flag) bool {
	if strings.HasPrefix(string(f), `\`) {
		return slices.Contains(systemFlags, f)
	}
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`(){%*"\]`, r) }
	return f != "" && len(f) <= maxFlagName && !strings.ContainsFunc(string(f), odd)
}

// protocolFlags omits flags that the protocol cannot represent.
func protocolFlags(flags []mail.Flag) []imap.Flag {
	list := make([]imap.Flag, 0, len(flags))
	for _, f := range flags {
		if isAtom(f) {
			list = append(list, imap.Flag(f))
		}
	}
	return list
}

// sameFlag compares flags, ignoring case.
func sameFlag(a mail.Flag) func(mail.Flag) bool {
	return func(b mail.Flag) bool { return strings.EqualFold(string(a), string(b)) }
}

func hasFlag(flags []mail.Flag, f mail.Flag) bool { return slices.ContainsFunc(flags, sameFlag(f)) }

// equalFlags compares sets of flags.
func equalFlags(a, b []mail.Flag) bool {
	in := func(all, part []mail.Flag) bool {
		return !slices.ContainsFunc(part, func(f mail.Flag) bool { return !slices.Contains(all, f) })
	}
	return in(a, b) && in(b, a)
}

// canonical returns flags in the spelling that the folder has: keywords are
// case-insensitive.
func (v *selection) canonical(flags []mail.Flag) []mail.Flag {
	list := slices.Clone(flags)
	for i, f := range list {
		if j := slices.IndexFunc(v.keywords, sameFlag(f)); j >= 0 {
			list[i] = v.keywords[j]
		}
	}
	return list
}

// addKeywords adds keywords to those of the folder.
func (v *selection) addKeywords(flags []mail.Flag) {
	for _, f := range flags {
		if isAtom(f) && !strings.HasPrefix(string(f), `\`) && len(v.keywords) < maxKeywords && !hasFlag(v.keywords, f) {
			v.keywords = append(v.keywords, f)
		}
	}
}

const maxKeywords = 500 // of a folder, sent on SELECT

// flags returns the flags in use in the folder.
func (v *selection) flags() []imap.Flag {
	return append(protocolFlags(systemFlags), protocolFlags(v.keywords)...)
}
