package mail

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/trust"
)

// Alias is an address that leads to members. It is an entry of kind rule, which counts on
// every node only by an admin or owner.
type Alias struct {
	Name    string          `json:"name"` // the local part of the address, or CatchAll
	Members []moot.MemberID `json:"members"`
}

// CatchAll is the alias of the addresses in the mail domain that lead to nobody.
const CatchAll = "*"

// MaxAlias is the number of members of the largest alias; a channel reaches more.
const MaxAlias = 100

// Aliases are those of a space, by the mail form of their names.
type Aliases map[string]Alias

// aliasPrefix begins the key of an alias; the rest is its form.
const aliasPrefix = "mail/"

// wireAlias is the body of an alias.
type wireAlias struct {
	Name    string          `cbor:"0,keyasint"`
	Members []moot.MemberID `cbor:"1,keyasint"`
}

var aliasDecoder = cbor.NewDecoder(cbor.Limits{Elements: MaxAlias})

// form returns what two aliases must not share.
func (a Alias) form() string {
	if a.Name == CatchAll {
		return CatchAll
	}
	return trust.MailForm(a.Name)
}

// Check reports, with kind Invalid, why an alias makes no sense; with kind Conflict that
// its name is reserved.
func (a Alias) Check() error {
	switch {
	case len(a.Members) == 0 || len(a.Members) > MaxAlias:
		return moot.Errorf(moot.Invalid, "an alias may lead to 1 to %d members, not %d", MaxAlias, len(a.Members))
	case a.Name == CatchAll:
		return nil
	case len(a.Name) > maxAliasName || trust.CheckName(a.Name) != nil || LocalPart(a.Name) != strings.ToLower(a.Name) || strings.Contains(a.Name, mark):
		return moot.Errorf(moot.Invalid, "%.80q is not a name of an alias (want 1 to %d letters, digits, '.', '-' or '_')", a.Name, maxAliasName)
	case Reserved(a.Name):
		return moot.Errorf(moot.Conflict, "%s leads to the space's owners, as the standards of mail ask", a.Name)
	}
	if _, err := moot.ParseMemberID(a.Name); err == nil {
		return moot.Errorf(moot.Invalid, "%.80q is not a name of an alias, but the form of a member's ID", a.Name)
	}
	return nil
}

// maxAliasName is the longest local part of an address in bytes (RFC 5321, 4.5.3.1.1).
const maxAliasName = 64

// ReadAliases reads the aliases in force: the newest of each name that makes sense.
func ReadAliases(ctx context.Context, feeds moot.Feeds) (Aliases, error) {
	list, latest := Aliases{}, map[string]moot.Entry{}
	for e, err := range feeds.Query(ctx, moot.Query{Kind: moot.KindRule, Prefix: aliasPrefix, History: true}) {
		if err != nil {
			return nil, moot.Wrap("read the aliases", err)
		}
		a, err := decodeAlias(&e)
		if err != nil {
			continue
		}
		if last, found := latest[e.Key]; found && moot.Newer(&e, &last) > 0 {
			continue
		}
		latest[e.Key] = e
		if delete(list, strings.TrimPrefix(e.Key, aliasPrefix)); !e.Deletes() {
			list[a.form()] = a
		}
	}
	return list, moot.Wrap("read the aliases", ctx.Err())
}

// decodeAlias reads an alias, or the end of one. Kind Invalid: the entry may be hostile.
func decodeAlias(e *moot.Entry) (Alias, error) {
	form, ours := strings.CutPrefix(e.Key, aliasPrefix)
	if e.Kind != moot.KindRule || !ours || len(e.Body) > moot.MaxBody {
		return Alias{}, moot.Errorf(moot.Invalid, "%.80q is no alias", e.Key)
	}
	if e.Deletes() {
		return Alias{}, nil
	}
	var w wireAlias
	if err := aliasDecoder.Unmarshal(e.Body, &w); err != nil {
		return Alias{}, moot.Errorf(moot.Invalid, "not an alias: %w", err)
	}
	a := Alias(w)
	if a.form() != form {
		return a, moot.Errorf(moot.Invalid, "the alias %.80q has the key of another", a.Name)
	}
	return a, a.Check()
}

// SetAlias states an alias, or ends it if it has no members. feeds is where the versions
// that it replaces are read. Kinds: as Alias.Check, and those of sign.Writer. Whether a
// member has the name is checked before.
func SetAlias(ctx context.Context, feeds moot.Feeds, w sign.Writer, a Alias) error {
	var body []byte
	if len(a.Members) > 0 {
		if err := a.Check(); err != nil {
			return err
		}
		var err error
		if body, err = cbor.Marshal(wireAlias(a)); err != nil {
			return moot.Wrap("encode an alias", err)
		}
	}
	key := aliasPrefix + a.form()
	var replaces []moot.EntryID
	for e, err := range feeds.Query(ctx, moot.Query{Kind: moot.KindRule, Key: key}) {
		if err != nil {
			return moot.Wrap("read the aliases", err)
		}
		if len(replaces) < moot.MaxReplaces {
			replaces = append(replaces, e.ID)
		}
	}
	_, err := sign.One(ctx, w, moot.Merge, sign.Statement{Kind: moot.KindRule, Key: key, Replaces: replaces, Body: body})
	return moot.Wrap("state an alias", err)
}

// Find returns the alias of a name, compared by its mail form.
func (list Aliases) Find(name string) (Alias, bool) {
	a, ok := list[Alias{Name: name}.form()]
	return a, ok
}

// All returns the aliases by name.
func (list Aliases) All() []Alias {
	all := make([]Alias, 0, len(list))
	for _, a := range list {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Alias) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Reserved reports whether a name is one of the mail system itself (RFC 5321, 4.5.1;
// RFC 2142): no alias and no newcomer may have it.
func Reserved(name string) bool {
	return formIn(name, "postmaster", "abuse", "mailer-daemon")
}

// Entitles reports whether who reads the mail to a name can prove to authorities that the
// domain is his (CA/Browser Forum, Baseline Requirements, 3.2.2.4.4): no newcomer may have
// it, and of the members that have it only owners and admins get mail from outside.
func Entitles(name string) bool {
	return formIn(name, "admin", "administrator", "hostmaster", "webmaster", "postmaster")
}

func formIn(name string, list ...string) bool {
	return slices.ContainsFunc(list, func(one string) bool { return trust.MailForm(one) == trust.MailForm(name) })
}

// toOwners reports whether an address leads to the space's owners, whatever names there are.
func toOwners(local string) bool {
	return strings.EqualFold(local, "postmaster") || strings.EqualFold(local, "abuse")
}
