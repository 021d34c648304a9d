package plan

import "fmt"

// significant is the ratio from which one time counts as shorter than another; smaller
// differences are within the variation of real runs.
const significant = 1.1

// recommend chooses by the first rule that applies:
//
//  1. There is no server: peer-to-peer.
//  2. One authority is required: client-server.
//  3. Members add nothing: with them all have the file less than a tenth sooner, and
//     servers alone reach the wanted availability: client-server.
//  4. The server adds nothing: peers take less than a tenth longer than the hybrid, and
//     the members' copies reach the wanted availability: peer-to-peer.
//  5. Else hybrid.
func recommend(g Group, p Plan) (Named, []string) {
	server, peers, both := p.find(true, false), p.find(false, true), p.find(true, true)
	switch {
	case both == nil:
		return peers.Architecture, g.withoutServer(peers)
	case g.Control:
		return server.Architecture, g.forControl(server, both)
	case server.All() < significant*both.All() && server.Availability >= g.Target-rounding:
		return server.Architecture, g.forServer(server, both)
	case peers.All() < significant*both.All() && peers.Availability >= g.Target-rounding:
		return peers.Architecture, g.forPeers(peers, both)
	}
	return both.Architecture, g.forBoth(server, peers, both)
}

func (g Group) withoutServer(peers *Answer) []string {
	why := []string{"There is no server, so that members can only ask one another."}
	if g.Control {
		why = append(why, "Nothing decides at once and for all, as was asked for: two who write one name both keep their version, a conflict. A server changes that.")
	}
	if peers.Availability < g.Target-rounding {
		why = append(why, fmt.Sprintf("With %s the file can be fetched %s of the time, which is less than the %s wanted: %s",
			g.copies(), FormatPercent(peers.Availability), FormatPercent(g.Target), g.remedy(peers)))
	}
	return why
}

// remedy is advice on reaching the target without a server.
func (g Group) remedy(peers *Answer) string {
	if !peers.Replication.Reached {
		return "not even a copy on each member reaches it; a server would help."
	}
	return fmt.Sprintf("%d copies reach it, or a server.", peers.Replication.Copies)
}

func (g Group) forControl(server, both *Answer) []string {
	why := []string{"One place must decide, and only a server that everybody asks does: the second of two who write one name is refused, and what is withdrawn is gone once it has answered."}
	if server.All() >= significant*both.All() {
		why = append(why, fmt.Sprintf("That costs time: all %d have the file after %s at the soonest, in a hybrid after %s.",
			len(g.Members), FormatSeconds(server.All()), FormatSeconds(both.All())))
	}
	if server.Availability < g.Target-rounding {
		why = append(why, fmt.Sprintf("It is there %s of the time, less than the %s wanted: nothing works while it is away.", FormatPercent(server.Availability), FormatPercent(g.Target)))
	}
	return why
}

func (g Group) forServer(server, both *Answer) []string {
	return []string{
		fmt.Sprintf("Members have too little to add: with their help all %d have the file after %s at the soonest, without it after %s.",
			len(g.Members), FormatSeconds(both.All()), FormatSeconds(server.All())),
		fmt.Sprintf("The server alone can be asked %s of the time, and %s was wanted.", FormatPercent(server.Availability), FormatPercent(g.Target)),
	}
}

func (g Group) forPeers(peers, both *Answer) []string {
	return []string{
		fmt.Sprintf("A server would add too little: with it all %d have the file after %s at the soonest, without it after %s.",
			len(g.Members), FormatSeconds(both.All()), FormatSeconds(peers.All())),
		fmt.Sprintf("With %s it can be fetched %s of the time, and %s was wanted.", g.copies(), FormatPercent(peers.Availability), FormatPercent(g.Target)),
	}
}

func (g Group) forBoth(server, peers, both *Answer) []string {
	why := []string{fmt.Sprintf("All %d have the file after %s at the soonest; with the server alone after %s, with peers alone after %s.",
		len(g.Members), FormatSeconds(both.All()), FormatSeconds(server.All()), FormatSeconds(peers.All()))}
	why = append(why, fmt.Sprintf("With %s it can be fetched %s of the time: from the server alone %s, from peers alone %s.",
		g.copies(), FormatPercent(both.Availability), FormatPercent(server.Availability), FormatPercent(peers.Availability)))
	if both.Availability < g.Target-rounding {
		why = append(why, fmt.Sprintf("That is still less than the %s wanted: %s", FormatPercent(g.Target), moreCopies(both.Replication)))
	}
	return append(why, "While the server can be asked it decides as in client-server; while it is away members go on, and may conflict.")
}

func moreCopies(r Replication) string {
	if !r.Reached {
		return "no number of copies in this group reaches it; a second server may."
	}
	return fmt.Sprintf("%d copies on members reach it.", r.Copies)
}

// copies describes the copies on members.
func (g Group) copies() string {
	if g.Pieces > 1 {
		return fmt.Sprintf("any %d of %d pieces kept by members", g.Pieces, g.Copies)
	}
	if g.Copies == 1 {
		return "a copy kept by one member"
	}
	return fmt.Sprintf("copies kept by %d members", g.Copies)
}
