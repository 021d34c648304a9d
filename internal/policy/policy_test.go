package policy_test

import (
	"context"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/trust"
)

func TestServerAndPeer(t *testing.T) {
	_, ann := newGroup(t)
	bob := ann.newcomer("bob", policy.RoleMember)
	guest := ann.newcomer("gus", policy.RoleGuest)
	gone := ann.newcomer("gone", policy.RoleMember)
	ann.must(trust.RoleBody{Member: gone.member()})
	prefs := policy.Preferences{}
	server := policy.Server{Roster: ann.Roster}
	peer := policy.Peer{
		Roster: ann.Roster, Preferences: func() policy.Preferences { return prefs },
		Serves: func(_ context.Context, blob string, names []string) bool { return strings.HasPrefix(blob, names[0]) },
	}
	allow := func(what string, p policy.Policy, k moot.Key, act policy.Action, subject string, want moot.ErrorKind) {
		t.Helper()
		wantKind(t, what, p.Allow(t.Context(), k, act, subject), want)
	}
	for what, p := range map[string]policy.Policy{"server": server, "peer": peer} {
		allow(what, p, bob.id(), policy.Read, "", "")
		allow(what, p, guest.id(), policy.Read, "b1", "")
		allow(what, p, moot.Key{8}, policy.Read, "", moot.Stranger)
		allow(what, p, moot.Key{}, policy.Read, "", moot.Stranger)
		allow(what, p, gone.id(), policy.Read, "", moot.Revoked)
		allow(what, p, guest.id(), policy.Upload, "", moot.Denied)
		allow(what, p, bob.id(), policy.Run, bob.member().String(), "")
		allow(what, p, bob.id(), policy.Run, ann.member().String(), moot.Denied)
		allow(what, p, ann.id(), policy.Run, bob.member().String(), "")
		allow(what, p, guest.id(), policy.Run, guest.member().String(), moot.Denied)
	}
	allow("server", server, bob.id(), policy.Upload, "", "")
	allow("peer", peer, bob.id(), policy.Upload, "", moot.Denied)
	prefs.Deny = []moot.MemberID{bob.member()}
	allow("denied bytes", peer, bob.id(), policy.Read, "b1", moot.Denied)
	allow("denied computing power", peer, bob.id(), policy.Run, bob.member().String(), moot.Denied)
	allow("entries go to every member", peer, bob.id(), policy.Read, "", "")
	prefs = policy.Preferences{Names: []string{"public"}}
	allow("a name it serves", peer, bob.id(), policy.Read, "public1", "")
	allow("a name it does not serve", peer, bob.id(), policy.Read, "b1", moot.NotFound)
}
