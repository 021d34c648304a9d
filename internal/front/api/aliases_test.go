package api_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
)

// aliases is an app.Aliases.
type aliases struct{}

func (aliases) List(context.Context) ([]app.Alias, error) {
	return []app.Alias{{Name: "*", Address: "*@a.example", Members: []app.AliasMember{{Member: moot.MemberID{1}, Name: "ann", Gone: true}}, Hidden: true}}, nil
}

func (aliases) Set(_ context.Context, name string, members []string) (app.Alias, error) {
	return app.Alias{Name: name, Address: strings.Join(members, "+")}, nil
}

func (aliases) Remove(_ context.Context, name string) error {
	return moot.Errorf(moot.NotFound, "no %s", name)
}

func TestAliases(t *testing.T) {
	w := newWorld(t)
	ctx, c := t.Context(), w.session.Aliases
	list, err := c.List(ctx)
	if want, _ := (aliases{}).List(ctx); err != nil || !reflect.DeepEqual(list, want) {
		t.Errorf("list %+v, %v", list, err)
	}
	for _, name := range []string{"sales", "*", "a.b-c", "ü"} {
		if a, err := c.Set(ctx, name, []string{"ann", "bob"}); err != nil || a.Name != name || a.Address != "ann+bob" {
			t.Errorf("set %+v, %v", a, err)
		}
		if err := c.Remove(ctx, name); moot.KindOf(err) != moot.NotFound || !strings.Contains(err.Error(), name) {
			t.Errorf("remove: %v", err)
		}
	}
}
