package node

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/sign"
)

// aliases implements app.Aliases for one session.
type aliases struct {
	*Node
	write sign.Writer
}

var _ app.Aliases = aliases{}

// List implements app.Aliases.
func (a aliases) List(ctx context.Context) ([]app.Alias, error) {
	all, err := mail.ReadAliases(ctx, a.store)
	if err != nil {
		return nil, err
	}
	list := make([]app.Alias, 0, len(all))
	for _, alias := range all.All() {
		list = append(list, a.describe(ctx, alias))
	}
	return list, nil
}

func (a aliases) describe(ctx context.Context, alias mail.Alias) app.Alias {
	domain, _, _ := a.mail.members(a.store).Mail(ctx) // unknown: the one that always holds
	if domain == "" {
		domain = mail.StableDomain
	}
	out := app.Alias{Name: alias.Name, Address: alias.Name + "@" + domain}
	_, err := a.network.roster.Holder(alias.Name)
	out.Hidden = err == nil
	for _, id := range alias.Members {
		m, known := a.network.roster.Member(id)
		out.Members = append(out.Members, app.AliasMember{Member: id, Name: m.Name, Gone: !known || m.Revoked})
	}
	return out
}

// Set implements app.Aliases.
func (a aliases) Set(ctx context.Context, name string, to []string) (app.Alias, error) {
	if err := a.may(); err != nil {
		return app.Alias{}, err
	}
	alias := mail.Alias{Name: name}
	for _, one := range to {
		m, err := a.network.roster.Lookup(one)
		if err == nil && (m.Revoked || m.Waiting) {
			err = moot.Errorf(moot.NotFound, "%s is not a member, or not yet", m.Name)
		}
		if err != nil {
			return app.Alias{}, err
		}
		alias.Members = append(alias.Members, m.ID)
	}
	if err := alias.Check(); err != nil {
		return app.Alias{}, err
	}
	if id, err := a.network.roster.Holder(name); err == nil {
		return app.Alias{}, moot.WithHint(moot.Errorf(moot.Conflict, "a member (%v) is called %q, or a name that mail programs take for it", id, name), moot.HintRename)
	}
	if err := mail.SetAlias(ctx, a.store, a.write, alias); err != nil {
		return app.Alias{}, err
	}
	return a.describe(ctx, alias), nil
}

// Remove implements app.Aliases.
func (a aliases) Remove(ctx context.Context, name string) error {
	if err := a.may(); err != nil {
		return err
	}
	all, err := mail.ReadAliases(ctx, a.store)
	if err != nil {
		return err
	}
	alias, ok := all.Find(name)
	if !ok {
		return moot.Errorf(moot.NotFound, "there is no alias %.80q", name)
	}
	return mail.SetAlias(ctx, a.store, a.write, mail.Alias{Name: alias.Name})
}

func (a aliases) may() error {
	if a.network.roster.MayRule(a.Self()) {
		return nil
	}
	return moot.Errorf(moot.Denied, "only an owner or admin says where addresses lead")
}

// mayBeNamed reports, with kind Conflict, that a name may not become a member's: an alias
// has it, or the mail system, or it proves to authorities who holds the mail domain.
func (n *Node) mayBeNamed(ctx context.Context, name string, role policy.Role) error {
	if mail.Reserved(name) || mail.Entitles(name) && role.Rank() < policy.RoleAdmin.Rank() {
		return moot.WithHint(moot.Errorf(moot.Conflict, "%q is an address of who runs the space's mail", name), moot.HintRename)
	}
	all, err := mail.ReadAliases(ctx, n.store)
	if err != nil {
		return err
	}
	if alias, ok := all.Find(name); ok && alias.Name != mail.CatchAll {
		return moot.WithHint(moot.Errorf(moot.Conflict, "%q is an alias in this space, or a name that mail programs take for one", name), moot.HintRename)
	}
	return nil
}
