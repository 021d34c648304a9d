package rules

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/tree"
)

// feeds are entries in the order in which they were made, of which those of an admin count,
// and who writes next.
type feeds struct {
	moot.Feeds
	entries []moot.Entry
	self    moot.Key
}

func (f *feeds) Query(_ context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) {
		replaced := map[moot.EntryID]bool{}
		for _, e := range f.entries {
			for _, id := range e.Replaces {
				if e.Author != admin {
					continue
				}
				replaced[id] = !q.History
			}
		}
		for _, e := range f.entries {
			match := e.Author == admin && e.Kind == q.Kind && strings.HasPrefix(e.Key, q.Prefix) && (q.Key == "" || q.Key == e.Key)
			if match && !replaced[e.ID] && !yield(e, nil) {
				return
			}
		}
	}
}

// writer writes as the one whose turn it is.
type writer struct{ *feeds }

// Append implements sign.Writer.
func (f writer) Append(_ context.Context, _ moot.Mode, list ...sign.Statement) (made []moot.Entry, err error) {
	for _, s := range list {
		n := len(f.entries) + 1
		e := moot.Entry{ID: moot.EntryID{byte(n)}, Author: f.self, Time: moot.Time(n), Kind: s.Kind, Key: s.Key, Replaces: s.Replaces, Body: s.Body, BodySize: len(s.Body)}
		f.entries, made = append(f.entries, e), append(made, e)
	}
	return made, nil
}

var admin, member = moot.Key{1}, moot.Key{2}

func (f *feeds) set(t *testing.T, by moot.Key, r Rule) {
	t.Helper()
	if f.self = by; r.Retention == (tree.Retention{}) {
		r.Retention = tree.DefaultRetention()
	}
	if err := Set(t.Context(), f, writer{f}, r); err != nil {
		t.Fatal(err)
	}
}

func (f *feeds) list(t *testing.T) Rules {
	t.Helper()
	r, err := List(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFor(t *testing.T) {
	f := &feeds{}
	f.set(t, admin, Rule{Prefix: "photos", Copies: 3})
	f.set(t, admin, Rule{Prefix: "photos/2024/raw", Copies: 5})
	r := f.list(t)
	for path, want := range map[string]int{
		"": 1, "a": 1, "photos": 3, "photos/a": 3, "photos2": 1, "photos/2024": 3, "photos/2024/rawer": 3, "photos/2024/raw/a": 5,
		"x/photos": 1, "/": 1, "photo": 1,
	} {
		if got := r.For(path).Copies; got != want {
			t.Errorf("%q: %d copies, want %d", path, got, want)
		}
	}
	f.set(t, admin, Rule{Copies: 2})
	if got := f.list(t).For("a/b").Copies; got != 2 {
		t.Errorf("the rule for all files asks for 2 copies, not %d", got)
	}
	if (Rules{}).For("a") != Default() {
		t.Error("without rules the default holds")
	}
}

// TestWho: what a member without the right says neither counts nor ends what counts.
func TestWho(t *testing.T) {
	f := &feeds{}
	f.set(t, member, Rule{Prefix: "mine", Copies: 9})
	f.set(t, admin, Rule{Prefix: "a", Copies: 3})
	f.set(t, member, Rule{Prefix: "a", Copies: 1})
	f.self = member
	if err := End(t.Context(), f, writer{f}, "a"); err != nil {
		t.Fatal(err)
	}
	if r := f.list(t); r.For("a").Copies != 3 || r.For("mine").Copies != 1 || len(r.All()) != 1 {
		t.Errorf("in force: %+v", r.All())
	}
	f.set(t, admin, Rule{Prefix: "a", Copies: 4})
	if got := f.list(t).For("a").Copies; got != 4 {
		t.Errorf("the newest rule asks for 4, not %d", got)
	}
	if err := End(t.Context(), f, writer{f}, "a"); err != nil {
		t.Fatal(err)
	}
	if r := f.list(t); r.For("a") != Default() || r.Copies() {
		t.Errorf("an ended rule is in force: %+v", r.All())
	}
}

// TestDamaged: an entry that makes no sense does not hide the rule before it.
func TestDamaged(t *testing.T) {
	f := &feeds{self: admin}
	f.set(t, admin, Rule{Prefix: "a", Copies: 3})
	_, _ = writer{f}.Append(t.Context(), moot.Merge, sign.Statement{Kind: moot.KindRule, Key: "files/a", Body: []byte("no")})
	if got := f.list(t).For("a").Copies; got != 3 {
		t.Errorf("%d copies, want 3", got)
	}
}

// TestChange: what a change does not say stays as it is in force for the path.
func TestChange(t *testing.T) {
	f := &feeds{}
	f.set(t, admin, Rule{Copies: 2, Retention: tree.Retention{All: time.Hour, Least: 3}})
	two, week, minute := 4, 7*24*time.Hour, time.Minute
	for _, c := range []struct {
		change Change
		want   Rule
	}{
		{Change{Prefix: "a"}, Rule{Prefix: "a", Copies: 2, Retention: tree.Retention{All: time.Hour, Least: 3}}},
		{Change{Copies: &two}, Rule{Copies: 4, Retention: tree.Retention{All: time.Hour, Least: 3}}},
		{Change{RetainFor: &week}, Rule{Copies: 2, Retention: tree.Retention{All: 24 * time.Hour, Daily: week, Least: 3, Removed: week, Brief: time.Hour}}},
		{Change{RetainFor: &minute, RetainVersions: new(int)}, Rule{Copies: 2, Retention: tree.Retention{All: minute, Daily: minute, Removed: minute, Brief: minute}}},
	} {
		if got := f.list(t).Change(c.change); got != c.want {
			t.Errorf("%+v: %+v, want %+v", c.change, got, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	good := Rule{Prefix: "a/b", Copies: 3, Retention: tree.Retention{All: time.Hour, Daily: 48 * time.Hour, Least: 2, Removed: time.Second, Brief: time.Minute}}
	body, err := encode(good)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := decode("files/a/b", body); err != nil || again != good {
		t.Errorf("%+v, %v", again, err)
	}
	for what, change := range map[string]func(*Rule){
		"no copies": func(r *Rule) { r.Copies = 0 }, "too many": func(r *Rule) { r.Copies = MaxCopies + 1 },
		"a slash": func(r *Rule) { r.Prefix = "a/" }, "long": func(r *Rule) { r.Prefix = strings.Repeat("a/", 600) + "a" },
		"past": func(r *Rule) { r.Retention.All = -1 }, "for ever": func(r *Rule) { r.Retention.Removed = 1<<63 - 1 },
		"least": func(r *Rule) { r.Retention.Least = -1 }, "up": func(r *Rule) { r.Prefix = "../a" },
	} {
		bad := good
		change(&bad)
		if err := Set(t.Context(), &feeds{}, writer{&feeds{}}, bad); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzDecode checks that what is decoded makes sense, and is what would be encoded.
func FuzzDecode(f *testing.F) {
	body, err := encode(Default())
	if err != nil {
		f.Fatal(err)
	}
	f.Add("files/", body)
	f.Add("files/a/b", []byte{0xa1, 0, 3})
	f.Fuzz(func(t *testing.T, key string, data []byte) {
		rule, err := decode(key, data)
		if err != nil {
			if moot.KindOf(err) != moot.Invalid {
				t.Fatalf("%v is of kind %s", err, moot.KindOf(err))
			}
			return
		}
		again, err := encode(rule)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := decode(key, again); err != nil || fmt.Sprint(same) != fmt.Sprint(rule) {
			t.Fatalf("%+v was read as %+v, %v", rule, same, err)
		}
	})
}
