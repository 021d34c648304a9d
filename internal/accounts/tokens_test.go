package accounts_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
)

// memory is a State that counts what is saved.
type memory struct {
	files map[string][]byte
	saves int
	err   error
}

func (m *memory) Load(name string, v any) error {
	b, ok := m.files[name]
	if !ok {
		return moot.Errorf(moot.NotFound, "never saved")
	}
	return json.Unmarshal(b, v)
}

func (m *memory) Save(name string, v any) (err error) {
	if m.err != nil {
		return m.err
	}
	m.saves++
	m.files[name], err = json.Marshal(v)
	return err
}

// world is tokens over a state with a clock that stands.
type world struct {
	*memory
	now time.Time
}

func newWorld() *world {
	return &world{&memory{files: map[string][]byte{}}, time.Date(2026, 3, 1, 23, 30, 0, 0, time.UTC)}
}

func (w *world) open(t *testing.T) *accounts.Tokens {
	t.Helper()
	tokens, err := accounts.OpenTokens(w, func() time.Time { return w.now }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func add(t *testing.T, tokens *accounts.Tokens, o accounts.TokenOptions) accounts.Token {
	t.Helper()
	made, err := tokens.Add(o)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestAddAndCheck(t *testing.T) {
	w := newWorld()
	tokens := w.open(t)
	a := add(t, tokens, accounts.TokenOptions{Name: "backup", ReadOnly: true})
	b := add(t, tokens, accounts.TokenOptions{Name: "alarm"})
	if !strings.HasPrefix(a.Token, "moot_") || len(a.Token) < len("moot_")+27 || a.Token == b.Token {
		t.Errorf("secrets %q and %q: want moot_ and 160 random bits", a.Token, b.Token)
	}
	if strings.Contains(string(w.files["tokens.json"]), a.Token) {
		t.Error("the secret is saved")
	}
	for _, tokens := range []*accounts.Tokens{tokens, w.open(t)} {
		got, _, err := tokens.Check(a.Token)
		if err != nil || got.Name != "backup" || !got.ReadOnly || got.Token != "" {
			t.Errorf("%+v, %v", got, err)
		}
		if got, _, err := tokens.Check(b.Token); err != nil || got.Name != "alarm" || got.ReadOnly {
			t.Errorf("%+v, %v", got, err)
		}
	}
	for _, wrong := range []string{"", "moot_", a.Token + "x", a.Token[1:], strings.ToUpper(a.Token)} {
		if _, _, err := tokens.Check(wrong); moot.KindOf(err) != moot.Stranger {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	list := tokens.List()
	if len(list) != 2 || list[0].Name != "alarm" || list[1].Name != "backup" || list[0].Token+list[1].Token != "" {
		t.Errorf("%+v", list)
	}
}

func TestAddRefuses(t *testing.T) {
	w := newWorld()
	tokens := w.open(t)
	add(t, tokens, accounts.TokenOptions{Name: "a"})
	for what, c := range map[string]struct {
		o    accounts.TokenOptions
		kind moot.ErrorKind
	}{
		"the same name":     {accounts.TokenOptions{Name: "a"}, moot.Conflict},
		"no name":           {accounts.TokenOptions{}, moot.Invalid},
		"a long name":       {accounts.TokenOptions{Name: strings.Repeat("x", 129)}, moot.Invalid},
		"a control name":    {accounts.TokenOptions{Name: "a\nb"}, moot.Invalid},
		"negative lifetime": {accounts.TokenOptions{Name: "b", Expires: -time.Second}, moot.Invalid},
	} {
		if _, err := tokens.Add(c.o); moot.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want kind %s", what, err, c.kind)
		}
	}
	w.err = errors.New("disk full")
	if _, err := tokens.Add(accounts.TokenOptions{Name: "c"}); err == nil || len(tokens.List()) != 1 {
		t.Errorf("%v; a token that was not saved is in force: %+v", err, tokens.List())
	}
}

func TestExpiry(t *testing.T) {
	w := newWorld()
	tokens := w.open(t)
	made := add(t, tokens, accounts.TokenOptions{Name: "a", Expires: time.Hour})
	w.now = w.now.Add(time.Hour - time.Second)
	if _, _, err := tokens.Check(made.Token); err != nil {
		t.Error(err)
	}
	w.now = w.now.Add(time.Second)
	if _, _, err := tokens.Check(made.Token); moot.KindOf(err) != moot.Expired {
		t.Errorf("%v, want kind expired", err)
	}
}

func TestRemove(t *testing.T) {
	w := newWorld()
	tokens := w.open(t)
	made := add(t, tokens, accounts.TokenOptions{Name: "a"})
	if err := tokens.Remove("b"); moot.KindOf(err) != moot.NotFound {
		t.Error(err)
	}
	if err := tokens.Remove("a"); err != nil {
		t.Error(err)
	}
	for _, tokens := range []*accounts.Tokens{tokens, w.open(t)} {
		if _, _, err := tokens.Check(made.Token); moot.KindOf(err) != moot.Stranger {
			t.Errorf("a revoked token: %v", err)
		}
	}
}

// TestLastUse fails unless the last use is known to the day, and saved once a day.
func TestLastUse(t *testing.T) {
	w := newWorld()
	tokens := w.open(t)
	made := add(t, tokens, accounts.TokenOptions{Name: "a"})
	saves := w.saves
	check := func(wantSaves int, day time.Time) {
		t.Helper()
		for range 3 {
			if _, _, err := tokens.Check(made.Token); err != nil {
				t.Error(err)
			}
		}
		if used := tokens.List()[0].Used; w.saves-saves != wantSaves || !used.Equal(day) {
			t.Errorf("saved %d times, used %v; want %d times, %v", w.saves-saves, used, wantSaves, day)
		}
	}
	check(1, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	w.now = w.now.Add(time.Hour)
	check(2, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
	w.now, w.err = w.now.Add(24*time.Hour), errors.New("disk full")
	check(2, time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC))
}

func TestCorruptState(t *testing.T) {
	w := newWorld()
	w.files["tokens.json"] = []byte("{")
	if _, err := accounts.OpenTokens(w, time.Now, nil); err == nil {
		t.Error("a corrupt file is read as no tokens")
	}
}

// TestRemovedTokenIsRevoked: requests that are being answered with it end.
func TestRemovedTokenIsRevoked(t *testing.T) {
	tokens, err := accounts.OpenTokens(newWorld().memory, time.Now, nil)
	must(t, err)
	made, err := tokens.Add(accounts.TokenOptions{Name: "watcher"})
	must(t, err)
	_, first, err := tokens.Check(made.Token)
	must(t, err)
	_, second, err := tokens.Check(made.Token)
	must(t, err)
	select {
	case <-first:
		t.Fatal("revoked before it was removed")
	default:
	}
	must(t, tokens.Remove("watcher"))
	for _, revoked := range []<-chan struct{}{first, second} {
		select {
		case <-revoked:
		default:
			t.Error("a user of the token goes on")
		}
	}
}
