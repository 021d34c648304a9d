// Package compare measures what each architecture gives a group: it runs this very
// program as real processes on hosts joined by shaped links, times them doing the same
// thing through each architecture in turn, and sets the figures beside the bounds of
// package plan. A measurement whose machine or links were the limit calls itself void.
//
// It must not know how the program does anything: not its stores, its links nor its
// wire format. It speaks to it as a person does, by its command line.
package compare

import (
	"fmt"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/plan"
)

// Architecture is a way to share, by the word that the command line has for it (--via).
type Architecture string

const (
	Server Architecture = "server"
	Peers  Architecture = "peers"
	Both   Architecture = "both"
)

// Architectures are all of them, in the order in which they are shown.
func Architectures() []Architecture { return []Architecture{Server, Peers, Both} }

// Name is the architecture's name in prose.
func (a Architecture) Name() string {
	return map[Architecture]string{Server: "client-server", Peers: "peer-to-peer", Both: "hybrid"}[a]
}

// bound is the least time in which a file can reach n receivers that are all alike.
func (a Architecture) bound(size int64, n int, source, receiver plan.Link) time.Duration {
	receivers := slices.Repeat([]plan.Link{receiver}, n)
	if a == Server {
		return plan.ClientServer(size, source, receivers)
	}
	return plan.PeerToPeer(size, source, receivers)
}

// Options are what a comparison of scalability varies. Rates are in bits per second,
// counted on the link with all headers; 0 is no limit.
type Options struct {
	Peers         []int          // numbers of receivers
	Architectures []Architecture // without repetition
	Size          int64          // of the file, in bytes
	File          string         // the file itself; "": one of Size random bytes is made
	SourceUp      float64        // the source's uplink
	Up, Down      float64        // each receiver's links; Down is the source's, too
	Repeats       int
	Loopback      bool                  // shape in the process, even where hosts could be made
	Version       string                // of this program, for the report
	Say           func(progress string) // told of each step, one at a time
}

// Limits of a comparison: a machine of today does not carry more.
const (
	maxPeers   = 128
	maxRepeats = 100
	maxSize    = 1 << 40
	minRate    = 1e5  // bits a second; a burst alone takes seconds below
	maxRate    = 3e10 // what fits the kernel's 32 bits of bytes a second
)

// validate returns an error of kind Invalid that says what to do.
func (o Options) validate() error {
	switch {
	case len(o.Peers) == 0 || slices.Min(o.Peers) < 1 || slices.Max(o.Peers) > maxPeers:
		return moot.Errorf(moot.Invalid, "peers: want numbers of receivers from 1 to %d, as 1,2,4,8", maxPeers)
	case repeats(o.Peers):
		return moot.Errorf(moot.Invalid, "peers: a number is there twice; to measure it more often give repeats")
	case len(o.Architectures) == 0 || repeats(o.Architectures):
		return moot.Errorf(moot.Invalid, "architectures: want each of server, peers and both at most once, and at least one")
	case o.Size < 1 || o.Size > maxSize:
		return moot.Errorf(moot.Invalid, "size: a file of %d bytes cannot be measured: want 1 byte to 1 TiB", o.Size)
	case o.Repeats < 1 || o.Repeats > maxRepeats:
		return moot.Errorf(moot.Invalid, "repeats: want 1 to %d", maxRepeats)
	}
	for _, a := range o.Architectures {
		if a.Name() == "" {
			return moot.Errorf(moot.Invalid, "architectures: %q is none: want server, peers or both", string(a))
		}
	}
	for _, r := range []float64{o.SourceUp, o.Up, o.Down} {
		if !(r == 0 || r >= minRate && r <= maxRate) {
			return moot.Errorf(moot.Invalid, "rates: %g Mbit/s cannot be shaped: want %g to %g, or 0 for no limit", r/1e6, minRate/1e6, maxRate/1e6)
		}
	}
	return nil
}

func repeats[T comparable](list []T) bool {
	seen := map[T]bool{}
	for _, v := range list {
		seen[v] = true
	}
	return len(seen) < len(list)
}

// say tells how the comparison goes.
func (o Options) say(format string, args ...any) {
	if o.Say != nil {
		o.Say(fmt.Sprintf(format, args...))
	}
}

func (o Options) source() plan.Link   { return plan.Link{Up: o.SourceUp, Down: o.Down} }
func (o Options) receiver() plan.Link { return plan.Link{Up: o.Up, Down: o.Down} }
