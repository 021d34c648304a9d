package mail

import (
	"cmp"
	"net/mail"
	"strings"
	"unicode/utf8"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mime"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/trust"
)

// StableDomain is the domain of members' addresses in a space without a mail domain:
// "name@moot.alt" and "ID@moot.alt". Names below .alt are never looked up in the DNS
// (RFC 9476).
const StableDomain = "moot.alt"

// Roster is what mail asks of a space's membership: a *policy.Roster.
type Roster interface {
	// Member returns a member, also a removed or waiting one.
	Member(moot.MemberID) (policy.Member, bool)
	Members() []policy.Member
	// Owner returns the member to whom a device belongs or did.
	Owner(device moot.Key) (moot.MemberID, bool)
	// Lookup finds a member by name, compared by its mail form, or by ID.
	Lookup(name string) (policy.Member, error)
	// Mailbox returns the mailbox key to which a member's messages are sealed.
	Mailbox(moot.MemberID) (trust.Mailbox, bool)
}

// Directory resolves addresses.
type Directory struct {
	Roster Roster
	Domain string // mail domain of the space's server; "" if it has none
	// Aliases are asked for when an address leads to no member. nil: there are none.
	Aliases func() (Aliases, error)
}

// Target is where an address leads: a member, a channel or out of the space.
type Target struct {
	Member  moot.MemberID
	Name    string // of Member, in its mail form, if the address named it so and not by ID
	Alias   string // that leads to Member, in its mail form; empty: the address is its own
	Channel string // as #general
	Outside string // an address in another domain
}

// plain returns only where the address leads.
func (t Target) plain() Target {
	t.Name, t.Alias = "", ""
	return t
}

// Resolve looks an address up, with or without a display name: a member's name or ID, an
// alias, or #channel, with or without one of the space's domains. Names match exactly, but
// for what the mail form leaves out; a tag after a plus sign does not matter (RFC 5233).
// There is one target, but for an alias and for postmaster and abuse, which lead to the
// owners. Kinds: Invalid, NotFound for an unknown name and for a member who was removed or
// waits to be admitted.
func (d Directory) Resolve(address string) ([]Target, error) {
	local, domain, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	if domain != "" && !d.ours(domain) {
		return []Target{{Outside: mime.Address{Local: local, Domain: domain}.Address()}}, nil
	}
	if strings.HasPrefix(local, "#") {
		if !validChannel(local) {
			return nil, moot.Errorf(moot.Invalid, "%.60q is not a channel name: want # and letters, digits, '-' or '_'", local)
		}
		return []Target{{Channel: local}}, nil
	}
	local = d.untagged(local)
	if toOwners(local) {
		return d.owners(), nil
	}
	m, named, err := d.member(local)
	switch {
	case err == nil && named:
		return []Target{{Member: m.ID, Name: trust.MailForm(local)}}, nil
	case err == nil:
		return []Target{{Member: m.ID}}, nil
	}
	if found, err2 := d.alias(local, domain); err2 != nil || len(found) > 0 {
		return found, err2
	}
	return nil, err
}

// Inbound is Resolve for mail from other domains: channels take none, and a name by which
// authorities recognize the holder of the domain leads to nobody but owners and admins.
// Kinds: as Resolve, and Denied.
func (d Directory) Inbound(address string) ([]Target, error) {
	found, err := d.Resolve(address)
	if err != nil {
		return nil, err
	}
	for _, t := range found {
		m, _ := d.Roster.Member(t.Member)
		switch {
		case t.Channel != "":
			return nil, moot.Errorf(moot.Denied, "a channel takes no mail from outside")
		case t.Outside != "":
			return nil, moot.Errorf(moot.NotFound, "%.80q is not an address of this space", address)
		case t.Name != "" && Entitles(t.Name) && m.Role.Rank() < policy.RoleAdmin.Rank():
			return nil, moot.Errorf(moot.NotFound, "mail from outside to %.80q goes to an owner, an admin or an alias only", address)
		}
	}
	return found, nil
}

func (d Directory) ours(domain string) bool {
	domain = strings.TrimSuffix(domain, ".")
	return strings.EqualFold(domain, StableDomain) || d.Domain != "" && strings.EqualFold(domain, d.Domain)
}

// untagged removes the tag from the local part of an address, unless a member's name has
// a plus sign itself.
func (d Directory) untagged(local string) string {
	base, _, tagged := strings.Cut(local, "+")
	if !tagged || base == "" {
		return local
	}
	if m, named, err := d.member(local); err == nil && named && strings.Contains(m.Name, "+") {
		return local
	}
	return base
}

// owners returns to whom mail about the mail system itself leads.
func (d Directory) owners() (list []Target) {
	for _, m := range d.Roster.Members() {
		if !m.Revoked && !m.Waiting && m.Role.Rank() >= policy.RoleOwner.Rank() {
			list = append(list, Target{Member: m.ID, Alias: "postmaster"})
		}
	}
	return list
}

