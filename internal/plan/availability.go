package plan

import (
	"math"
	"time"

	"github.com/mootspace/moot"
)

// AnyOf is the availability of a k-out-of-n system: the probability that at least k of
// n nodes are up when each is with probability p, independently of the others: A = Σ_{i≥k} C(n,i) pⁱ(1−p)ⁿ⁻ⁱ. k = 1 is
// one of n whole copies, 1−(1−p)ⁿ; k > 1 an erasure code that needs any k of n pieces,
// or a majority (Weatherspoon and Kubiatowicz, Erasure Coding vs. Replication, IPTPS
// 2002). Correlated outages make it less.
func AnyOf(k, n int, p float64) float64 {
	switch {
	case k <= 0 || p >= 1 && k <= n:
		return 1
	case k > n || p <= 0:
		return 0
	}
	if float64(k) <= float64(n)*p { // fewer terms to add
		return clamp(1 - binomial(0, k, n, p))
	}
	return clamp(binomial(k, n+1, n, p))
}

// binomial adds the probabilities of from ≤ i < to successes of n.
func binomial(from, to, n int, p float64) (sum float64) {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	for i := from; i < to; i++ {
		sum += math.Exp(lg(n) - lg(i) - lg(n-i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}

func clamp(p float64) float64 { return min(1, max(0, p)) }

// Either is the availability of two systems in parallel, 1−(1−a)(1−b); rounding does
// not make it less than that of one.
func Either(a, b float64) float64 { return clamp(max(a, b, 1-(1-a)*(1-b))) }

// rounding is the tolerance for sums of probabilities.
const rounding = 1e-12

// MinCopies returns the least n ≤ limit for which any k of n are up with the wanted
// probability; false if there is none.
func MinCopies(k int, p, want float64, limit int) (n int, ok bool) {
	if want <= 0 {
		return 0, true
	}
	enough := func(n int) bool { return AnyOf(k, n, p) >= want-rounding }
	if !enough(limit) {
		return 0, false
	}
	low, high := 0, limit // low is too few, high enough
	for high-low > 1 {
		if mid := (low + high) / 2; enough(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high, true
}

// Upkeep is the maintenance bandwidth of a host that stores so many bytes: the least
// mean rate, in bits per second sent and received, that restores copies while hosts
// join and leave for good after a mean time of membership. It is 2s/T, a copy for each
// host that joins and one for each that leaves (Blake and Rodrigues, High Availability, Scalable
// Storage, Dynamic Peer Networks: Pick Two, HotOS 2003).
func Upkeep(stored float64, membership time.Duration) float64 {
	return 8 * 2 * stored / membership.Seconds()
}

// Replication is the fewest copies with which the file can be fetched with the wanted
// probability.
type Replication struct {
	Reached     bool    `json:"reached"`      // false: no number of copies that the group has room for suffices
	Servers     int     `json:"servers"`      // that hold it
	Copies      int     `json:"copies"`       // on members, the one who shares among them
	ServerBytes int64   `json:"server_bytes"` // on all servers
	MemberBytes int64   `json:"member_bytes"` // on all members
	UpkeepBits  float64 `json:"upkeep_bits_per_second"`
}

// replication finds the fewest servers where only servers are asked, else the fewest
// copies on members beside the servers that are asked. Upkeep is the mean of a member.
func (g Group) replication(a moot.Architecture) (r Replication) {
	if a.Peers {
		target := g.Target
		if a.Server {
			r.Servers, target = g.Servers, g.peersTarget()
		}
		r.Copies, r.Reached = MinCopies(g.Pieces, g.Online, target, len(g.Members)+1)
	} else {
		r.Servers, r.Reached = MinCopies(1, g.ServerOnline, g.Target, maxServers)
	}
	if !r.Reached {
		return Replication{}
	}
	onMembers := float64(g.Size) * float64(r.Copies) / float64(g.Pieces)
	r.ServerBytes, r.MemberBytes = g.Size*int64(r.Servers), roundBytes(onMembers)
	r.UpkeepBits = Upkeep(onMembers/float64(len(g.Members)+1), g.Lifetime)
	return r
}

// peersTarget is the availability that members' copies need while no server is up, for
// both together to reach the target.
func (g Group) peersTarget() float64 {
	down := 1 - AnyOf(1, g.Servers, g.ServerOnline)
	if down <= 1-g.Target+rounding {
		return 0
	}
	return 1 - (1-g.Target)/down
}

// availability is the probability that the file can be fetched at a moment when so many
// members hold a copy, any k of which suffice.
func (g Group) availability(a moot.Architecture, k, copies int) float64 {
	server, peers := AnyOf(1, g.Servers, g.ServerOnline), AnyOf(k, copies, g.Online)
	switch {
	case !a.Peers:
		return server
	case !a.Server:
		return peers
	}
	return Either(server, peers)
}
