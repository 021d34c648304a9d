package cli

import (
	"context"
	"encoding/json"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/rules"
)

type fakeCopies struct{ *fake }

func (f fakeCopies) Rules(context.Context) ([]rules.Rule, error) { return f.rules, f.call("rules") }

func (f fakeCopies) SetRule(_ context.Context, c rules.Change) (rules.Rule, error) {
	text, _ := json.Marshal(c)
	return rules.Default(), f.call("set rule %s", text)
}

func (f fakeCopies) Holdings(_ context.Context, q app.HoldingsQuery) ([]app.Holding, error) {
	list := make([]app.Holding, len(q.Blobs))
	for i := range list {
		list[i] = []app.Holding{{Copies: 2, Now: app.Here}, {Copies: 1, Now: app.Available}, {Now: app.NotAvailable}, {Now: app.Unknown}}[i%4]
	}
	return list, f.call("holdings of %d, count=%t", len(q.Blobs), q.Count)
}

func (f fakeCopies) OnlyOn(_ context.Context, devices []moot.Key) (app.FileCount, error) {
	return f.only, f.call("only on %v", devices)
}

func (f fakeCopies) EndRule(_ context.Context, path string) error { return f.call("end rule %q", path) }
