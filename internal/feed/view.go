package feed

import (
	"slices"

	"github.com/mootspace/moot"
)

// View is what merging entries yields, in its plainest form: stores must answer as
// it does. It does not depend on the order in which entries are applied.
type View struct {
	names    map[name][]moot.Entry
	replaced map[replacement]bool
}

type name struct {
	kind moot.Kind
	key  string
}

// replacement is a version superseded within its own name; a claim about another
// name's version means nothing.
type replacement struct {
	name
	id moot.EntryID
}

// NewView returns an empty view.
func NewView() *View {
	return &View{map[name][]moot.Entry{}, map[replacement]bool{}}
}

// Apply adds an entry; a known one changes nothing.
func (v *View) Apply(e moot.Entry) {
	n := name{e.Kind, e.Key}
	if slices.ContainsFunc(v.names[n], func(o moot.Entry) bool { return o.ID == e.ID }) {
		return
	}
	v.names[n] = append(v.names[n], e)
	for _, id := range e.Replaces {
		v.replaced[replacement{n, id}] = true
	}
}

// Heads returns the versions of a name in force, the current one first: those that
// nothing replaces and that are no deletions. Several are a conflict.
func (v *View) Heads(kind moot.Kind, key string) []moot.Entry {
	n := name{kind, key}
	var heads []moot.Entry
	for _, e := range v.names[n] {
		if !e.Deletes() && !v.replaced[replacement{n, e.ID}] {
			heads = append(heads, e)
		}
	}
	slices.SortFunc(heads, func(a, b moot.Entry) int { return moot.Newer(&a, &b) })
	return heads
}

// Conflicts returns the keys of a kind that have several versions in force, sorted.
func (v *View) Conflicts(kind moot.Kind) []string {
	var keys []string
	for n := range v.names {
		if n.kind == kind && len(v.Heads(kind, n.key)) > 1 {
			keys = append(keys, n.key)
		}
	}
	slices.Sort(keys)
	return keys
}
