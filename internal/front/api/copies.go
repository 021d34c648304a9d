package api

import (
	"context"

	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/rules"
)

type setRule struct{ Body rules.Change }

type rulePath struct {
	Name string `path:"name" doc:"The path, whose slashes may stay as they are; all files if empty."`
}

// Operations on how files are held.
var (
	rulesOp   = op[none, []rules.Rule]{at: "GET /api/rules", does: "Rules in force about files: copies and retention", may: reads}
	setRuleOp = op[setRule, rules.Rule]{at: "POST /api/rules", does: "Change the rule for the files at and below a path; what is left out stays as it is in force there", may: writes}
	endRuleOp = op[rulePath, none]{at: "DELETE /api/rules/{name...}", does: "End the rule for a path, so that the one for a shorter path holds", may: writes}
)

func (s *server) addCopies() {
	rulesOp.serve(s, func(ctx context.Context, m *app.Session, _ none) ([]rules.Rule, error) { return m.Copies.Rules(ctx) })
	setRuleOp.serve(s, func(ctx context.Context, m *app.Session, in setRule) (rules.Rule, error) {
		return m.Copies.SetRule(ctx, in.Body)
	})
	endRuleOp.serve(s, func(ctx context.Context, m *app.Session, in rulePath) (none, error) {
		return none{}, m.Copies.EndRule(ctx, in.Name)
	})
}

// copiesClient is an app.Copies.
type copiesClient struct{ *client }

var _ app.Copies = copiesClient{}

func (c copiesClient) Rules(ctx context.Context) ([]rules.Rule, error) {
	return rulesOp.call(ctx, c.client, none{})
}

func (c copiesClient) SetRule(ctx context.Context, change rules.Change) (rules.Rule, error) {
	return setRuleOp.call(ctx, c.client, setRule{change})
}

func (c copiesClient) EndRule(ctx context.Context, path string) error {
	return endRuleOp.run(ctx, c.client, rulePath{path})
}
