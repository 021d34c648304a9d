package plan

import "time"

// Converge is how soon what one node says holds at all nodes connected with one
// another, directly or through others: gossip.Bound of its default interval, which is
// declared for groups of up to ConvergeUpTo nodes. Those that are away learn of it
// when they return.
const (
	Converge     = 30 * time.Second
	ConvergeUpTo = 64
)

// degree is how many neighbours a node of gossipsub passes a message on to (its
// default D: Vyzovitis et al., GossipSub, 2020, arXiv 2007.02754).
const degree = 6

// Depth is the least number of hops in which a message reaches n nodes when each
// passes it on to D = 6 neighbours: of a tree with D branches at its root and D−1 at
// each other node, ⌈log_{D−1}(1 + n(D−2)/D)⌉.
func Depth(n int) int {
	hops, reached, level := 0, 0, degree
	for ; reached < n; hops++ {
		reached, level = reached+level, level*(degree-1)
	}
	return hops
}

// Told is what it takes that an entry, as the name of a new file, comes to hold.
type Told struct {
	Decides  Judge  `json:"decides"`  // who judges what was written and what is withdrawn
	Hops     [2]int `json:"hops"`     // until the last member has it, at best and at worst
	Messages [2]int `json:"messages"` // that carry it, at best and at worst
	// Within is the declared bound, in seconds, for those who are connected; 0: it
	// holds as soon as the server has answered. Absent if none is declared for a group
	// of this size.
	Within *float64 `json:"within_seconds,omitempty"`
}

// Judge is who decides.
type Judge string

// Who decides.
const (
	ServerDecides Judge = "server"             // the second of two who write one name is refused
	PeersDecide   Judge = "each peer"          // both versions are kept, a conflict until somebody resolves it
	BothDecide    Judge = "server, if reached" // else as peers
)

// told counts nodes that must learn of an entry: the members. A server answers the
// author and tells each member; a peer tells all that it is connected with, and each
// of them may pass it on to D−1 others who know already.
func (g Group) told(a Architecture) Told {
	n := len(g.Members)
	deep := max(1, Depth(n))
	t := Told{Decides: PeersDecide, Hops: [2]int{1, deep}, Messages: [2]int{n, n * degree}}
	if n < degree { // each has fewer neighbours than it would tell
		t.Messages[1] = n * n
	}
	switch a {
	case ServerOnly:
		t = Told{Decides: ServerDecides, Hops: [2]int{2, 2}, Messages: [2]int{n + 1, n + 1}}
	case Both:
		t.Decides, t.Hops[1] = BothDecide, max(2, deep)
		t.Messages[0], t.Messages[1] = n+1, t.Messages[1]+n+1
	}
	t.Within = g.within(a)
	return t
}

// within is the bound on how soon a withdrawal holds.
func (g Group) within(a Architecture) *float64 {
	seconds := Converge.Seconds()
	switch {
	case a == ServerOnly:
		seconds = 0
	case len(g.Members)+1+g.Servers > ConvergeUpTo:
		return nil
	}
	return &seconds
}
