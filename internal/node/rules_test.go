package node

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/rules"
)

// TestCollectByRules: old versions stay as long as the rule for their path says.
func TestCollectByRules(t *testing.T) {
	var days atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(days.Load()) * 24 * time.Hour) }
	n := founder(t, Config{Now: now})
	s := session(t, n, viaPeers)
	year, none, one := 365*24*time.Hour, time.Duration(0), 1
	for _, c := range []rules.Change{{Prefix: "long", RetainFor: &year}, {Prefix: "short", RetainFor: &none, RetainVersions: &one}} {
		_, err := s.Copies.SetRule(t.Context(), c)
		must(t, err)
	}
	put := func(name, content string) moot.BlobID {
		t.Helper()
		f, err := s.Files.Write(t.Context(), name, strings.NewReader(content), files.WriteOptions{})
		must(t, err)
		return f.Blob.ID
	}
	removed := map[string]moot.BlobID{}
	replaced := map[string]moot.BlobID{}
	for _, dir := range []string{"long", "short", "plain"} {
		removed[dir], replaced[dir] = put(dir+"/gone", "removed from "+dir), put(dir+"/file", "first in "+dir)
	}
	days.Add(2)
	for dir := range removed {
		put(dir+"/file", "second in "+dir)
		must(t, s.Files.Remove(t.Context(), dir+"/gone", files.RemoveOptions{}))
	}
	days.Add(40)
	_, err := s.Control.Collect(t.Context(), app.GarbageOptions{})
	must(t, err)
	for what, c := range map[string]struct {
		id   moot.BlobID
		want bool
	}{
		"removed, a year": {removed["long"], true}, "removed, as usual": {removed["plain"], false}, "removed, nothing": {removed["short"], false},
		"replaced, a year": {replaced["long"], true}, "replaced, as usual": {replaced["plain"], true}, "replaced, nothing": {replaced["short"], false},
	} {
		if got := complete(t.Context(), n.store, c.id); got != c.want {
			t.Errorf("%s: held is %t", what, got)
		}
	}
}

// TestRulesOfFormerAdmin: what an admin said stays in force when it is no admin any more; it
// can say nothing further.
func TestRulesOfFormerAdmin(t *testing.T) {
	owner, ben := founder(t, Config{}), newNode(t, Config{Key: benKey})
	admit(t, owner, ben, policy.RoleAdmin)
	s, bens := session(t, owner, viaPeers), session(t, ben, viaPeers)
	two, three := 2, 3
	_, err := bens.Copies.SetRule(t.Context(), rules.Change{Prefix: "a", Copies: &two})
	must(t, err)
	learn(t, owner, ben)
	_, err = s.Members.SetRole(t.Context(), "ben", policy.RoleMember)
	must(t, err)
	learn(t, ben, owner)
	for _, n := range []*Node{owner, ben} {
		asked, err := n.fileRules(t.Context())
		must(t, err)
		if got := asked.For("a/b").Copies; got != two {
			t.Errorf("the rule of a former admin asks for %d copies, want %d", got, two)
		}
	}
	_, err = bens.Copies.SetRule(t.Context(), rules.Change{Copies: &two})
	wantKind(t, err, moot.Denied)
	wantKind(t, bens.Copies.EndRule(t.Context(), "a"), moot.Denied)
	_, err = s.Copies.SetRule(t.Context(), rules.Change{Prefix: "a", Copies: &three})
	must(t, err)
	must(t, s.Copies.EndRule(t.Context(), "a"))
	wantKind(t, s.Copies.EndRule(t.Context(), "a"), moot.NotFound)
	if list, err := s.Copies.Rules(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("in force: %+v, %v", list, err)
	}
}
