package plan

import (
	"math"
	"time"

	"github.com/mootspace/moot"
)

// distributionTime is the least time until n members like the group's have the file.
func (g Group) distributionTime(a moot.Architecture, n int) time.Duration {
	members := g.typical(n)
	if !a.Peers {
		return g.storeAndForward(members)
	}
	if a.Server && !g.AtServer {
		return Hybrid(g.Size, g.Source, g.Server, g.Servers, members)
	}
	source := g.source()
	if a.Server { // every server has the file
		source.Up *= float64(g.Servers)
	}
	return PeerToPeer(g.Size, source, members)
}

// storeAndForward adds the upload to the downloads: Moot's server acknowledges only what
// is durable, so no member learns of a file before the server has all of it. A server
// that forwarded parts at once would be a hybrid.
func (g Group) storeAndForward(members []Link) time.Duration {
	upload := time.Duration(0)
	if !g.AtServer {
		upload = ClientServer(g.Size, g.Source, []Link{g.Server})
	}
	download := ClientServer(g.Size, g.Server, members)
	if upload > math.MaxInt64-download {
		return math.MaxInt64
	}
	return upload + download
}

// Upload is the least number of bytes that each kind of node must send for all members
// to have the file in the least time. With more time, members can send more and the
// server less.
type Upload struct {
	Server  int64 `json:"server"`  // all servers together
	Source  int64 `json:"source"`  // the member who shares; 0 if the file was at the server
	Members int64 `json:"members"` // those who fetch, together
}

// upload follows from the bounds: each kind of node sends what the others cannot have
// sent within the time.
func (g Group) upload(a moot.Architecture, within time.Duration) Upload {
	n, f := float64(len(g.Members)), float64(g.Size)
	if !a.Peers {
		u := Upload{Server: roundBytes(n * f), Source: g.Size}
		if g.AtServer {
			u.Source = 0
		}
		return u
	}
	most := func(rate float64) float64 { // bytes sent at a rate; all there are at an unlimited one
		if rate == 0 {
			return n * f
		}
		return rate / 8 * within.Seconds()
	}
	members := min(most(totalRate(uplinks(g.typical(len(g.Members))))), (n-1)*f)
	server := 0.0
	if a.Server && !g.AtServer && n > 1 {
		missing := max(0, n*f-members-max(f, most(g.Source.Up)))
		server = missing * n / (n - 1)
	}
	source := max(f, n*f-members-server*(n-1)/n)
	members = n*f - source - server*(n-1)/n
	if a.Server && g.AtServer {
		return Upload{Server: roundBytes(source), Members: roundBytes(members)}
	}
	return Upload{Server: roundBytes(server), Source: roundBytes(source), Members: roundBytes(members)}
}

func uplinks(links []Link) []float64 {
	rates := make([]float64, len(links))
	for i, l := range links {
		rates[i] = l.Up
	}
	return rates
}

// roundBytes hides the rounding errors of divisions, and saturates.
func roundBytes(f float64) int64 { return int64(math.Round(max(0, min(f, math.MaxInt64/2)))) }
