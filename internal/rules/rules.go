// Package rules are signed statements about files by the beginning of their names: how many
// devices hold each, and how long replaced versions stay available.
//
// It must not know roles, a store or a link: that an entry counts, as feeds say, means that
// its author might state rules when it did.
package rules

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/tree"
)

// Rule is what holds for all files at and below a path, unless there is one for a longer path.
type Rule struct {
	Prefix    string         `json:"names"`  // slash separated path; empty: all files
	Copies    int            `json:"copies"` // devices that hold each file; 1 to MaxCopies
	Retention tree.Retention `json:"retain"`
}

// MaxCopies is how many devices a rule may ask for.
const MaxCopies = 32

// keyPrefix begins the key of an entry about files; the rest is the path.
const keyPrefix = "files/"

// Default is the rule of a path for which nobody stated one.
func Default() Rule { return Rule{Copies: 1, Retention: tree.DefaultRetention()} }

// Rules are those in force. The zero value has none.
type Rules struct{ byPrefix map[string]Rule }

// List reads the rules in force of a space: the newest of each path that makes sense.
func List(ctx context.Context, feeds moot.Feeds) (Rules, error) {
	latest, err := read(ctx, feeds)
	if err != nil {
		return Rules{}, moot.Wrap("read the rules about files", err)
	}
	r := Rules{map[string]Rule{}}
	for _, e := range latest {
		if e.Deletes() {
			continue
		}
		if rule, err := decode(e.Key, e.Body); err == nil {
			r.byPrefix[rule.Prefix] = rule
		}
	}
	return r, nil
}

// read returns the newest entry of each key. It reads the history, because an entry that
// makes no sense may replace one that does.
func read(ctx context.Context, feeds moot.Feeds) (map[string]moot.Entry, error) {
	latest := map[string]moot.Entry{}
	for e, err := range feeds.Query(ctx, moot.Query{Kind: moot.KindRule, Prefix: keyPrefix, History: true}) {
		if err != nil {
			return nil, err
		}
		if e.Kind != moot.KindRule || check(&e) != nil {
			continue
		}
		if last, found := latest[e.Key]; !found || moot.Newer(&e, &last) < 0 {
			latest[e.Key] = e
		}
	}
	return latest, ctx.Err()
}

// check reports whether an entry is a rule, or ends one. Kind Invalid.
func check(e *moot.Entry) error {
	if e.Deletes() {
		_, err := prefixOf(e.Key)
		return err
	}
	_, err := decode(e.Key, e.Body)
	return err
}

// For returns the rule of a path: of those for the path and for the folders above it, the
// one of the longest. Its Prefix says which it is.
func (r Rules) For(path string) Rule {
	for prefix := path; ; prefix = prefix[:max(strings.LastIndexByte(prefix, '/'), 0)] {
		if rule, ok := r.byPrefix[prefix]; ok {
			return rule
		}
		if prefix == "" {
			return Default()
		}
	}
}

// Retention returns how long old versions of a path are retained.
func (r Rules) Retention(path string) tree.Retention { return r.For(path).Retention }

// Has reports whether there is a rule for just this path.
func (r Rules) Has(path string) bool {
	_, ok := r.byPrefix[path]
	return ok
}

// Files words which files a rule for a path is about.
func Files(path string) string {
	if path == "" {
		return "all files"
	}
	return "files at and below " + path
}

// All returns the rules in force, ordered by their paths.
func (r Rules) All() []Rule {
	list := make([]Rule, 0, len(r.byPrefix))
	for _, rule := range r.byPrefix {
		list = append(list, rule)
	}
	slices.SortFunc(list, func(a, b Rule) int { return cmp.Compare(a.Prefix, b.Prefix) })
	return list
}

// Copies reports whether any rule asks for more than one copy.
func (r Rules) Copies() bool {
	for _, rule := range r.byPrefix {
		if rule.Copies > 1 {
			return true
		}
	}
	return false
}

// Set states a rule. feeds is where the versions that it replaces are read. Kinds: Invalid if
// it makes no sense, and those of sign.Writer.
func Set(ctx context.Context, feeds moot.Feeds, w sign.Writer, rule Rule) error {
	body, err := encode(rule)
	if err != nil {
		return err
	}
	return state(ctx, feeds, w, rule.Prefix, body)
}

// End ends the rule for a path, so that the one for a shorter path holds.
func End(ctx context.Context, feeds moot.Feeds, w sign.Writer, prefix string) error {
	return state(ctx, feeds, w, prefix, nil)
}

func state(ctx context.Context, feeds moot.Feeds, w sign.Writer, prefix string, body []byte) error {
	key := keyPrefix + prefix
	if _, err := prefixOf(key); err != nil {
		return err
	}
	var replaces []moot.EntryID
	for e, err := range feeds.Query(ctx, moot.Query{Kind: moot.KindRule, Key: key}) {
		if err != nil {
			return moot.Wrap("read the rules about files", err)
		}
		if e.Kind == moot.KindRule && e.Key == key && len(replaces) < moot.MaxReplaces {
			replaces = append(replaces, e.ID)
		}
	}
	_, err := sign.One(ctx, w, moot.Merge, sign.Statement{Kind: moot.KindRule, Key: key, Replaces: replaces, Body: body})
	return moot.Wrap("state a rule about files", err)
}
