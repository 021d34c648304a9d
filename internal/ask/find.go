package ask

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

const (
	maxQueried  = 64 // nodes in one search
	maxQuerying = 16 // of them at one time
)

// found is a node and what it holds of a blob.
type found struct {
	peer    moot.Peer
	node    moot.Node
	holding moot.Holding
	err     error
}

func (n *Node) now() time.Time { return time.Now() }

// find queries the nodes from the Locator, except those that want rejects, for what they
// hold. The channel is closed when all have responded or the time is up.
func (n *Node) find(ctx context.Context, id moot.BlobID, want func(moot.Peer) bool) <-chan found {
	out := make(chan found)
	search, cancel := context.WithTimeout(ctx, n.cfg.Discover)
	slots := make(chan struct{}, maxQuerying)
	go func() {
		defer close(out)
		defer cancel()
		var queries sync.WaitGroup
		defer queries.Wait()
		seen := map[moot.Key]bool{n.cfg.Self: true}
		for peer := range n.cfg.Locator.Locate(search, id) {
			if search.Err() != nil || len(seen) > maxQueried {
				return
			}
			if seen[peer.ID] || !want(peer) {
				continue
			}
			seen[peer.ID] = true
			slots <- struct{}{}
			queries.Go(func() {
				f := n.query(search, peer, id)
				<-slots
				select {
				case out <- f:
				case <-ctx.Done():
				}
			})
		}
	}()
	return out
}

// query gets what one node holds.
func (n *Node) query(ctx context.Context, peer moot.Peer, id moot.BlobID) found {
	peer = n.named(peer)
	f := found{peer: peer}
	if n.bans.has(peer.ID, n.now()) {
		f.err = moot.Errorf(moot.Corrupt, "it sent false bytes before")
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Stall)
	defer cancel()
	if f.node, f.err = n.cfg.Dial(peer); f.err == nil {
		f.holding, f.err = f.node.Have(ctx, id)
	}
	if f.err == nil && f.holding.Size < 0 {
		f.err = moot.Errorf(moot.Invalid, "it claims a size of %d bytes", f.holding.Size)
	}
	for i, r := range f.holding.Ranges {
		f.holding.Ranges[i] = r.In(max(f.holding.Size, 0))
	}
	return f
}

// outcome is why a node is not queried, and until when.
type outcome struct {
	peer  moot.Peer
	err   error
	fails int
	retry time.Time
}

// outcomes are those of one search or download.
type outcomes map[moot.Key]outcome

const maxOutcomes = 1024 // nodes remembered in one download

// add records that a node was of no use. Its back-off doubles from a second to half a
// minute.
func (v outcomes) add(peer moot.Peer, err error, now time.Time) {
	if len(v) >= maxOutcomes {
		clear(v)
	}
	fails := v[peer.ID].fails
	delay := time.Second
	if moot.KindOf(err) == moot.NotFound { // it may be downloading, too
		delay = firstRefresh / 2
	}
	v[peer.ID] = outcome{peer, err, fails + 1, now.Add(min(delay<<min(fails, 8), 30*time.Second))}
}

func (v outcomes) skip(k moot.Key, now time.Time) bool { return now.Before(v[k].retry) }

// unavailable returns the error of a blob that cannot be fetched, from the outcomes. It
// does not say which: callers know its name.
func (n *Node) unavailable(v outcomes) error {
	lacking, dishonest := 0, 0
	var other *outcome
	for _, o := range v {
		switch moot.KindOf(o.err) {
		case moot.NotFound:
			lacking++
		case moot.Corrupt:
			dishonest++
		default:
			if other == nil || o.peer.Server {
				other = &o
			}
		}
	}
	err := moot.Errorf(moot.Unavailable, "nobody who has it can be reached")
	switch a, ok := n.cfg.Locator.Authority(); {
	case other != nil && ok && a.Required:
		return n.at(other.peer, other.err)
	case other != nil:
		err = moot.Errorf(moot.Unavailable, "nobody who has it can be reached (%w)", n.at(other.peer, other.err))
	case dishonest > 0:
		err = moot.Errorf(moot.Unavailable, "nobody who has it can be reached (%d banned for false bytes)", dishonest)
	case lacking > 0:
		err = moot.Errorf(moot.NotFound, "none of the %d devices that can be reached has it", lacking)
	}
	return moot.WithHint(err, moot.HintListPeers)
}

// at puts the node's name in front of its error, instead of its address.
func (n *Node) at(p moot.Peer, err error) error {
	name := n.named(p).Name
	if p.Server {
		name = "server"
	}
	return moot.Wrap(cmp.Or(name, p.ID.Short()), WithoutAddress(err))
}

// named fills in the name of a node's member.
func (n *Node) named(p moot.Peer) moot.Peer {
	if p.Name == "" && n.cfg.Name != nil {
		p.Name = n.cfg.Name(p.ID)
	}
	return p
}

// WithoutAddress takes off the address that a link puts in front of its errors.
func WithoutAddress(err error) error {
	e, ok := err.(*moot.Error) //nolint:errorlint // only the outermost operation
	if !ok || !strings.Contains(e.Op, "://") {
		return err
	}
	bare := *e
	bare.Op = ""
	return &bare
}

// union sorts ranges and joins those that overlap or adjoin.
func union(ranges []moot.Range) []moot.Range {
	ranges = slices.Clone(ranges)
	slices.SortFunc(ranges, func(a, b moot.Range) int { return cmp.Compare(a.Offset, b.Offset) })
	joined := ranges[:0]
	for _, r := range ranges {
		if n := len(joined); n > 0 && r.Offset <= joined[n-1].End() {
			joined[n-1].Length = max(joined[n-1].End(), r.End()) - joined[n-1].Offset
			continue
		}
		joined = append(joined, r)
	}
	return joined
}
