package mail

import (
	"net/mail"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
)

// StableDomain is the domain of members' addresses in a space without a mail domain:
// "name@moot.alt" and "key@moot.alt". Names below .alt are never looked up in the DNS
// (RFC 9476).
const StableDomain = "moot.alt"

// Directory resolves addresses.
type Directory struct {
	Roster *policy.Roster
	Domain string // mail domain of the space's server; "" if it has none
}

// Target is a resolved address: one of the three.
type Target struct {
	Member  moot.Key
	Channel string // as #general
	Outside string // an address in another domain
}

// Resolve looks an address up, with or without a display name: a member's name or key,
// or #channel, with or without one of the space's domains. Kinds: Invalid, NotFound for
// an unknown name.
func (d Directory) Resolve(address string) (Target, error) {
	local, domain, err := splitAddress(address)
	if err != nil {
		return Target{}, err
	}
	if domain != "" && !d.ours(domain) {
		return Target{Outside: local + "@" + domain}, nil
	}
	if strings.HasPrefix(local, "#") {
		if !validChannel(local) {
			return Target{}, moot.Errorf(moot.Invalid, "%.60q is not a channel name: want # and letters, digits, '-' or '_'", local)
		}
		return Target{Channel: local}, nil
	}
	m, err := d.member(local)
	if err != nil {
		return Target{}, err
	}
	return Target{Member: m.Key}, nil
}

func (d Directory) ours(domain string) bool {
	return strings.EqualFold(domain, StableDomain) || d.Domain != "" && strings.EqualFold(domain, d.Domain)
}

// member looks an unrevoked member up by the local part of an address.
func (d Directory) member(local string) (policy.Member, error) {
	if k, err := moot.ParseKey(local); err == nil {
		if m, ok := d.Roster.Member(k); ok && !m.Revoked {
			return m, nil
		}
		return policy.Member{}, unknown(local)
	}
	for _, m := range d.Roster.Members() {
		if !m.Revoked && (strings.EqualFold(m.Name, local) || strings.EqualFold(LocalPart(m.Name), local)) {
			return m, nil
		}
	}
	return policy.Member{}, unknown(local)
}

func unknown(who string) error {
	return moot.WithHint(moot.Errorf(moot.NotFound, "no member is called %.80q", who), moot.HintListMembers)
}

// Address returns the address of a member, in the space's mail domain if it has one.
func (d Directory) Address(k moot.Key) mail.Address {
	local, shown := k.String(), k.Short()
	if m, ok := d.Roster.Member(k); ok {
		local, shown = LocalPart(m.Name), m.Name
	}
	return mail.Address{Name: shown, Address: local + "@" + d.domain()}
}

func (d Directory) domain() string {
	if d.Domain != "" {
		return d.Domain
	}
	return StableDomain
}

// LocalPart derives the local part of an address from a member's name: everything but
// letters, digits and "-_." becomes a dot.
func LocalPart(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if isNameRune(r) || r == '.' {
			b.WriteRune(r)
		} else {
			b.WriteByte('.')
		}
	}
	s := strings.Trim(b.String(), ".")
	for strings.Contains(s, "..") {
		s = strings.ReplaceAll(s, "..", ".")
	}
	if s == "" {
		return "member"
	}
	return s
}

// isNameRune reports whether a rune may stand anywhere in a name; non-ASCII runes may,
// as in RFC 6531.
func isNameRune(r rune) bool {
	return r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f
}

func validChannel(s string) bool {
	return len(s) > 1 && len(s) <= 64 && strings.IndexFunc(s[1:], func(r rune) bool { return !isNameRune(r) }) < 0
}

// splitAddress splits an address. The domain is empty if there is none.
func splitAddress(s string) (local, domain string, err error) {
	s = strings.TrimSpace(s)
	if strings.ContainsAny(s, "@<") {
		a, err := mail.ParseAddress(s)
		if err != nil {
			return "", "", moot.Errorf(moot.Invalid, "%.80q is not an address", s)
		}
		s = a.Address
	}
	at := strings.LastIndexByte(s, '@')
	if at >= 0 {
		local, domain = s[:at], s[at+1:]
	} else {
		local = s
	}
	if local == "" || at >= 0 && domain == "" || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", "", moot.Errorf(moot.Invalid, "%.80q is not an address", s)
	}
	return local, domain, nil
}
