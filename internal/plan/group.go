package plan

import (
	"math"
	"time"

	"github.com/mootspace/moot"
)

// Group is who shares one file with whom, over what.
type Group struct {
	Members []Link // those who fetch the file, besides the one who shares it
	Size    int64  // bytes of the file

	Source   Link // of the member who shares it
	AtServer bool // the file is where the server is: that machine is the source in each architecture

	Servers int  // 0: there is none
	Server  Link // of each

	Online       float64 // probability that a member's node is up and reached
	ServerOnline float64 // the same of a server
	Target       float64 // probability wanted that the file can be fetched

	Copies   int           // members that keep the file for others
	Pieces   int           // of an erasure code any so many copies suffice; 1: each is whole, as Moot keeps them
	Lifetime time.Duration // mean time for which a member keeps what it has: until it leaves or loses its disk

	Control bool // one place must decide: who may write, what is withdrawn, which of two versions counts
}

// Limits of what is answered: beyond them something was mistyped.
const (
	maxMembers = 100_000
	maxSize    = 1 << 50 // bytes
	maxServers = 1000
)

// Check finds what makes no sense. Kind Invalid.
func (g Group) Check() error {
	switch {
	case len(g.Members) < 1 || len(g.Members) > maxMembers:
		return moot.Errorf(moot.Invalid, "a group of %d members: want 1 to %d who fetch the file", len(g.Members), maxMembers)
	case g.Size < 1 || g.Size > maxSize:
		return moot.Errorf(moot.Invalid, "a file of %d bytes: want 1 byte to 1 PiB", g.Size)
	case g.Servers < 0 || g.Servers > maxServers:
		return moot.Errorf(moot.Invalid, "%d servers: want 0 (there is none) to %d", g.Servers, maxServers)
	case g.AtServer && g.Servers == 0:
		return moot.Errorf(moot.Invalid, "the file cannot be at the server if there is none")
	case g.Copies < 1 || g.Copies > len(g.Members)+1:
		return moot.Errorf(moot.Invalid, "%d copies on members: want 1 to %d, the one who shares among them", g.Copies, len(g.Members)+1)
	case g.Pieces < 1 || g.Pieces > g.Copies:
		return moot.Errorf(moot.Invalid, "any %d of %d copies are to suffice: want 1 to %d", g.Pieces, g.Copies, g.Copies)
	case g.Lifetime <= 0:
		return moot.Errorf(moot.Invalid, "a membership of %v: want more than nothing, as 30 days", g.Lifetime)
	}
	return g.checkOdds()
}

func (g Group) checkOdds() error {
	for what, p := range map[string]float64{"a member is online": g.Online, "a server is online": g.ServerOnline} {
		if !(p >= 0 && p <= 1) {
			return moot.Errorf(moot.Invalid, "the probability that %s is %v: want 0 to 1, as 0.5", what, p)
		}
	}
	if !(g.Target > 0 && g.Target < 1) {
		return moot.Errorf(moot.Invalid, "the probability wanted is %v: want more than 0 and less than 1, as 0.999", g.Target)
	}
	for _, l := range append([]Link{g.Source, g.Server}, g.Members...) {
		if bad(l.Up) || bad(l.Down) {
			return moot.Errorf(moot.Invalid, "a link of %v up and %v down: want rates of more than 0", l.Up, l.Down)
		}
	}
	return nil
}

func bad(rate float64) bool { return rate < 0 || math.IsNaN(rate) || math.IsInf(rate, 0) }

// source is the link that the file comes from in the beginning.
func (g Group) source() Link {
	if g.AtServer {
		return g.Server
	}
	return g.Source
}

// typical returns n members of the same mix as the group: with its mean uplink and
// its slowest downlink, which is all that the bounds see. One member alone is the
// first to be served, so it has the fastest.
func (g Group) typical(n int) []Link {
	up := make([]float64, len(g.Members))
	for i, m := range g.Members {
		up[i] = m.Up
	}
	like := Link{Up: together(up) / float64(len(up)), Down: slowest(g.Members)}
	if n == 1 {
		like.Down = fastest(g.Members)
	}
	members := make([]Link, n)
	for i := range members {
		members[i] = like
	}
	return members
}

// Summary is a group as it is written down beside a plan of it.
type Summary struct {
	Members      int     `json:"members"`
	Size         int64   `json:"size"`             // bytes
	UpTotal      float64 `json:"up_total"`         // bit/s of all members together; 0: no limit
	DownLeast    float64 `json:"down_least"`       // bit/s of the slowest; 0: no limit
	SourceUp     float64 `json:"source_up"`        // bit/s
	AtServer     bool    `json:"at_server"`        //
	Servers      int     `json:"servers"`          //
	ServerUp     float64 `json:"server_up"`        // bit/s
	Online       float64 `json:"online"`           //
	ServerOnline float64 `json:"server_online"`    //
	Target       float64 `json:"target"`           //
	Copies       int     `json:"copies"`           //
	Pieces       int     `json:"pieces"`           //
	Lifetime     float64 `json:"lifetime_seconds"` //
	Control      bool    `json:"control"`          //
}

// Summary tells what of a group counts.
func (g Group) Summary() Summary {
	return Summary{
		Members: len(g.Members), Size: g.Size, UpTotal: together(ups(g.Members)), DownLeast: slowest(g.Members),
		SourceUp: g.source().Up, AtServer: g.AtServer, Servers: g.Servers, ServerUp: g.Server.Up,
		Online: g.Online, ServerOnline: g.ServerOnline, Target: g.Target,
		Copies: g.Copies, Pieces: g.Pieces, Lifetime: g.Lifetime.Seconds(), Control: g.Control,
	}
}
