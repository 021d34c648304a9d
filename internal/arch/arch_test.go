package arch_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/policy"
)

var (
	server = moot.Peer{ID: moot.Key{1}, Addrs: []string{"https://one"}, Server: true}
	backup = moot.Peer{ID: moot.Key{2}, Addrs: []string{"https://two"}, Server: true}
	self   = moot.Key{3}
	other  = moot.Peer{ID: moot.Key{4}}
)

// mesh is a locator that names one peer.
type mesh struct{}

func (mesh) Locate(context.Context, moot.BlobID) iter.Seq[moot.Peer] {
	return func(yield func(moot.Peer) bool) { yield(other) }
}
func (mesh) Announce(context.Context, moot.BlobID) error { return nil }
func (mesh) Authority() (moot.Authority, bool)           { return moot.Authority{}, false }

// located returns what a locator names, in order, and whether somebody decides.
func located(t *testing.T, l moot.Locator) (names string, authority bool) {
	t.Helper()
	for p := range l.Locate(t.Context(), moot.BlobID{}) {
		switch p.ID {
		case server.ID:
			names += "server "
		case other.ID:
			names += "peer "
		default:
			names += "? "
		}
	}
	_, authority = l.Authority()
	return names, authority
}

func TestWhomArchitecturesAsk(t *testing.T) {
	servers := []moot.Peer{server, backup}
	for _, c := range []struct {
		name      string
		rules     arch.Architecture
		reach     arch.Reachable
		asked     string
		authority bool
		hint      moot.Hint
	}{
		{"client-server", arch.ClientServer(), arch.Reachable{Servers: servers, Mesh: mesh{}}, "server ", true, ""},
		{"client-server without a server", arch.ClientServer(), arch.Reachable{Mesh: mesh{}}, "", false, moot.HintStartServer},
		{"peer-to-peer", arch.PeerToPeer(), arch.Reachable{Servers: servers, Mesh: mesh{}}, "peer ", false, ""},
		{"peer-to-peer without links", arch.PeerToPeer(), arch.Reachable{Servers: servers}, "", false, moot.HintAskServer},
		{"hybrid", arch.Hybrid(), arch.Reachable{Servers: servers, Mesh: mesh{}}, "server peer ", true, ""},
		{"hybrid without a server", arch.Hybrid(), arch.Reachable{Mesh: mesh{}}, "peer ", false, ""},
		{"hybrid without links", arch.Hybrid(), arch.Reachable{Servers: servers}, "", false, moot.HintAskServer},
		{"a server, client-server", arch.OfServer(arch.ClientServer().Asks), arch.Reachable{Servers: servers, Mesh: mesh{}}, "", false, ""},
		{"a server, hybrid", arch.OfServer(arch.Hybrid().Asks), arch.Reachable{Servers: servers, Mesh: mesh{}}, "peer ", false, ""},
		{"a server, peer-to-peer without links", arch.OfServer(arch.PeerToPeer().Asks), arch.Reachable{}, "", false, ""},
	} {
		l, err := c.rules.Locator(c.reach)
		if moot.HintOf(err) != c.hint || (err == nil) != (c.hint == "") {
			t.Errorf("%s: error %v with hint %q, want hint %q", c.name, err, moot.HintOf(err), c.hint)
		}
		if err != nil {
			if moot.KindOf(err) != moot.Unavailable {
				t.Errorf("%s: kind %q", c.name, moot.KindOf(err))
			}
			continue
		}
		if asked, authority := located(t, l); !sameWords(asked, c.asked) || authority != c.authority {
			t.Errorf("%s: asks %q, authority %v; want %q, %v", c.name, asked, authority, c.asked, c.authority)
		}
	}
}

func TestWhoCoordinates(t *testing.T) {
	none := func(moot.Peer) bool { return false }
	second := func(p moot.Peer) bool { return p.ID == backup.ID }
	servers := []moot.Peer{server, backup}
	for _, c := range []struct {
		name    string
		rules   arch.Architecture
		servers []moot.Peer
		answers func(moot.Peer) bool
		want    moot.Key
		kind    moot.ErrorKind
	}{
		{"client-server", arch.ClientServer(), servers, none, server.ID, ""},
		{"client-server without a server", arch.ClientServer(), nil, none, moot.Key{}, moot.Unavailable},
		{"peer-to-peer", arch.PeerToPeer(), servers, second, self, ""},
		{"hybrid", arch.Hybrid(), servers, second, backup.ID, ""},
		{"hybrid, and no server answers", arch.Hybrid(), servers, none, self, ""},
		{"a server", arch.OfServer(arch.ClientServer().Asks), servers, second, self, ""},
	} {
		key, err := c.rules.Coordinator(arch.Candidates{Self: self, Servers: c.servers, Answers: c.answers})
		if key != c.want || moot.KindOf(err) != c.kind {
			t.Errorf("%s: %v, %v", c.name, key.Short(), err)
		}
	}
}

func TestChoicesAreCarriedOut(t *testing.T) {
	for i, a := range moot.Architectures() {
		if got := arch.Of(a).Asks; got != a || arch.All()[i].Asks != a || arch.OfServer(a).Asks != a {
			t.Errorf("the choice %v is carried out as %v", a, got)
		}
	}
	if got := arch.Of(moot.Architecture{}).Asks; got != arch.PeerToPeer().Asks {
		t.Errorf("no choice is carried out as %v", got)
	}
	for _, c := range []struct {
		servers, mesh bool
		want          arch.Architecture
	}{
		{false, false, arch.PeerToPeer()}, {false, true, arch.PeerToPeer()},
		{true, false, arch.ClientServer()}, {true, true, arch.Hybrid()},
	} {
		if got := arch.Prefer(c.servers, c.mesh); got != c.want.Asks {
			t.Errorf("servers %v, links %v: prefers %v", c.servers, c.mesh, got)
		}
	}
}

func TestServersDelegateNothing(t *testing.T) {
	for _, a := range moot.Architectures() {
		one := arch.OfServer(a)
		if one.Delegates || !one.InPlace || one.Mesh != arch.Of(a).Mesh {
			t.Errorf("%v at a server: %+v", a, one)
		}
	}
	if !arch.ClientServer().Delegates || arch.ClientServer().InPlace {
		t.Error("a server's rules changed those of clients")
	}
}

func TestRolesAnswerByTheirPolicies(t *testing.T) {
	o := arch.Owner{Preferences: func() policy.Preferences { return policy.Preferences{} }}
	for _, c := range []struct {
		role          arch.Role
		name          string
		server, lends bool
	}{{arch.Server(), "server", true, true}, {arch.Worker(), "worker", false, true}, {arch.Peer(), "peer", false, false}} {
		_, central := c.role.Policy(o).(policy.Server)
		r := c.role
		if r.Name != c.name || central != c.server || r.Lends != c.lends || r.Copies != c.server || r.Mirror != c.server || r.HoldsMail != c.server || r.Seeds != c.server {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

// sameWords compares whom locators name: the two of a hybrid do not wait for one another.
func sameWords(a, b string) bool {
	first, second := strings.Fields(a), strings.Fields(b)
	slices.Sort(first)
	slices.Sort(second)
	return slices.Equal(first, second)
}
