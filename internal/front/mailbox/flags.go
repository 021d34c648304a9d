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

// ownFlags checks flags that a client sets (RFC 9051, 2.3.2).
func ownFlags(flags []imap.Flag) ([]mail.Flag, error) {
	if len(flags) > maxFlags {
		return nil, no(imap.ResponseCodeLimit, "Too many flags at once")
	}
	var list []mail.Flag
	for _, f := range flags {
		if strings.EqualFold(string(f), flagRecent) {
			continue // RFC 3501: only servers set it, and this one does not
		}
		if !speakable(mail.Flag(f)) {
			return nil, no(imap.ResponseCodeCannot, "A flag is too long, unknown, or not plain ASCII: choose another")
		}
		list = append(list, mail.Flag(f))
	}
	return list, nil
}

// speakable reports whether the protocol can carry a flag: one of the system's, or a
// keyword that is an atom.
func speakable(f mail.Flag) bool {
	if strings.HasPrefix(string(f), `\`) {
		return slices.Contains(systemFlags, f)
	}
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`(){%*"\]`, r) }
	return f != "" && len(f) <= maxFlagName && !strings.ContainsFunc(string(f), odd)
}

// shownFlags leaves out what the protocol cannot carry.
func shownFlags(flags []mail.Flag) []imap.Flag {
	list := make([]imap.Flag, 0, len(flags))
	for _, f := range flags {
		if speakable(f) {
			list = append(list, imap.Flag(f))
		}
	}
	return list
}

// sameFlag compares flags as the protocol does, whatever their case.
func sameFlag(a mail.Flag) func(mail.Flag) bool {
	return func(b mail.Flag) bool { return strings.EqualFold(string(a), string(b)) }
}

func hasFlag(flags []mail.Flag, f mail.Flag) bool { return slices.ContainsFunc(flags, sameFlag(f)) }

// equalFlags compares sets.
func equalFlags(a, b []mail.Flag) bool {
	in := func(all, part []mail.Flag) bool {
		return !slices.ContainsFunc(part, func(f mail.Flag) bool { return !slices.Contains(all, f) })
	}
	return in(a, b) && in(b, a)
}

// spelled returns flags as others in the folder are spelled already: keywords that
// differ only in case are one.
func (v *selection) spelled(flags []mail.Flag) []mail.Flag {
	list := slices.Clone(flags)
	for i, f := range list {
		if j := slices.IndexFunc(v.keywords, sameFlag(f)); j >= 0 {
			list[i] = v.keywords[j]
		}
	}
	return list
}

// learn notes keywords that are in use.
func (v *selection) learn(flags []mail.Flag) {
	for _, f := range flags {
		if speakable(f) && !strings.HasPrefix(string(f), `\`) && len(v.keywords) < maxKeywords && !hasFlag(v.keywords, f) {
			v.keywords = append(v.keywords, f)
		}
	}
}

const maxKeywords = 500 // of a folder, told when it is selected

// flags are those in use, for the client to show.
func (v *selection) flags() []imap.Flag {
	return append(shownFlags(systemFlags), shownFlags(v.keywords)...)
}
