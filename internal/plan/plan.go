package plan

import "github.com/mootspace/moot"

// Named is an architecture that marshals as its name, such as "client-server".
type Named struct{ moot.Architecture }

// MarshalText overrides the form of [moot.Architecture], which has no "hybrid".
func (n Named) MarshalText() ([]byte, error) { return []byte(n.Name()), nil }

// Plan is what the formulas answer for a group.
type Plan struct {
	Answers     []Answer `json:"answers"` // in the order of moot.Architectures; without servers only for those that need none
	Recommended Named    `json:"recommended"`
	Why         []string `json:"why"` // sentences that follow from the answers
	Disclaimer  string   `json:"note"`
}

// Disclaimer goes with every plan.
const Disclaimer = "These are limits that follow from formulas, not measurements: no program is faster than the times, " +
	"and none of what a real network, disk or processor takes is in them."

// Answer is what one architecture can give the group.
type Answer struct {
	Architecture Named   `json:"architecture"`
	Reach        []Reach `json:"reach"`    // 1, 2, 4 … members, and all
	Doubling     float64 `json:"doubling"` // factor by which the last time grows for twice as many members
	Upload       Upload  `json:"sends"`
	// Probabilities that the file can be fetched at some moment: while only the member
	// who shared it has a copy (a whole one), and once Group.Copies members have one.
	InitialAvailability float64     `json:"available_at_first"`
	Availability        float64     `json:"available_later"`
	Replication         Replication `json:"kept"` // for Group.Target
	Propagation         Propagation `json:"told"`
}

// Reach is the least time, in seconds, until so many members have the file.
type Reach struct {
	Members int     `json:"members"`
	Seconds float64 `json:"seconds"`
}

// All is the least time until all members have the file, in seconds.
func (a Answer) All() float64 { return a.Reach[len(a.Reach)-1].Seconds }

// Make answers for a group. The error is of kind Invalid (see [Group.Check]).
func Make(g Group) (Plan, error) {
	if err := g.Check(); err != nil {
		return Plan{}, err
	}
	p := Plan{Disclaimer: Disclaimer}
	for _, a := range moot.Architectures() {
		if g.Servers > 0 || !a.Server {
			p.Answers = append(p.Answers, g.answer(a))
		}
	}
	p.Recommended, p.Why = recommend(g, p)
	return p, nil
}

// find returns the answer of the architecture that asks servers, peers or both; nil if
// the group cannot have it.
func (p Plan) find(server, peers bool) *Answer {
	for i := range p.Answers {
		if a := p.Answers[i].Architecture; a.Server == server && a.Peers == peers {
			return &p.Answers[i]
		}
	}
	return nil
}

func (g Group) answer(a moot.Architecture) Answer {
	n := len(g.Members)
	out := Answer{Architecture: Named{a}, Replication: g.replication(a), Propagation: g.propagation(a)}
	for _, size := range groupSizes(n) {
		out.Reach = append(out.Reach, Reach{size, g.distributionTime(a, size).Seconds()})
	}
	all := g.distributionTime(a, n)
	out.Upload = g.upload(a, all)
	out.Doubling = 1
	if all > 0 {
		out.Doubling = g.distributionTime(a, 2*n).Seconds() / all.Seconds()
	}
	out.InitialAvailability = g.availability(a, 1, 1)
	out.Availability = g.availability(a, g.Pieces, g.Copies)
	return out
}

// groupSizes are 1, 2, 4 … and n.
func groupSizes(n int) (sizes []int) {
	for size := 1; size < n; size *= 2 {
		sizes = append(sizes, size)
	}
	return append(sizes, n)
}