// alias returns where an address leads that is no member's: none, if it is no alias, and
// there is none for the rest of the mail domain. Members that have left the space are left
// out.
func (d Directory) alias(local, domain string) (list []Target, err error) {
	if d.Aliases == nil {
		return nil, nil
	}
	all, err := d.Aliases()
	if err != nil {
		return nil, err
	}
	a, ok := all.Find(local)
	if !ok || a.Name == CatchAll {
		if d.Domain == "" || domain == "" || strings.EqualFold(domain, StableDomain) {
			return nil, nil
		}
		a = all[CatchAll]
	}
	for _, id := range a.Members {
		if m, ok := d.Roster.Member(id); ok && !m.Revoked && !m.Waiting {
			list = append(list, Target{Member: id, Alias: cmp.Or(trust.MailForm(local), CatchAll)})
		}
	}
	return list, nil
}

// member looks a member up by the local part of an address, and reports whether that is a
// name.
func (d Directory) member(local string) (m policy.Member, named bool, err error) {
	id, err := moot.ParseMemberID(local)
	named = err != nil
	found := false
	switch {
	case !named:
		m, found = d.Roster.Member(id)
	case strings.Contains(local, mark):
		m, found = d.marked(local)
	default:
		m, err = d.Roster.Lookup(local)
		found = err == nil && trust.MailForm(m.Name) == trust.MailForm(local)
	}
	switch {
	case !found || m.Revoked:
		return policy.Member{}, named, moot.WithHint(moot.Errorf(moot.NotFound, "no member is called %.80q", local), moot.HintListMembers)
	case m.Waiting:
		return policy.Member{}, named, moot.Errorf(moot.NotFound, "%s has not been admitted to the space yet", m.Name)
	}
	return m, named, nil
}

// mark is in names that are shown for members who do not hold theirs.
const mark = "~"

// marked finds the only member that is shown under a name.
func (d Directory) marked(name string) (found policy.Member, ok bool) {
	for _, m := range d.Roster.Members() {
		if LocalPart(m.Name) == LocalPart(name) {
			if ok {
				return m, false
			}
			found, ok = m, true
		}
	}
	return found, ok
}

// Address returns the address of a member, in the space's mail domain if it has one: by
// name, or by ID if the name leads to another member or to none.
func (d Directory) Address(id moot.MemberID) mail.Address {
	local, shown := id.String(), id.Short()
	if m, ok := d.Roster.Member(id); ok {
		shown = m.Name
		if found, _, err := d.member(LocalPart(m.Name)); err == nil && found.ID == id && !toOwners(LocalPart(m.Name)) {
			local = LocalPart(m.Name)
		}
	}
	return mail.Address{Name: shown, Address: local + "@" + d.domain()}
}

// names reports whether an address is a member's own, also if it leads to nobody because
// the member was removed or waits to be admitted.
func (d Directory) names(address string, id moot.MemberID) bool {
	if found, err := d.Resolve(address); err == nil && len(found) == 1 && found[0].Alias == "" {
		return found[0].Member == id && !id.IsZero()
	}
	local, domain, err := splitAddress(address)
	m, ok := d.Roster.Member(id)
	if err != nil || !ok || domain != "" && !d.ours(domain) {
		return false
	}
	return local == id.String() || !strings.Contains(m.Name, mark) && trust.MailForm(local) == trust.MailForm(m.Name)
}

// recipients returns the keys that what is for a member is sealed to: its mailbox key,
// else the keys of its devices; none if nothing acts for it.
func (d Directory) recipients(id moot.MemberID) []seal.Recipient {
	if box, ok := d.Roster.Mailbox(id); ok {
		if key, err := seal.ParseMailboxKey(box.Public); err == nil {
			return []seal.Recipient{seal.ToMailbox(key)}
		}
	}
	m, _ := d.Roster.Member(id)
	return seal.ToDevices(acting(m)...)
}

// acting returns the devices that act for a member.
func acting(m policy.Member) (keys []moot.Key) {
	for _, dev := range m.Devices {
		if !dev.Waiting && !m.Revoked {
			keys = append(keys, dev.Key)
		}
	}
	return keys
}

func (d Directory) domain() string {
	if d.Domain != "" {
		return d.Domain
	}
	return StableDomain
}

// LocalPart derives the local part of an address from a member's name, readably:
// everything but letters, digits and "-_.~" becomes a dot. It has the mail form of the
// name, which no other member's has, and so it leads to one member.
func LocalPart(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if isNameRune(r) || r == '.' || string(r) == mark {
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

// parseAddress parses one address, with or without a name and a domain. Text without an
// address is a member's name, as people write it. Kind Invalid.
func parseAddress(s string) (mime.Address, error) {
	s = strings.TrimSpace(s)
	a := mime.Address{Local: s}
	if strings.ContainsAny(s, "@<") {
		list := mime.Singles(mime.ParseAddresses(s))
		if len(list) != 1 || list[0].Domain == "" && strings.Contains(list[0].Name+list[0].Local, "@") {
			return a, moot.Errorf(moot.Invalid, "%.80q is not an address", s)
		}
		if a = list[0]; a.Name != "" && !strings.ContainsAny(s, "<(") { // it may be part of the address that is meant
			return a, moot.Errorf(moot.Invalid, "%.80q is not an address: write NAME <ADDRESS>", s)
		}
	}
	if a.Local == "" || strings.ContainsFunc(a.Local+a.Domain, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }) {
		return a, moot.Errorf(moot.Invalid, "%.80q is not an address", s)
	}
	return a, nil
}

// splitAddress returns the parts of an address. The domain is empty if there is none.
func splitAddress(s string) (local, domain string, err error) {
	a, err := parseAddress(s)
	return a.Local, a.Domain, err
}
