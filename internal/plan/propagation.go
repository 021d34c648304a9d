package plan

import (
	"time"

	"github.com/mootspace/moot"
)

// ConvergenceBound is the time within which an entry reaches all nodes that are
// connected, directly or through others: gossip.Bound of its default interval, declared
// for groups of up to ConvergenceNodes. Disconnected nodes catch up on return.
const (
	ConvergenceBound = 30 * time.Second
	ConvergenceNodes = 64
)

// degree is gossipsub's default number of mesh neighbours, D (Vyzovitis et al.,
// GossipSub, 2020, arXiv 2007.02754).
const degree = 6

// Depth is the least number of hops in which a message reaches n nodes when each
// forwards it to D = 6 neighbours: the depth of a tree with D branches at its root and
// D−1 at each other node, ⌈log_{D−1}(1 + n(D−2)/D)⌉.
func Depth(n int) int {
	hops, reached, level := 0, 0, degree
	for ; reached < n; hops++ {
		reached, level = reached+level, level*(degree-1)
	}
	return hops
}

// Propagation is the cost of an entry, such as the name of a new file, taking effect.
type Propagation struct {
	Authority Authority `json:"decides"`  // over concurrent writes and retractions
	Hops      [2]int    `json:"hops"`     // until the last member has it: best and worst case
	Messages  [2]int    `json:"messages"` // best and worst case
	// Bound is the declared convergence bound, in seconds, for connected nodes; 0: the
	// entry holds once the server has answered. Absent if none is declared for a group
	// of this size.
	Bound *float64 `json:"within_seconds,omitempty"`
}

// Authority is who decides what holds.
type Authority string

// The authorities.
const (
	ServerDecides Authority = "server"             // the second of two writers of one name is refused
	PeersDecide   Authority = "each peer"          // both versions are kept, a conflict until somebody resolves it
	BothDecide    Authority = "server, if reached" // else as peers
)

// propagation counts an entry's way to all members. A server answers the author and
// notifies each member; a peer sends to all its neighbours, and each of those may
// forward to D−1 others that have the entry already.
func (g Group) propagation(a moot.Architecture) Propagation {
	n := len(g.Members)
	if !a.Peers {
		return Propagation{Authority: ServerDecides, Hops: [2]int{2, 2}, Messages: [2]int{n + 1, n + 1}, Bound: new(float64)}
	}
	depth := max(1, Depth(n))
	p := Propagation{
		Authority: PeersDecide,
		Hops:      [2]int{1, depth},
		Messages:  [2]int{n, n * min(n, degree)}, // no node has more than n neighbours
		Bound:     g.convergenceBound(),
	}
	if a.Server {
		p.Authority, p.Hops[1] = BothDecide, max(2, depth)
		p.Messages[0], p.Messages[1] = n+1, p.Messages[1]+n+1
	}
	return p
}

func (g Group) convergenceBound() *float64 {
	if len(g.Members)+1+g.Servers > ConvergenceNodes {
		return nil
	}
	seconds := ConvergenceBound.Seconds()
	return &seconds
}
