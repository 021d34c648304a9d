package plan

import (
	"math"
	"slices"
	"time"

	"github.com/mootspace/moot"
)

// Group is a source that shares one file with members, and the links between them.
type Group struct {
	Members []Link // of those who fetch the file, besides the one who shares it
	Size    int64  // bytes of the file

	Source   Link // of the member who shares it
	AtServer bool // the file is where the server is: that machine is the source in each architecture

	Servers int  // 0: there is none
	Server  Link // of each

	Online       float64 // probability that a member's node is up and reachable
	ServerOnline float64 // the same of a server
	Target       float64 // probability wanted that the file can be fetched

	Copies   int           // members that hold the file for others, the source among them
	Pieces   int           // of an erasure code, of which any so many suffice; 1: whole copies, as Moot stores them
	Lifetime time.Duration // mean time until a member leaves or loses its disk

	Control bool // one authority is required: over who may write, what is retracted, which of two versions counts
}

// Limits of a plausible group.
const (
	maxMembers = 100_000
	maxSize    = 1 << 50 // bytes
	maxServers = 1000
)

// Check returns an error of kind Invalid for a group that makes no sense.
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
	if err := g.checkProbabilities(); err != nil {
		return err
	}
	return g.checkLinks()
}

func (g Group) checkProbabilities() error {
	for _, p := range []struct {
		event string
		value float64
	}{{"a member is online", g.Online}, {"a server is online", g.ServerOnline}} {
		if !(p.value >= 0 && p.value <= 1) {
			return moot.Errorf(moot.Invalid, "the probability that %s is %v: want 0 to 1, as 0.5", p.event, p.value)
		}
	}
	if !(g.Target > 0 && g.Target < 1) {
		return moot.Errorf(moot.Invalid, "the probability wanted is %v: want more than 0 and less than 1, as 0.999", g.Target)
	}
	return nil
}

func (g Group) checkLinks() error {
	for _, l := range append([]Link{g.Source, g.Server}, g.Members...) {
		if invalidRate(l.Up) || invalidRate(l.Down) {
			return moot.Errorf(moot.Invalid, "a link of %v up and %v down: want rates of more than 0", l.Up, l.Down)
		}
	}
	return nil
}

func invalidRate(rate float64) bool { return rate < 0 || math.IsNaN(rate) || math.IsInf(rate, 0) }

// source is the link of the first copy.
func (g Group) source() Link {
	if g.AtServer {
		return g.Server
	}
	return g.Source
}

// typical returns n members of the same mix as the group: with its mean uplink and
// slowest downlink, on which alone the bounds depend. One member alone is the first to
// be served, so it has the fastest downlink.
func (g Group) typical(n int) []Link {
	mean := Link{Up: totalRate(uplinks(g.Members)) / float64(len(g.Members)), Down: slowest(g.Members)}
	if n == 1 {
		mean.Down = fastest(g.Members)
	}
	return slices.Repeat([]Link{mean}, n)
}

// Summary is the form of a group that programs read beside its plan.
type Summary struct {
	Members      int     `json:"members"`
	Size         int64   `json:"size"`             // bytes
	UpTotal      float64 `json:"up_total"`         // bit/s, the sum over all members; 0: no limit
	DownLeast    float64 `json:"down_least"`       // bit/s, the slowest; 0: no limit
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

// Summary aggregates the members' links.
func (g Group) Summary() Summary {
	return Summary{
		Members: len(g.Members), Size: g.Size, UpTotal: totalRate(uplinks(g.Members)), DownLeast: slowest(g.Members),
		SourceUp: g.source().Up, AtServer: g.AtServer, Servers: g.Servers, ServerUp: g.Server.Up,
		Online: g.Online, ServerOnline: g.ServerOnline, Target: g.Target,
		Copies: g.Copies, Pieces: g.Pieces, Lifetime: g.Lifetime.Seconds(), Control: g.Control,
	}
}
