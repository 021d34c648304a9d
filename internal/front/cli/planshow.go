package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mootspace/moot/internal/plan"
)

// showPlan prints a row a quantity and a column an architecture.
func (a *commandLine) showPlan(g plan.Group, p plan.Plan) {
	if a.json {
		a.print(struct {
			Group plan.Summary `json:"group"`
			plan.Plan
		}{g.Summary(), p})
		return
	}
	header := ""
	for _, answer := range p.Answers {
		header += "\t" + strings.ToUpper(answer.Architecture.Name())
	}
	a.table(header, planRows(g, p.Answers))
	a.say("\nRecommended: %s\n  %s\n\n%s 'moot compare' measures.", p.Recommended.Name(), strings.Join(p.Why, "\n  "), p.Disclaimer)
}

// row is a quantity and its value in each architecture.
type row struct {
	quantity string
	value    func(plan.Answer) string
}

func planRows(g plan.Group, answers []plan.Answer) [][]string {
	var rows [][]string
	for _, r := range quantities(g, answers) {
		cells := []string{r.quantity}
		for _, answer := range answers {
			cells = append(cells, r.value(answer))
		}
		rows = append(rows, cells)
	}
	return rows
}

func quantities(g plan.Group, answers []plan.Answer) (list []row) {
	for i, r := range answers[0].Reach {
		asked := fmt.Sprintf("all of %d have it after, at least", r.Members)
		if r.Members == 1 {
			asked = "the first has it after, at least"
		}
		list = append(list, row{asked, func(a plan.Answer) string { return plan.FormatSeconds(a.Reach[i].Seconds) }})
	}
	n := len(g.Members)
	list = append(list,
		row{fmt.Sprintf("twice as many, %d, take", 2*n), func(a plan.Answer) string { return "× " + plan.FormatNumber(a.Doubling) }},
		row{"servers send, at least", func(a plan.Answer) string { return size(a.Upload.Server) }},
		row{"who shares sends, at least", func(a plan.Answer) string { return size(a.Upload.Source) }},
		row{"who fetch send, together", func(a plan.Answer) string { return size(a.Upload.Members) }},
	)
	return append(append(list, availabilityRows(g)...), deliveryRows()...)
}

// availabilityRows are about what is still there when nodes are away.
func availabilityRows(g plan.Group) []row {
	kept := fmt.Sprintf("  with %d copies on members", g.Copies)
	if g.Pieces > 1 {
		kept = fmt.Sprintf("  with any %d of %d pieces on members", g.Pieces, g.Copies)
	}
	ifReached := func(show func(plan.Replication) string) func(plan.Answer) string {
		return func(a plan.Answer) string {
			if !a.Replication.Reached {
				return "not to be had"
			}
			return show(a.Replication)
		}
	}
	return []row{
		{"is there at any moment, as shared", func(a plan.Answer) string { return plan.FormatPercent(a.InitialAvailability) }},
		{kept, func(a plan.Answer) string { return plan.FormatPercent(a.Availability) }},
		{"for " + plan.FormatPercent(g.Target) + ": copies on servers + members", ifReached(func(k plan.Replication) string {
			return fmt.Sprintf("%d + %d", k.Servers, k.Copies)
		})},
		{"  stored on servers + members", ifReached(func(k plan.Replication) string { return size(k.ServerBytes) + " + " + size(k.MemberBytes) })},
		{"  upkeep of a member, mean", ifReached(func(k plan.Replication) string { return bitRate(k.UpkeepBits) })},
	}
}

// deliveryRows are about what is said: names, withdrawals.
func deliveryRows() []row {
	return []row{
		{"decides and withdraws", func(a plan.Answer) string { return string(a.Propagation.Authority) }},
		{"a withdrawal holds", withdrawn},
		{"an entry takes hops", func(a plan.Answer) string { return between(a.Propagation.Hops) }},
		{"  and messages", func(a plan.Answer) string { return between(a.Propagation.Messages) }},
	}
}

func withdrawn(a plan.Answer) string {
	late := "no bound declared"
	if w := a.Propagation.Bound; w != nil {
		late = "within " + plan.FormatSeconds(*w)
	}
	switch {
	case !a.Architecture.Peers:
		return "at once"
	case a.Architecture.Server:
		return "at once; peers " + late
	}
	return late
}

func between(b [2]int) string {
	if b[0] == b[1] {
		return strconv.Itoa(b[0])
	}
	return fmt.Sprintf("%d to %d", b[0], b[1])
}

// bitRate writes bits per second for people.
func bitRate(bits float64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{"Gbit/s", 1e9}, {"Mbit/s", 1e6}, {"kbit/s", 1e3}} {
		if bits >= u.size {
			return plan.FormatNumber(bits/u.size) + " " + u.name
		}
	}
	return strconv.FormatFloat(bits, 'f', 0, 64) + " bit/s"
}
