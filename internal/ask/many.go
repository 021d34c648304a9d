package ask

import (
	"context"
	"encoding/binary"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

const (
	window      = 256                  // small blobs requested of one source at once
	windows     = 4                    // in flight
	gatherTime  = 5 * time.Millisecond // to learn of further sources before the first is chosen
	maxFailures = 2                    // of a source in one call before it is not asked again
)

// GetMany yields what is held here, and then fetches the rest in windows, several at once,
// each from one source; what that lacks is requested of the next. A source that sends false
// bytes is banned, one that stalls is passed over. Nothing is stored here. What no source has
// is left out; it is an error only if a required authority fails.
func (n *Node) GetMany(ctx context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	return func(yield func(moot.Small, error) bool) {
		lacking := make(map[moot.BlobID]bool, len(ids))
		for _, id := range ids {
			lacking[id] = true
		}
		for s, err := range n.cfg.Local.GetMany(ctx, ids) {
			if err != nil {
				yield(moot.Small{}, err)
				return
			}
			delete(lacking, s.ID)
			if !yield(s, nil) {
				return
			}
		}
		n.fetchMany(ctx, inOrder(ids, lacking), yield)
	}
}

// inOrder returns those of ids that are in the set, once each.
func inOrder(ids []moot.BlobID, set map[moot.BlobID]bool) (list []moot.BlobID) {
	seen := make(map[moot.BlobID]bool, len(set))
	for _, id := range ids {
		if set[id] && !seen[id] {
			seen[id] = true
			list = append(list, id)
		}
	}
	return list
}

// FetchMany stores small blobs here that are missing, and returns those of the list that
// could not be had, or have more than moot.MaxSmall bytes. Kinds as GetMany and PutMany;
// what was stored before an error stays.
func (n *Node) FetchMany(ctx context.Context, ids []moot.BlobID) (missing []moot.BlobID, err error) {
	held, err := n.cfg.Local.HaveMany(ctx, ids)
	if err != nil {
		return nil, err
	}
	lacking := map[moot.BlobID]bool{}
	for i, id := range ids {
		if !held[i] {
			lacking[id] = true
		}
	}
	into := batcher{node: n}
	n.fetchMany(ctx, inOrder(ids, lacking), func(s moot.Small, failed error) bool {
		if err = failed; err == nil {
			err = into.add(ctx, s)
			delete(lacking, s.ID)
		}
		return err == nil
	})
	if err == nil {
		err = into.flush(ctx)
	}
	return inOrder(ids, lacking), err
}

// Bounds of what is stored here at once.
const (
	batchBlobs = 1000
	batchBytes = 4 << 20
)

// batcher stores small blobs here, many with one flush.
type batcher struct {
	node     *Node
	contents [][]byte
	ids      []moot.BlobID
	size     int
}

func (b *batcher) add(ctx context.Context, s moot.Small) error {
	if len(b.ids) == batchBlobs || b.size+len(s.Data) > batchBytes {
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	b.contents, b.ids, b.size = append(b.contents, s.Data), append(b.ids, s.ID), b.size+len(s.Data)
	return nil
}

func (b *batcher) flush(ctx context.Context) error {
	if len(b.ids) == 0 {
		return nil
	}
	if _, err := b.node.cfg.Local.PutMany(ctx, b.contents); err != nil {
		return err
	}
	b.node.announceMany(ctx, b.ids)
	b.contents, b.ids, b.size = nil, nil, 0
	return nil
}

// bulk is one call that fetches small blobs.
type bulk struct {
	node *Node
	out  chan moot.Small

	mu    sync.Mutex
	ranks map[moot.Key]rank
}

// rank is what a source was worth in this call.
type rank struct {
	delivered bool
	failures  int
}

// fetchMany yields those blobs that other nodes have.
func (n *Node) fetchMany(ctx context.Context, ids []moot.BlobID, yield func(moot.Small, error) bool) {
	if len(ids) == 0 {
		return
	}
	ctx, stop := context.WithCancelCause(ctx)
	b := &bulk{node: n, out: make(chan moot.Small), ranks: map[moot.Key]rank{}}
	queue := make(chan []moot.BlobID, len(ids)/window+1)
	for some := range slices.Chunk(ids, window) {
		queue <- some
	}
	close(queue)
	var workers sync.WaitGroup
	for range min(windows, len(queue)) {
		workers.Go(func() {
			for some := range queue {
				if err := b.window(ctx, some); err != nil {
					stop(err)
				}
			}
		})
	}
	go func() {
		workers.Wait()
		close(b.out)
	}()
	defer func() { // no request goes on after the call
		stop(nil)
		for range b.out {
		}
	}()
	for s := range b.out {
		if !yield(s, nil) {
			return
		}
	}
	if err := context.Cause(ctx); err != nil {
		yield(moot.Small{}, err)
	}
}

// window fetches some blobs from one source after another. The error is of a required
// authority, or of ctx.
func (b *bulk) window(ctx context.Context, ids []moot.BlobID) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	search, cancel := context.WithTimeout(ctx, b.node.cfg.Discover)
	defer cancel()
	lacking := make(map[moot.BlobID]bool, len(ids))
	for _, id := range ids {
		lacking[id] = true
	}
	var failed error
	for peer := range b.sources(search, ids) {
		err := b.ask(ctx, peer, inOrder(ids, lacking), lacking)
		if len(lacking) == 0 || ctx.Err() != nil {
			return ctx.Err()
		}
		if a, ok := b.node.cfg.Locator.Authority(); err != nil && ok && a.Required && a.ID == peer.ID {
			failed = b.node.at(peer, err)
		}
	}
	return failed
}

// sources yields the nodes to ask for a window, each once. The first to be known are taken
// in an order that differs between receivers and windows, so that one source is not the
// first of all; those that delivered before come before others.
func (b *bulk) sources(ctx context.Context, ids []moot.BlobID) iter.Seq[moot.Peer] {
	return func(yield func(moot.Peer) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		found := b.node.locate(ctx, wanted(ids))
		first := gather(found)
		self, id := b.node.cfg.Self, ids[0]
		if turn := binary.LittleEndian.Uint32(self[:]) ^ binary.LittleEndian.Uint32(id[:]); len(first) > 1 {
			i := int(turn % uint32(len(first)))
			first = slices.Concat(first[i:], first[:i])
		}
		for _, want := range []bool{true, false} {
			for _, p := range first {
				if r := b.rank(p); r.delivered == want && !b.skip(p) && !yield(p) {
					return
				}
			}
		}
		for p := range found {
			if !b.skip(p) && !yield(p) {
				return
			}
		}
	}
}

// wanted returns the blob by which the holders of a window are looked for.
func wanted(ids []moot.BlobID) moot.BlobID {
	if i := slices.IndexFunc(ids, sampled); i >= 0 {
		return ids[i]
	}
	return ids[0]
}

// locate sends the nodes that the Locator names, each once, until ctx ends.
func (n *Node) locate(ctx context.Context, id moot.BlobID) <-chan moot.Peer {
	found := make(chan moot.Peer)
	go func() {
		defer close(found)
		seen := map[moot.Key]bool{n.cfg.Self: true}
		for p := range n.cfg.Locator.Locate(ctx, id) {
			if seen[p.ID] {
				continue
			}
			seen[p.ID] = true
			select {
			case found <- p:
			case <-ctx.Done():
				return
			}
			if len(seen) > maxQueried {
				return
			}
		}
	}()
	return found
}

// gather waits for the first node, and takes those that follow at once.
func gather(found <-chan moot.Peer) (list []moot.Peer) {
	p, more := <-found
	late := time.NewTimer(gatherTime)
	defer late.Stop()
	for more {
		list = append(list, p)
		select {
		case p, more = <-found:
		case <-late.C:
			return list
		}
	}
	return list
}

func (b *bulk) rank(p moot.Peer) rank {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ranks[p.ID]
}

// skip reports whether a node should not be asked again in this call.
func (b *bulk) skip(p moot.Peer) bool {
	return b.rank(p).failures >= maxFailures || b.node.bans.has(p.ID, b.node.now())
}

// ask fetches what one source has of ids, and takes it out of lacking.
func (b *bulk) ask(ctx context.Context, p moot.Peer, ids []moot.BlobID, lacking map[moot.BlobID]bool) error {
	n := b.node
	p = n.named(p)
	source, err := n.cfg.Dial(p)
	count := 0
	if err == nil {
		count, err = b.receive(ctx, source, ids, lacking)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	b.mu.Lock()
	r := b.ranks[p.ID]
	r.delivered = r.delivered || count > 0
	if err != nil && count == 0 {
		r.failures++
	}
	b.ranks[p.ID] = r
	b.mu.Unlock()
	switch moot.KindOf(err) {
	case "":
	case moot.Corrupt:
		n.cfg.Log.Warn("a dishonest source is banned", "key", p.ID, "name", p.Name, "for", n.cfg.BanFor, "error", err)
		n.bans.add(p.ID, n.now(), n.cfg.BanFor)
	default:
		n.cfg.Log.Debug("a source did not send small blobs", "key", p.ID, "name", p.Name, "error", err)
	}
	return err
}

// receive passes on what a source sends, and ends it when nothing comes for the stall
// timeout; this side's own time does not count.
func (b *bulk) receive(ctx context.Context, source moot.Node, ids []moot.BlobID, lacking map[moot.BlobID]bool) (count int, err error) {
	limit := b.node.cfg.Stall
	asking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stalled := time.AfterFunc(limit, func() { stop(moot.Errorf(moot.Unavailable, "no bytes for %v", limit)) })
	defer stalled.Stop()
	for s, err := range source.GetMany(asking, ids) {
		stalled.Stop()
		if err != nil {
			if cause := context.Cause(asking); cause != nil {
				err = cause
			}
			return count, err
		}
		if !lacking[s.ID] {
			return count, moot.Errorf(moot.Corrupt, "it sent a blob that was not requested")
		}
		delete(lacking, s.ID)
		count++
		select {
		case b.out <- s:
		case <-ctx.Done():
			return count, ctx.Err()
		}
		stalled.Reset(limit)
	}
	return count, context.Cause(asking)
}
