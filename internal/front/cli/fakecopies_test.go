package cli

import (
	"context"
	"encoding/json"

	"github.com/mootspace/moot/internal/rules"
)

type fakeCopies struct{ *fake }

func (f fakeCopies) Rules(context.Context) ([]rules.Rule, error) { return f.rules, f.call("rules") }

func (f fakeCopies) SetRule(_ context.Context, c rules.Change) (rules.Rule, error) {
	text, _ := json.Marshal(c)
	return rules.Default(), f.call("set rule %s", text)
}

func (f fakeCopies) EndRule(_ context.Context, path string) error { return f.call("end rule %q", path) }
