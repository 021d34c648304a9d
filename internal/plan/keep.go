package plan

import (
	"math"
	"time"
)

// AnyOf is the probability that at least k of n are there when each is with
// probability p, independently of the others: A = Σ_{i≥k} C(n,i) pⁱ(1−p)ⁿ⁻ⁱ. k = 1 is
// one of n whole copies, 1−(1−p)ⁿ; k > 1 an erasure code that needs any k of n pieces,
// or a majority (Weatherspoon and Kubiatowicz, Erasure Coding vs. Replication, IPTPS
// 2002). Outages that strike many at once make it less.
func AnyOf(k, n int, p float64) float64 {
	switch {
	case k <= 0 || p >= 1 && k <= n:
		return 1
	case k > n || p <= 0:
		return 0
	}
	if float64(k) <= float64(n)*p { // add up the fewer terms
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

// Either is the probability that one of two is there: 1−(1−a)(1−b).
// Rounding must not make it less than either.
func Either(a, b float64) float64 { return clamp(max(a, b, 1-(1-a)*(1-b))) }

// rounding is how far sums of probabilities may be from what they stand for.
const rounding = 1e-12

// CopiesFor returns the least n ≤ limit for which any k of n suffice with the wanted
// probability; false if there is none.
func CopiesFor(k int, p, want float64, limit int) (n int, ok bool) {
	if want <= 0 {
		return 0, true
	}
	enough := func(n int) bool { return AnyOf(k, n, p) >= want-rounding }
	if !enough(limit) {
		return 0, false
	}
	low, high := 0, limit // low does not suffice, high does
	for high-low > 1 {
		if mid := (low + high) / 2; enough(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high, true
}

// Upkeep is the least mean rate, in bits per second, at which a host that stores so
// many bytes must send and receive to keep copies alive while hosts come for good and
// leave for good, after a mean time of membership: 2s/T, a copy for each that joins
// and one for each that leaves (Blake and Rodrigues, High Availability, Scalable
// Storage, Dynamic Peer Networks: Pick Two, HotOS 2003).
func Upkeep(stored float64, membership time.Duration) float64 {
	return 8 * 2 * stored / membership.Seconds()
}

// Kept is what it takes that the file can be fetched with the wanted probability.
type Kept struct {
	Reached     bool    `json:"reached"`      // false: no number of copies that the group has room for does
	Servers     int     `json:"servers"`      // that hold it
	Copies      int     `json:"copies"`       // on members, the one who shares among them
	ServerBytes int64   `json:"server_bytes"` // on all servers
	MemberBytes int64   `json:"member_bytes"` // on all members
	UpkeepBits  float64 `json:"upkeep_bits_per_second"`
}

// kept finds the fewest servers, in client-server, or copies on members beside the
// servers there are. Upkeep is the mean of a member.
func (g Group) kept(a Architecture) Kept {
	k := Kept{Servers: g.Servers}
	switch a {
	case ServerOnly:
		k.Servers, k.Reached = CopiesFor(1, g.ServerOnline, g.Target, maxServers)
	case PeersOnly:
		k.Servers = 0
		k.Copies, k.Reached = CopiesFor(g.Pieces, g.Online, g.Target, len(g.Members)+1)
	case Both:
		k.Copies, k.Reached = CopiesFor(g.Pieces, g.Online, g.stillWanted(), len(g.Members)+1)
	}
	if !k.Reached {
		return Kept{}
	}
	onMembers := float64(g.Size) * float64(k.Copies) / float64(g.Pieces)
	k.ServerBytes, k.MemberBytes = g.Size*int64(k.Servers), bytes(onMembers)
	k.UpkeepBits = Upkeep(onMembers/float64(len(g.Members)+1), g.Lifetime)
	return k
}

// stillWanted is how probable it must be that members have the file when no server is
// there, for both together to reach the target.
func (g Group) stillWanted() float64 {
	away := 1 - AnyOf(1, g.Servers, g.ServerOnline)
	if away <= 1-g.Target+rounding {
		return 0
	}
	return 1 - (1-g.Target)/away
}

// available is the probability that the file can be fetched at a moment when so many
// members hold a copy, any k of which suffice.
func (g Group) available(a Architecture, k, copies int) float64 {
	server, peers := AnyOf(1, g.Servers, g.ServerOnline), AnyOf(k, copies, g.Online)
	switch a {
	case ServerOnly:
		return server
	case PeersOnly:
		return peers
	}
	return Either(server, peers)
}
