package policy_test

import (
	"context"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
)

func TestServerAndPeer(t *testing.T) {
	w, ann := newWorld(t)
	bob := w.newcomer(ann, 2, "bob", policy.RoleMember)
	guest := w.newcomer(ann, 3, "gus", policy.RoleGuest)
	gone := w.newcomer(ann, 4, "gone", policy.RoleMember)
	ann.must(ann.revoke(gone, 1))
	prefs := policy.Preferences{}
	server := policy.Server{Roster: w.roster}
	peer := policy.Peer{
		Roster: w.roster, Preferences: func() policy.Preferences { return prefs },
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
	}
	allow("server", server, bob.id(), policy.Upload, "", "")
	allow("peer", peer, bob.id(), policy.Upload, "", moot.Denied)
	prefs.Deny = []moot.Key{bob.id()}
	allow("denied bytes", peer, bob.id(), policy.Read, "b1", moot.Denied)
	allow("entries go to every member", peer, bob.id(), policy.Read, "", "")
	prefs = policy.Preferences{Names: []string{"public"}}
	allow("a name it serves", peer, bob.id(), policy.Read, "public1", "")
	allow("a name it does not serve", peer, bob.id(), policy.Read, "b1", moot.NotFound)
}
