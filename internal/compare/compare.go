// Package compare measures what each architecture gives a group: it runs this very
// program as processes on hosts with shaped links, times the same work through each
// architecture in turn, and reports it beside the bounds of package plan. A run of
// which the machine was the bottleneck, or whose links were not as shaped, is void.
//
// It must not know how the program works: neither its stores, its links nor its wire
// format. Its only interface to the program is the command line.
package compare

import (
	"fmt"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/plan"
)

// bound is the least time in which a file can reach n receivers with the same link; with
// peers, each of them uploads what it has.
func bound(peers bool, size int64, n int, source, receiver plan.Link) time.Duration {
	receivers := slices.Repeat([]plan.Link{receiver}, n)
	if peers {
		return plan.PeerToPeer(size, source, receivers)
	}
	return plan.ClientServer(size, source, receivers)
}

// Options are the parameters of a comparison of scalability. Rates are in bits per
// second on the link, with all headers; 0 is no limit.
type Options struct {
	Peers         []int               // numbers of receivers, distinct
	Architectures []moot.Architecture // distinct
	Size          int64               // of the file, in bytes
	File          string              // path; "" for Size random bytes
	SourceUp      float64             // the source's uplink
	Up, Down      float64             // each receiver's links; Down is the source's, too
	Repeats       int
	Loopback      bool              // limit rates in the nodes, even where hosts could be made
	Version       string            // of this program, for the report
	Progress      func(line string) // called before and after each step, never concurrently; may be nil
}

// Limits of a comparison on one machine.
const (
	maxPeers   = 128
	maxRepeats = 100
	maxSize    = 1 << 40
	minRate    = 1e5  // bits per second; below, a burst alone takes seconds
	maxRate    = 3e10 // the kernel's 32 bits of bytes per second
)

// validate returns an error of kind Invalid.
func (o Options) validate() error {
	switch {
	case len(o.Peers) == 0 || slices.Min(o.Peers) < 1 || slices.Max(o.Peers) > maxPeers:
		return moot.Errorf(moot.Invalid, "want numbers of receivers from 1 to %d, as 1,2,4,8", maxPeers)
	case duplicates(o.Peers):
		return moot.Errorf(moot.Invalid, "a number of receivers is given twice")
	case len(o.Architectures) == 0 || duplicates(o.Architectures):
		return moot.Errorf(moot.Invalid, "want at least one architecture, and each at most once")
	case o.Size < 1 || o.Size > maxSize:
		return moot.Errorf(moot.Invalid, "a file of %d bytes cannot be measured: want 1 byte to 1 TiB", o.Size)
	case o.Repeats < 1 || o.Repeats > maxRepeats:
		return moot.Errorf(moot.Invalid, "%d repeats: want 1 to %d", o.Repeats, maxRepeats)
	}
	if slices.ContainsFunc(o.Architectures, moot.Architecture.IsZero) {
		return moot.Errorf(moot.Invalid, "an architecture is missing: want one that asks servers, peers or both")
	}
	for _, r := range []float64{o.SourceUp, o.Up, o.Down} {
		if !(r == 0 || r >= minRate && r <= maxRate) {
			return moot.Errorf(moot.Invalid, "%g Mbit/s cannot be shaped: want %g to %g, or 0 for no limit", r/1e6, minRate/1e6, maxRate/1e6)
		}
	}
	return nil
}

func duplicates[T comparable](list []T) bool {
	seen := map[T]bool{}
	for _, v := range list {
		seen[v] = true
	}
	return len(seen) < len(list)
}

func (o Options) progress(format string, args ...any) {
	if o.Progress != nil {
		o.Progress(fmt.Sprintf(format, args...))
	}
}

func (o Options) source() plan.Link   { return plan.Link{Up: o.SourceUp, Down: o.Down} }
func (o Options) receiver() plan.Link { return plan.Link{Up: o.Up, Down: o.Down} }
