package plan

// Architecture is whom nodes ask.
type Architecture string

// The architectures.
const (
	ServerOnly Architecture = "client-server"
	PeersOnly  Architecture = "peer-to-peer"
	Both       Architecture = "hybrid"
)

// Plan is what the formulas answer for a group.
type Plan struct {
	Answers     []Answer     `json:"answers"` // an architecture each; those that need a server only if there is one
	Recommended Architecture `json:"recommended"`
	Why         []string     `json:"why"` // sentences that follow from the answers
	Note        string       `json:"note"`
}

// Note says what a plan is not.
const Note = "These are limits that follow from formulas, not measurements: no program is faster than the times, " +
	"and none of what a real network, disk or processor takes is in them. 'moot compare' measures."

// Answer is what one architecture can give the group.
type Answer struct {
	Architecture Architecture `json:"architecture"`
	Reach        []Reach      `json:"reach"`    // 1, 2, 4 … members, and all
	Doubling     float64      `json:"doubling"` // by how much the last time grows for twice as many members
	Sends        Sends        `json:"sends"`    // bytes, at least
	// Probabilities that the file can be fetched at some moment: while the member who
	// shared it alone has a copy (a whole one), and once Group.Copies members do.
	AtFirst float64 `json:"available_at_first"`
	Later   float64 `json:"available_later"`
	Kept    Kept    `json:"kept"` // for Group.Target
	Told    Told    `json:"told"`
}

// Reach is the least time, in seconds, until so many members have the file.
type Reach struct {
	Members int     `json:"members"`
	Seconds float64 `json:"seconds"`
}

// All is the least time until all members have the file, in seconds.
func (a Answer) All() float64 { return a.Reach[len(a.Reach)-1].Seconds }

// Make answers for a group. Kind Invalid if its description makes no sense.
func Make(g Group) (Plan, error) {
	if err := g.Check(); err != nil {
		return Plan{}, err
	}
	p := Plan{Note: Note}
	for _, a := range []Architecture{ServerOnly, PeersOnly, Both} {
		if a == PeersOnly || g.Servers > 0 {
			p.Answers = append(p.Answers, g.answer(a))
		}
	}
	p.Recommended, p.Why = recommend(g, p)
	return p, nil
}

// Of returns the answer of an architecture; nil if the group cannot have it.
func (p Plan) Of(a Architecture) *Answer {
	for i := range p.Answers {
		if p.Answers[i].Architecture == a {
			return &p.Answers[i]
		}
	}
	return nil
}

func (g Group) answer(a Architecture) Answer {
	n := len(g.Members)
	out := Answer{Architecture: a, Kept: g.kept(a), Told: g.told(a)}
	for _, some := range steps(n) {
		out.Reach = append(out.Reach, Reach{some, g.took(a, some).Seconds()})
	}
	all := g.took(a, n)
	out.Sends = g.sends(a, all)
	out.Doubling = 1
	if all > 0 {
		out.Doubling = g.took(a, 2*n).Seconds() / all.Seconds()
	}
	out.AtFirst = g.available(a, 1, 1)
	out.Later = g.available(a, g.Pieces, g.Copies)
	return out
}

// steps are 1, 2, 4 … and n.
func steps(n int) (list []int) {
	for some := 1; some < n; some *= 2 {
		list = append(list, some)
	}
	return append(list, n)
}
