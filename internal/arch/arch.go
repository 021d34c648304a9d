// Package arch holds the three architectures as data: whom a node asks, and the rules
// that follow from the answer – where bytes are stored, who decides, who coordinates
// jobs. Nothing else in the program tells architectures apart; a fourth one is a fourth
// value here.
//
// It must not know how nodes are reached or what they store.
package arch

import (
	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/locate"
)

// Architecture is one answer to "whom do I ask?".
type Architecture struct {
	Asks moot.Architecture // the choice that it carries out

	// Locator names whom to ask, of those who can be. Kind Unavailable if nobody can.
	Locator func(Reachable) (moot.Locator, error)
	// Coordinator selects which node coordinates a job. Kind Unavailable.
	Coordinator func(Candidates) (moot.Key, error)

	Mesh       bool // needs links with peers
	InPlace    bool // this node serves what it shares, so a file may be shared where it lies
	Upload     bool // what is stored here is handed to the servers, too
	Delegates  bool // the server holds messages and the member list, and this node may lag behind
	Reconciles bool // a one-shot session exchanges entries with peers before and after its work
}

// Reachable is what a node can ask.
type Reachable struct {
	Servers []moot.Peer  // of the space, other than this node
	Mesh    moot.Locator // nil without links with peers
}

// Candidates are the nodes that may coordinate a job.
type Candidates struct {
	Self    moot.Key
	Servers []moot.Peer
	Answers func(moot.Peer) bool // whether a server can be reached now
}

// ClientServer asks the space's server for everything.
func ClientServer() Architecture {
	return Architecture{
		Asks: moot.Architecture{Server: true}, Locator: server, Coordinator: firstServer, Delegates: true,
	}
}

// PeerToPeer asks connected peers, then the distributed hash table.
func PeerToPeer() Architecture {
	return Architecture{
		Asks: moot.Architecture{Peers: true}, Locator: peers, Coordinator: self,
		Mesh: true, InPlace: true, Reconciles: true,
	}
}

// Hybrid asks the server and peers at once; the server decides while it answers.
func Hybrid() Architecture {
	return Architecture{
		Asks: moot.Architecture{Server: true, Peers: true}, Locator: both, Coordinator: answeringServer,
		Mesh: true, InPlace: true, Upload: true, Reconciles: true,
	}
}

// All returns the architectures in the order in which they are shown.
func All() []Architecture { return []Architecture{ClientServer(), PeerToPeer(), Hybrid()} }

// Of returns the architecture of a choice. The zero choice is peer-to-peer.
func Of(a moot.Architecture) Architecture {
	for _, one := range All() {
		if one.Asks == a {
			return one
		}
	}
	return PeerToPeer()
}

// Prefer returns what suits a space with or without a server, and a node with or
// without links with peers.
func Prefer(servers, mesh bool) moot.Architecture {
	switch {
	case !servers:
		return PeerToPeer().Asks
	case !mesh:
		return ClientServer().Asks
	}
	return Hybrid().Asks
}

// OfServer returns the architecture as the space's server carries it out: its store is
// the space's, so it asks itself, and peers where they are asked.
func OfServer(a moot.Architecture) Architecture {
	one := Of(a)
	mesh := one.Mesh
	one.Locator = func(r Reachable) (moot.Locator, error) {
		if !mesh || r.Mesh == nil {
			return locate.None(), nil
		}
		return r.Mesh, nil
	}
	one.Coordinator = self
	one.InPlace, one.Delegates = true, false
	return one
}

func server(r Reachable) (moot.Locator, error) {
	if len(r.Servers) == 0 {
		return nil, errNoServer()
	}
	return locate.Fixed(r.Servers[0]), nil
}

func peers(r Reachable) (moot.Locator, error) {
	if r.Mesh == nil {
		return nil, moot.WithHint(moot.Errorf(moot.Unavailable, "this node asks its server only"), moot.HintAskServer)
	}
	return r.Mesh, nil
}

func both(r Reachable) (moot.Locator, error) {
	mesh, err := peers(r)
	if err != nil || len(r.Servers) == 0 {
		return mesh, err
	}
	return locate.Both(locate.Fixed(r.Servers[0]), mesh), nil
}

func self(c Candidates) (moot.Key, error) { return c.Self, nil }

func firstServer(c Candidates) (moot.Key, error) {
	if len(c.Servers) == 0 {
		return moot.Key{}, errNoServer()
	}
	return c.Servers[0].ID, nil
}

func answeringServer(c Candidates) (moot.Key, error) {
	for _, s := range c.Servers {
		if c.Answers(s) {
			return s.ID, nil
		}
	}
	return c.Self, nil
}

func errNoServer() error {
	return moot.WithHint(moot.Errorf(moot.Unavailable, "this space has no server"), moot.HintStartServer)
}
