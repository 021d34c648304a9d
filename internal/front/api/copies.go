package api

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/rules"
)

type setRule struct{ Body rules.Change }

type rulePath struct {
	Name string `path:"name" doc:"The path, whose slashes may stay as they are; all files if empty."`
}

type holdings struct{ Body app.HoldingsQuery }

type onlyOn struct {
	Body struct {
		Devices []moot.Key `json:"devices"`
	}
}

// Operations on how files are held.
var (
	rulesOp   = op[none, []rules.Rule]{at: "GET /api/rules", does: "Rules in force about files: copies and retention", may: reads}
	setRuleOp = op[setRule, rules.Rule]{at: "POST /api/rules", does: "Change the rule for the files at and below a path; what is left out stays as it is in force there", may: writes}
	endRuleOp = op[rulePath, none]{at: "DELETE /api/rules/{name...}", does: "End the rule for a path, so that the one for a shorter path holds", may: writes}

	holdingsOp = op[holdings, []app.Holding]{at: "POST /api/holdings", does: "How many devices are known to hold some blobs, and whether these can be had now", may: reads}
	onlyOnOp   = op[onlyOn, app.FileCount]{at: "POST /api/only", does: "How many files no other devices than these are known to hold", may: reads}
)

func (s *server) addCopies() {
	rulesOp.serve(s, func(ctx context.Context, m *app.Session, _ none) ([]rules.Rule, error) { return m.Copies.Rules(ctx) })
	setRuleOp.serve(s, func(ctx context.Context, m *app.Session, in setRule) (rules.Rule, error) {
		return m.Copies.SetRule(ctx, in.Body)
	})
	endRuleOp.serve(s, func(ctx context.Context, m *app.Session, in rulePath) (none, error) {
		return none{}, m.Copies.EndRule(ctx, in.Name)
	})
	holdingsOp.serve(s, func(ctx context.Context, m *app.Session, in holdings) ([]app.Holding, error) {
		return m.Copies.Holdings(ctx, in.Body)
	})
	onlyOnOp.serve(s, func(ctx context.Context, m *app.Session, in onlyOn) (app.FileCount, error) {
		return m.Copies.OnlyOn(ctx, in.Body.Devices)
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

func (c copiesClient) Holdings(ctx context.Context, q app.HoldingsQuery) ([]app.Holding, error) {
	return holdingsOp.call(ctx, c.client, holdings{q})
}

func (c copiesClient) OnlyOn(ctx context.Context, devices []moot.Key) (app.FileCount, error) {
	var in onlyOn
	in.Body.Devices = devices
	return onlyOnOp.call(ctx, c.client, in)
}
