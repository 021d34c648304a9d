package arch

import (
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/locate"
)

var (
	me     = moot.Key{1}
	first  = moot.Peer{ID: moot.Key{2}, Addrs: []string{"https://a"}}
	second = moot.Peer{ID: moot.Key{3}, Addrs: []string{"https://b"}}
)

// TestChoices finds the architecture of each choice, and peer-to-peer for none.
func TestChoices(t *testing.T) {
	for i, choice := range moot.Architectures() {
		if got := Of(choice).Asks; got != choice {
			t.Errorf("the architecture of %v asks %v", choice, got)
		}
		if got := All()[i].Asks; got != choice {
			t.Errorf("architecture %d asks %v, want %v", i, got, choice)
		}
	}
	if got := Of(moot.Architecture{}).Asks; got != PeerToPeer().Asks {
		t.Errorf("without a choice %v", got)
	}
}

func TestPrefer(t *testing.T) {
	for _, c := range []struct {
		servers, mesh bool
		want          string
	}{
		{false, false, "peers"}, {false, true, "peers"}, {true, false, "server"}, {true, true, "both"},
	} {
		if got := Prefer(c.servers, c.mesh).String(); got != c.want {
			t.Errorf("servers %t, mesh %t: prefer %s, want %s", c.servers, c.mesh, got, c.want)
		}
	}
}

// TestLocators tries whom each architecture asks, of those who can be asked.
func TestLocators(t *testing.T) {
	mesh := locate.None()
	for _, c := range []struct {
		what      string
		reachable Reachable
		can       [3]bool // client-server, peer-to-peer, hybrid
	}{
		{"nobody", Reachable{}, [3]bool{false, false, false}},
		{"a server", Reachable{Servers: []moot.Peer{first}}, [3]bool{true, false, false}},
		{"peers", Reachable{Mesh: mesh}, [3]bool{false, true, true}},
		{"both", Reachable{Servers: []moot.Peer{first}, Mesh: mesh}, [3]bool{true, true, true}},
	} {
		for i, a := range All() {
			l, err := a.Locator(c.reachable)
			switch {
			case c.can[i] && (err != nil || l == nil):
				t.Errorf("%s can ask %s, and got %v, %v", a.Asks.Name(), c.what, l, err)
			case !c.can[i] && moot.KindOf(err) != moot.Unavailable:
				t.Errorf("%s asks %s: %v, want kind unavailable", a.Asks.Name(), c.what, err)
			case !c.can[i] && moot.HintOf(err) == "":
				t.Errorf("%s asks %s: %v has no hint", a.Asks.Name(), c.what, err)
			}
		}
	}
	if _, err := ClientServer().Locator(Reachable{Mesh: mesh}); moot.HintOf(err) != moot.HintStartServer {
		t.Errorf("without a server: hint %q", moot.HintOf(err))
	}
	if _, err := PeerToPeer().Locator(Reachable{Servers: []moot.Peer{first}}); moot.HintOf(err) != moot.HintAskServer {
		t.Errorf("without links with peers: hint %q", moot.HintOf(err))
	}
}

// TestCoordinators tries who coordinates a job.
func TestCoordinators(t *testing.T) {
	only := func(answering ...moot.Peer) func(moot.Peer) bool {
		return func(p moot.Peer) bool {
			for _, a := range answering {
				if a.ID == p.ID {
					return true
				}
			}
			return false
		}
	}
	servers := []moot.Peer{first, second}
	for _, c := range []struct {
		what string
		arch Architecture
		from Candidates
		want moot.Key
	}{
		{"the first server", ClientServer(), Candidates{Self: me, Servers: servers, Answers: only()}, first.ID},
		{"this node", PeerToPeer(), Candidates{Self: me, Servers: servers, Answers: only(first)}, me},
		{"a server that answers", Hybrid(), Candidates{Self: me, Servers: servers, Answers: only(second)}, second.ID},
		{"the first that answers", Hybrid(), Candidates{Self: me, Servers: servers, Answers: only(first, second)}, first.ID},
		{"this node if no server answers", Hybrid(), Candidates{Self: me, Servers: servers, Answers: only()}, me},
		{"the server itself", OfServer(moot.Architecture{Server: true}), Candidates{Self: me, Servers: servers}, me},
	} {
		if got, err := c.arch.Coordinator(c.from); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", c.what, got.Short(), err)
		}
	}
	if _, err := ClientServer().Coordinator(Candidates{Self: me}); moot.KindOf(err) != moot.Unavailable {
		t.Errorf("client-server without a server: %v", err)
	}
}

// TestOfServer asks nobody but peers: the server's store is the space's.
func TestOfServer(t *testing.T) {
	for _, choice := range moot.Architectures() {
		a := OfServer(choice)
		if a.Asks != choice || !a.InPlace || a.Delegates {
			t.Errorf("%v of a server is %+v", choice, a)
		}
		if l, err := a.Locator(Reachable{}); err != nil || l == nil {
			t.Errorf("%v: a server alone: %v, %v", choice, l, err)
		}
	}
}

func TestRoles(t *testing.T) {
	server, worker, peer := Server(), Worker(), Peer()
	if !server.Mirror || !server.HoldsMail || !server.Lends || !server.Copies || !server.Seeds {
		t.Errorf("a server is %+v", server)
	}
	if worker.Mirror || worker.HoldsMail || !worker.Lends || worker.Name == peer.Name {
		t.Errorf("a worker is %+v", worker)
	}
	if peer.Lends || peer.Mirror || peer.HoldsMail || peer.Copies {
		t.Errorf("a peer is %+v", peer)
	}
	for _, r := range []Role{server, worker, peer} {
		if r.Policy(Owner{}) == nil {
			t.Errorf("a %s has no policy", r.Name)
		}
	}
}
