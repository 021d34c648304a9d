package plan

import (
	"math"
	"time"
)

// took is the least time until n members like the group's have the file.
//
// In client-server the server must have the whole file before anybody is told of it
// (Moot acknowledges only what is durable), so that the upload comes first; a server
// that passed parts on at once would be a hybrid. With peers, what is sent to one is
// of use to others at once.
func (g Group) took(a Architecture, n int) time.Duration {
	members := g.typical(n)
	switch {
	case a == PeersOnly || a == Both && g.AtServer:
		return g.amongPeers(a, members)
	case a == Both:
		return Hybrid(g.Size, g.Source, g.Server, g.Servers, members)
	}
	upload := time.Duration(0)
	if !g.AtServer {
		upload = ClientServer(g.Size, g.Source, []Link{g.Server})
	}
	spread := ClientServer(g.Size, g.Server, members)
	if upload > math.MaxInt64-spread {
		return math.MaxInt64
	}
	return upload + spread
}

// amongPeers is for a file that is where a server is, or where there is none: further
// servers have it, too, or are none.
func (g Group) amongPeers(a Architecture, members []Link) time.Duration {
	source := g.source()
	if a == Both {
		source.Up *= float64(g.Servers)
	}
	return PeerToPeer(g.Size, source, members)
}

// Sends is the least that each kind of node must send in bytes for all members to
// have the file in the least time. With more time, members can send more and the
// server less.
type Sends struct {
	Server  int64 `json:"server"`  // all servers together
	Source  int64 `json:"source"`  // the member who shares; 0 if the file was at the server
	Members int64 `json:"members"` // those who fetch, together
}

// sends follows from the bounds: whatever the others cannot have sent within the time
// must have come from here.
func (g Group) sends(a Architecture, took time.Duration) Sends {
	n, f := float64(len(g.Members)), float64(g.Size)
	if a == ServerOnly {
		s := Sends{Server: bytes(n * f), Source: g.Size}
		if g.AtServer {
			s.Source = 0
		}
		return s
	}
	within := func(rate float64) float64 { // bytes sent at a rate; unlimited: all there is
		if rate == 0 {
			return n * f
		}
		return rate / 8 * took.Seconds()
	}
	members := min(within(together(ups(g.typical(len(g.Members))))), (n-1)*f)
	server := 0.0
	if a == Both && !g.AtServer && n > 1 {
		lacks := max(0, n*f-members-max(f, within(g.Source.Up)))
		server = lacks * n / (n - 1)
	}
	source := max(f, n*f-members-server*(n-1)/n)
	members = n*f - source - server*(n-1)/n
	if a == Both && g.AtServer {
		return Sends{Server: bytes(source), Members: bytes(members)}
	}
	return Sends{Server: bytes(server), Source: bytes(source), Members: bytes(members)}
}

func ups(links []Link) []float64 {
	rates := make([]float64, len(links))
	for i, l := range links {
		rates[i] = l.Up
	}
	return rates
}

// bytes rounds, so that a byte that was lost in dividing does not show.
func bytes(f float64) int64 { return int64(math.Round(max(0, min(f, math.MaxInt64/2)))) }
