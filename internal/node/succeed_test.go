package node

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
)

// TestHeirIsLetIn fails if an heir stays a stranger to who does not know both the last act of
// the old device and the first of the new one.
func TestHeirIsLetIn(t *testing.T) {
	heirKey := seal.FromSeed([32]byte{9})
	for knows, known := range map[string]func(moot.Entry) bool{
		"neither":      func(e moot.Entry) bool { return e.Author != ben && e.Author != seal.Public(heirKey) },
		"the last act": func(e moot.Entry) bool { return e.Author != seal.Public(heirKey) },
	} {
		owner := founder(t, Config{})
		original := newNode(t, Config{Key: benKey})
		admit(t, owner, original, policy.RoleMember)
		copied := newNode(t, Config{Key: benKey})
		learn(t, copied, owner)
		write(t, session(t, original, viaPeers), "late", "late")
		write(t, session(t, copied, viaPeers), "other", "other")
		learn(t, copied, original)
		must(t, copied.Succeed(t.Context(), heirKey))

		must(t, owner.store.Append(t.Context(), moot.Merge, slices.DeleteFunc(history(t, copied), func(e moot.Entry) bool { return !known(e) })...))
		at := connect(t, owner, true)
		heir := newNode(t, Config{Key: heirKey, OldKeys: []ed25519.PrivateKey{benKey}, Known: Known{Peers: []moot.Peer{at}}})
		learn(t, heir, copied)
		connect(t, heir, false)
		if owner.network.isMember(heir.Self()) {
			t.Fatalf("who knows %s knows the heir", knows)
		}
		heir.PassOn(t.Context())
		if _, err := owner.network.roster.Acting(ben); moot.KindOf(err) != moot.Revoked || !strings.Contains(err.Error(), "another one goes on") {
			t.Errorf("the device before: %v", err)
		}
		if id, _ := owner.network.roster.Owner(heir.Self()); id != original.Identity().Member || !owner.network.isMember(heir.Self()) {
			t.Errorf("to who knows %s the heir is a stranger", knows)
		}
	}
}

// TestHeirMayJoinAndNothingElse fails if the name of an heir gives more than a way in.
func TestHeirMayJoinAndNothingElse(t *testing.T) {
	owner := founder(t, Config{})
	original, copied, heirKey := newNode(t, Config{Key: benKey}), newNode(t, Config{Key: benKey}), seal.FromSeed([32]byte{9})
	admit(t, owner, original, policy.RoleMember)
	learn(t, copied, owner)
	write(t, session(t, original, viaPeers), "late", "late")
	write(t, session(t, copied, viaPeers), "other", "other")
	learn(t, copied, original)
	must(t, copied.Succeed(t.Context(), heirKey))
	var said []moot.Entry
	heir := seal.Public(heirKey)
	for _, e := range history(t, copied) {
		if e.Author == heir {
			said = append(said, e)
		} else {
			must(t, owner.store.Append(t.Context(), moot.Merge, e))
		}
	}

	g := guard{owner.network.roster, policy.Server{Roster: owner.network.roster}, owner.mayBeNamed}
	must(t, g.Allow(t.Context(), heir, string(policy.Write), ""))
	wantKind(t, g.Allow(t.Context(), heir, string(policy.Read), ""), moot.Stranger)
	must(t, g.Accept(t.Context(), heir, said[0]))
	wantKind(t, g.Accept(t.Context(), heir, said[1]), moot.Denied)
	wantKind(t, g.Accept(t.Context(), eve, said[0]), moot.Stranger)
	if !owner.network.mayConnect(heir) {
		t.Error("an heir may not connect")
	}
	must(t, owner.store.Append(t.Context(), moot.Merge, said...))
	must(t, g.Allow(t.Context(), heir, string(policy.Read), ""))
	_, err := own(owner).Revoke(t.Context(), "ben", false)
	must(t, err)
	if owner.network.mayConnect(heir) {
		t.Error("the heir of a removed member may connect")
	}
}

