package mail

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mime"
	"github.com/mootspace/moot/internal/trust"
)

// wrote reports whether From is a member, and no one else.
func (d Directory) wrote(h header, id moot.MemberID) bool {
	for _, a := range h.authors {
		if !d.names(a.Address(), id) {
			return false
		}
	}
	return len(h.authors) > 0 && !d.mentionsOther(h.from, id, false)
}

// forged reports whether From names another than the message's author. The space's server
// may send for addresses in other domains, and only for these. A From that names nobody
// is not forged.
func (d Directory) forged(h header, author moot.MemberID, fromServer bool) bool {
	for _, a := range h.authors {
		address := a.Address()
		if a.Domain == "" { // only a name: it may be another member's
			name := bare([]mime.Address{a})[0]
			if _, err := d.Resolve(name); err == nil && !d.names(name, author) {
				return true
			}
			continue
		}
		found, err := d.Resolve(address)
		outside := fromServer && (err == nil && len(found) == 1 && found[0].Outside != "" || isDaemon(address))
		if !outside && !d.names(address, author) {
			return true
		}
	}
	return d.mentionsOther(h.from, author, fromServer)
}

// isDaemon reports whether an address is a mail server's own (RFC 2142, RFC 3464).
func isDaemon(address string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	return local == "mailer-daemon" || local == "postmaster"
}

// mentionsOther reports whether values of From have an address of the space anywhere, in
// names and comments too, that is not the member's own: a reader may take it for the
// author's.
func (d Directory) mentionsOther(values []string, id moot.MemberID, fromServer bool) bool {
	for _, value := range values {
		text := plainForm(value)
		for at, r := range text {
			if r != '@' {
				continue
			}
			local := lastWord(text[:at])
			domain := firstWord(text[at+1:])
			if local == "" || !d.resembles(domain) || fromServer && isDaemon(local) {
				continue
			}
			if !d.names(local+"@"+StableDomain, id) {
				return true
			}
		}
	}
	return false
}

// plainForm returns a value of From decoded, without quotes, and without spaces around dots.
func plainForm(value string) string {
	text := strings.NewReplacer(`"`, "", `\`, "").Replace(norm.NFKC.String(mime.Decode(value)))
	labels := strings.Split(text, ".")
	for i := range labels {
		if i > 0 {
			labels[i] = strings.TrimLeftFunc(labels[i], unicode.IsSpace)
		}
		if i < len(labels)-1 {
			labels[i] = strings.TrimRightFunc(labels[i], unicode.IsSpace)
		}
	}
	return strings.Join(labels, ".")
}

// maxMention bounds each half of an address in a name, in bytes.
const maxMention = 256

func lastWord(s string) string {
	s = strings.TrimRightFunc(s[max(0, len(s)-maxMention):], unicode.IsSpace)
	return strings.Trim(s[strings.LastIndexFunc(s, endsAddress)+1:], ".'`")
}

func firstWord(s string) string {
	s = strings.TrimLeftFunc(s[:min(len(s), maxMention)], unicode.IsSpace)
	if end := strings.IndexFunc(s, endsAddress); end >= 0 {
		s = s[:end]
	}
	return s
}

func endsAddress(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("<>()[],;:@", r) }

// resembles reports whether a domain is one of the space's or looks like one.
func (d Directory) resembles(domain string) bool {
	form := domainForm(domain)
	return form != "" && (form == domainForm(StableDomain) || d.Domain != "" && form == domainForm(d.Domain))
}

// domainForm is what looks the same in a domain.
func domainForm(domain string) string {
	var labels []string
	for label := range strings.SplitSeq(domain, ".") {
		if label = trust.MailForm(label); label != "" {
			labels = append(labels, label)
		}
	}
	return strings.Join(labels, ".")
}
