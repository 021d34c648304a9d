package ask

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

const (
	maxAsked  = 64 // nodes asked in one search
	maxAsking = 16 // of them at one time
)

// found is a node that was asked what it has of a blob, and its answer.
type found struct {
	peer    moot.Peer
	node    moot.Node
	holding moot.Holding
	err     error
}

func (n *Node) now() time.Time { return time.Now() }

// find asks those whom the Locator names, except who is refused by want, what they
// hold. The channel is closed when all have answered or the time is up.
func (n *Node) find(ctx context.Context, id moot.BlobID, want func(moot.Peer) bool) <-chan found {
	out := make(chan found)
	search, cancel := context.WithTimeout(ctx, n.cfg.Discover)
	slots := make(chan struct{}, maxAsking)
	go func() {
		defer close(out)
		defer cancel()
		var asking sync.WaitGroup
		defer asking.Wait()
		seen := map[moot.Key]bool{n.cfg.Self: true}
		for peer := range n.cfg.Locator.Locate(search, id) {
			if search.Err() != nil || len(seen) > maxAsked {
				return
			}
			if seen[peer.ID] || !want(peer) {
				continue
			}
			seen[peer.ID] = true
			slots <- struct{}{}
			asking.Go(func() {
				f := n.inquire(search, peer, id)
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

// inquire asks one node what it has.
func (n *Node) inquire(ctx context.Context, peer moot.Peer, id moot.BlobID) found {
	f := found{peer: peer}
	if n.bans.has(peer.ID, n.now()) {
		f.err = moot.Errorf(moot.Corrupt, "sent false bytes before")
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Stall)
	defer cancel()
	if f.node, f.err = n.cfg.Dial(peer); f.err == nil {
		f.holding, f.err = f.node.Have(ctx, id)
	}
	if f.err == nil && f.holding.Size < 0 {
		f.err = moot.Errorf(moot.Invalid, "claims a size of %d bytes", f.holding.Size)
	}
	for i, r := range f.holding.Ranges {
		f.holding.Ranges[i] = r.In(max(f.holding.Size, 0))
	}
	return f
}

// verdict is why a node is not asked, and until when.
type verdict struct {
	peer  moot.Peer
	err   error
	fails int
	again time.Time
}

// verdicts are kept while a blob is looked for.
type verdicts map[moot.Key]verdict

const maxVerdicts = 1024 // nodes remembered in one download

// add notes that a node was of no use. It is asked again after a time that doubles
// from a second to half a minute.
func (v verdicts) add(peer moot.Peer, err error, now time.Time) {
	if len(v) >= maxVerdicts {
		clear(v)
	}
	fails := v[peer.ID].fails
	wait := time.Second
	if moot.KindOf(err) == moot.NotFound { // it may be fetching, too
		wait = firstRefresh / 2
	}
	v[peer.ID] = verdict{peer, err, fails + 1, now.Add(min(wait<<min(fails, 8), 30*time.Second))}
}

func (v verdicts) skip(k moot.Key, now time.Time) bool { return now.Before(v[k].again) }

// nobody words why a blob cannot be had, from what became of those who were asked.
func (n *Node) nobody(id moot.BlobID, v verdicts) error {
	lacking, lying := 0, 0
	var other *verdict
	for _, verdict := range v {
		switch moot.KindOf(verdict.err) {
		case moot.NotFound:
			lacking++
		case moot.Corrupt:
			lying++
		default:
			if other == nil || verdict.peer.Server {
				other = &verdict
			}
		}
	}
	if other != nil {
		if a, ok := n.cfg.Locator.Authority(); ok && a.Required {
			return at(other.peer, other.err)
		}
		return moot.Errorf(moot.Unavailable, "nobody reachable holds %s (%w)", id, at(other.peer, other.err))
	}
	switch {
	case lying > 0:
		return moot.Errorf(moot.Unavailable, "nobody reachable holds %s (%d refused for sending false bytes)", id, lying)
	case lacking > 0:
		return moot.Errorf(moot.NotFound, "none of the %d nodes asked holds %s", lacking, id)
	}
	return moot.Errorf(moot.Unavailable, "nobody reachable holds %s", id)
}

// at says in front of an error whom it came from.
func at(p moot.Peer, err error) error {
	who := cmp.Or(p.Name, p.ID.Short())
	if p.Server {
		who = "server"
	}
	return moot.Wrap(who, err)
}

// union sorts ranges and joins those that touch.
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
