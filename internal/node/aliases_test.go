package node

import (
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
)

func TestAliases(t *testing.T) {
	owner, member := founder(t, Config{}), newNode(t, Config{Key: benKey})
	admit(t, owner, member, policy.RoleMember)
	list, other := session(t, owner, viaPeers).Aliases, session(t, member, viaPeers).Aliases
	made, err := list.Set(t.Context(), "sales", []string{"ben", "ann"})
	must(t, err)
	if made.Address != "sales@moot.alt" || len(made.Members) != 2 || made.Members[0].Name != "ben" || made.Hidden {
		t.Errorf("made %+v", made)
	}
	for want, refused := range map[moot.ErrorKind]func(app.Aliases) error{
		moot.Conflict: func(a app.Aliases) error { _, err := a.Set(t.Context(), "BEN", []string{"ann"}); return err },
		moot.NotFound: func(a app.Aliases) error { _, err := a.Set(t.Context(), "help", []string{"nobody"}); return err },
		moot.Invalid:  func(a app.Aliases) error { _, err := a.Set(t.Context(), "a b", []string{"ann"}); return err },
	} {
		wantKind(t, refused(list), want)
		wantKind(t, refused(other), moot.Denied)
	}
	wantKind(t, list.Remove(t.Context(), "help"), moot.NotFound)
	wantKind(t, other.Remove(t.Context(), "sales"), moot.Denied)

	learn(t, member, owner)
	all, err := other.List(t.Context())
	must(t, err)
	if len(all) != 1 || all[0].Name != "sales" {
		t.Errorf("a member sees %+v", all)
	}
	must(t, list.Remove(t.Context(), "Sales"))
	if all, err = list.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("after the end: %+v, %v", all, err)
	}
}

// TestNamesOfAliases fails if a newcomer, an account or a member comes to have the name of
// an alias, or one of the mail system.
func TestNamesOfAliases(t *testing.T) {
	n := founder(t, Config{})
	s := session(t, n, viaPeers)
	_, err := s.Aliases.Set(t.Context(), "sales", []string{"ann"})
	must(t, err)
	l, err := own(n).Invite(t.Context(), members.Invitation{Role: policy.RoleMember, Uses: 9, Expires: time.Hour})
	must(t, err)
	invited := seal.Public(seal.FromSeed(l.Seed))
	server := guard{n.network.roster, policy.Server{Roster: n.network.roster}, n.mayBeNamed}
	for _, name := range []string{"sales", "SALES", "postmaster", "abuse"} {
		join, err := members.Enter(l, benKey, name, "laptop", time.Now)
		must(t, err)
		wantKind(t, server.Accept(t.Context(), invited, join), moot.Conflict)
		_, err = s.Control.AddAccount(t.Context(), name, "")
		wantKind(t, err, moot.Conflict)
		if !strings.Contains(err.Error(), `-2" is free`) {
			t.Errorf("no proposal: %v", err)
		}
	}
	wantKind(t, n.mayBeNamed(t.Context(), "Sales", policy.RoleOwner), moot.Conflict)
	wantKind(t, n.mayBeNamed(t.Context(), "hostmaster", policy.RoleMember), moot.Conflict)
	must(t, n.mayBeNamed(t.Context(), "hostmaster", policy.RoleAdmin))
	must(t, n.mayBeNamed(t.Context(), "ben", policy.RoleMember))
}