// TestHeirRepeatsWhatComesLate fails if entries of the device before that arrive after its
// last act are lost.
func TestHeirRepeatsWhatComesLate(t *testing.T) {
	owner := founder(t, Config{})
	original, copied, heirKey := newNode(t, Config{Key: benKey}), newNode(t, Config{Key: benKey}), seal.FromSeed([32]byte{9})
	admit(t, owner, original, policy.RoleMember)
	learn(t, copied, owner)
	for _, name := range []string{"late 1", "late 2"} {
		write(t, session(t, original, viaPeers), name, name)
	}
	write(t, session(t, copied, viaPeers), "other", "other")
	first := slices.IndexFunc(history(t, original), func(e moot.Entry) bool { return e.Kind == moot.KindChange })
	must(t, copied.store.Append(t.Context(), moot.Merge, history(t, original)[first]))
	must(t, copied.Succeed(t.Context(), heirKey))

	heir := newNode(t, Config{Key: heirKey, OldKeys: []ed25519.PrivateKey{benKey}})
	learn(t, heir, copied)
	learn(t, owner, heir)
	learn(t, owner, original)
	learn(t, heir, owner)
	for range 2 { // the second time there is nothing to say
		heir.exchanged(t.Context())
	}
	learn(t, owner, heir)
	wantFiles(t, owner, "late 1", "late 2", "other")
	versions := slices.DeleteFunc(history(t, heir), func(e moot.Entry) bool { return e.Author != heir.Self() || !bytes.Contains(e.Body, []byte("late 2")) })
	if len(versions) != 1 {
		t.Errorf("it was said again %d times", len(versions))
	}
}

// TestServerIsFoundAfterItsDeviceEnded fails if a client that knows the last act of the
// server's device, and no announcement of the heir, has nobody to ask.
func TestServerIsFoundAfterItsDeviceEnded(t *testing.T) {
	server, copied, client := founder(t, Config{}), newNode(t, Config{}), newNode(t, Config{Key: benKey})
	learn(t, copied, server)
	server.SetWebAddrs([]string{"https://server"})
	must(t, server.announceServer(t.Context()))
	admit(t, server, client, policy.RoleMember)
	write(t, session(t, copied, viaPeers), "other", "other")
	learn(t, copied, server)
	must(t, copied.Succeed(t.Context(), seal.FromSeed([32]byte{9})))
	learn(t, client, copied)
	if list := client.network.Servers(t.Context()); client.network.isMember(ann) || len(list) != 1 || list[0].ID != ann {
		t.Errorf("the client asks %v", list)
	}
}

// wantFiles fails unless a node lists these files.
func wantFiles(t *testing.T, n *Node, want ...string) {
	t.Helper()
	files, err := session(t, n, viaPeers).Files.List(t.Context(), "")
	must(t, err)
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	if !slices.Equal(names, want) {
		t.Errorf("files %q, want %q", names, want)
	}
}

// TestSucceedKeepsBothBranches fails if a device that was copied back ends itself before it
// has all of the branch that the others have.
func TestSucceedKeepsBothBranches(t *testing.T) {
	owner := founder(t, Config{})
	original := newNode(t, Config{Key: benKey})
	admit(t, owner, original, policy.RoleMember)
	known := connect(t, owner, true)
	copied := newNode(t, Config{Key: benKey, Known: Known{Peers: []moot.Peer{known}}})
	learn(t, copied, owner)

	for _, name := range []string{"late 1", "late 2", "late 3"} {
		write(t, session(t, original, viaPeers), name, name)
	}
	learn(t, owner, original)
	write(t, session(t, copied, viaPeers), "other", "other")
	first := slices.IndexFunc(history(t, owner), func(e moot.Entry) bool { return e.Kind == moot.KindChange })
	must(t, copied.store.Append(t.Context(), moot.Merge, history(t, owner)[first])) // the fork is found here

	connect(t, copied, false)
	must(t, copied.Succeed(t.Context(), seal.FromSeed([32]byte{9})))
	learn(t, owner, copied)
	for _, n := range []*Node{owner, copied} {
		wantFiles(t, n, "late 1", "late 2", "late 3", "other")
	}
}
