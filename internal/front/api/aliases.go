package api

import (
	"context"

	"github.com/mootspace/moot/internal/app"
)

type setAlias struct {
	Name string `path:"name" doc:"The local part of the address; * is all that lead to nobody."`
	Body struct {
		Members []string `json:"members" doc:"Names or IDs."`
	}
}

type aliasName struct {
	Name string `path:"name"`
}

// Operations on aliases.
var (
	aliasesOp     = op[none, []app.Alias]{at: "GET /api/aliases", does: "Addresses that lead to members", may: reads}
	setAliasOp    = op[setAlias, app.Alias]{at: "PUT /api/aliases/{name}", does: "State whom an address leads to", may: writes}
	removeAliasOp = op[aliasName, none]{at: "DELETE /api/aliases/{name}", does: "End an alias", may: writes}
)

func (s *server) addAliases() {
	aliasesOp.serve(s, func(ctx context.Context, m *app.Session, _ none) ([]app.Alias, error) { return m.Aliases.List(ctx) })
	setAliasOp.serve(s, func(ctx context.Context, m *app.Session, in setAlias) (app.Alias, error) {
		return m.Aliases.Set(ctx, in.Name, in.Body.Members)
	})
	removeAliasOp.serve(s, func(ctx context.Context, m *app.Session, in aliasName) (none, error) {
		return none{}, m.Aliases.Remove(ctx, in.Name)
	})
}

// aliasesClient is an app.Aliases.
type aliasesClient struct{ *client }

var _ app.Aliases = aliasesClient{}

func (c aliasesClient) List(ctx context.Context) ([]app.Alias, error) {
	return aliasesOp.call(ctx, c.client, none{})
}

func (c aliasesClient) Set(ctx context.Context, name string, members []string) (app.Alias, error) {
	in := setAlias{Name: name}
	in.Body.Members = members
	return setAliasOp.call(ctx, c.client, in)
}

func (c aliasesClient) Remove(ctx context.Context, name string) error {
	return removeAliasOp.run(ctx, c.client, aliasName{name})
}
