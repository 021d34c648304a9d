package api_test

import (
	"context"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/rules"
)

// copies is an app.Copies that remembers what it was asked.
type copies struct {
	rules []rules.Rule
	ended string
	set   rules.Change
	query app.HoldingsQuery
	only  []moot.Key
}

func (c *copies) Holdings(_ context.Context, q app.HoldingsQuery) ([]app.Holding, error) {
	c.query = q
	return []app.Holding{{Copies: 2, Now: app.Here}, {Now: app.Unknown}}, nil
}

func (c *copies) OnlyOn(_ context.Context, devices []moot.Key) (app.FileCount, error) {
	c.only = devices
	return app.FileCount{Files: 3, Bytes: 1 << 40}, nil
}

func (c *copies) Rules(context.Context) ([]rules.Rule, error) { return c.rules, nil }

func (c *copies) SetRule(_ context.Context, change rules.Change) (rules.Rule, error) {
	c.set = change
	rule := rules.Rules{}.Change(change)
	return rule, rule.Check()
}

func (c *copies) EndRule(_ context.Context, path string) error {
	c.ended = path
	return nil
}

func TestHoldings(t *testing.T) {
	w := newWorld(t)
	q := app.HoldingsQuery{Count: true}
	for i := range app.MaxHoldings {
		q.Blobs = append(q.Blobs, moot.BlobID{byte(i), byte(i >> 8)})
	}
	list, err := w.session.Copies.Holdings(t.Context(), q)
	if want := []app.Holding{{Copies: 2, Now: app.Here}, {Now: app.Unknown}}; err != nil || !reflect.DeepEqual(list, want) || !reflect.DeepEqual(w.copies.query, q) {
		t.Errorf("%+v, %v", list, err)
	}
	devices := []moot.Key{{1}, {2}}
	n, err := w.session.Copies.OnlyOn(t.Context(), devices)
	if err != nil || n != (app.FileCount{Files: 3, Bytes: 1 << 40}) || !reflect.DeepEqual(w.copies.only, devices) {
		t.Errorf("%+v, %v: asked of %v", n, err, w.copies.only)
	}
}

func TestRules(t *testing.T) {
	w := newWorld(t)
	ctx, c := t.Context(), w.session.Copies
	if list, err := c.Rules(ctx); err != nil || list == nil || len(list) > 0 {
		t.Errorf("%#v, %v; want an empty list", list, err)
	}
	w.copies.rules = []rules.Rule{rules.Default(), {Prefix: "a b/c", Copies: 3}}
	if list, err := c.Rules(ctx); err != nil || !reflect.DeepEqual(list, w.copies.rules) {
		t.Errorf("%+v, %v", list, err)
	}
	four, week := 4, 7*24*time.Hour
	change := rules.Change{Prefix: "a b/c", Copies: &four, RetainFor: &week, RetainVersions: &four}
	rule, err := c.SetRule(ctx, change)
	if want := (rules.Rules{}).Change(change); err != nil || rule != want || !reflect.DeepEqual(w.copies.set, change) {
		t.Errorf("%+v, %v: said %+v", rule, err, w.copies.set)
	}
	_, err = c.SetRule(ctx, rules.Change{Copies: new(int)})
	wantKind(t, "no copies", err, moot.Invalid)
	for _, path := range []string{"a b/c", ""} {
		w.copies.ended = "none"
		if must(t, c.EndRule(ctx, path)); w.copies.ended != path {
			t.Errorf("%q was ended, and not %q", w.copies.ended, path)
		}
	}
	resp, text := w.ask(w.web, w.token("reader", true), http.MethodPost, "/api/rules", `{"names":"","copies":2}`)
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("a token that may only read: %d %s", resp.StatusCode, text)
	}
	resp, text = w.ask(w.web, w.token("writer", false), http.MethodPost, "/api/rules", `{"names":"x","copies":2}`)
	if resp.StatusCode != http.StatusOK || *w.copies.set.Copies != 2 || w.copies.set.RetainFor != nil {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}
