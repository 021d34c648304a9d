package feed_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

// history draws entries of a few authors who have some of each other's.
func history(t *rapid.T) []moot.Entry {
	authors := []*feed.Author{newAuthor(1), newAuthor(2), newAuthor(3)}
	names := []string{"a", "b"}
	var all []moot.Entry
	for range rapid.IntRange(0, 12).Draw(t, "entries") {
		a := rapid.SampledFrom(authors).Draw(t, "author")
		var replaces []moot.Entry
		for _, e := range all {
			if rapid.Bool().Draw(t, "replaces") {
				replaces = append(replaces, e) // also of the other name: must mean nothing
			}
		}
		all = append(all, state(a, rapid.SampledFrom(names).Draw(t, "name"), rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "body"), replaces...))
	}
	return all
}

// TestMergingIsOrderIndependent: any order and any repetition yield the same view.
func TestMergingIsOrderIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := history(t)
		one, two := feed.NewView(), feed.NewView()
		for _, e := range all {
			one.Apply(e)
		}
		for _, e := range rapid.Permutation(append(all, all...)).Draw(t, "order") {
			two.Apply(e)
		}
		for _, name := range []string{"a", "b"} {
			if x, y := one.Heads(moot.KindFile, name), two.Heads(moot.KindFile, name); !reflect.DeepEqual(x, y) {
				t.Fatalf("%s: %v and %v", name, x, y)
			}
		}
		if !reflect.DeepEqual(one.Conflicts(moot.KindFile), two.Conflicts(moot.KindFile)) {
			t.Fatal("different conflicts")
		}
	})
}

// TestConflictAndResolution is the rule by example.
func TestConflictAndResolution(t *testing.T) {
	a, b, v := newAuthor(1), newAuthor(2), feed.NewView()
	base := state(a, "f", "base")
	mine, yours := state(a, "f", "mine", base), state(b, "f", "yours", base)
	for _, e := range []moot.Entry{yours, base, mine} {
		v.Apply(e)
	}
	heads := v.Heads(moot.KindFile, "f")
	if len(heads) != 2 || moot.Newer(&heads[0], &heads[1]) >= 0 || len(v.Conflicts(moot.KindFile)) != 1 {
		t.Fatalf("want two versions, the newer first: %v", heads)
	}
	v.Apply(state(b, "f", "both", mine, yours))
	if heads := v.Heads(moot.KindFile, "f"); len(heads) != 1 || string(heads[0].Body) != "both" {
		t.Fatalf("after it was resolved: %v", heads)
	}
	v.Apply(state(a, "f", "", v.Heads(moot.KindFile, "f")...))
	if heads := v.Heads(moot.KindFile, "f"); len(heads) != 0 {
		t.Fatalf("after it was deleted: %v", heads)
	}
}
