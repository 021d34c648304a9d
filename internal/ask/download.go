package ask

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/swarm"
)

// download fetches one blob for all of its readers.
// It ends when the last of them leaves; what has arrived stays.
type download struct {
	node *Node
	id   moot.BlobID
	log  *slog.Logger
	ctx  context.Context //nolint:containedctx // ends when the last reader has left: a download outlives the calls that read it
	stop context.CancelFunc
	refs int // readers; guarded by node.mu

	ready    chan struct{} // closed when blob and part are set, or err
	ended    chan struct{} // closed when the download is over: err is final
	full     chan struct{} // closed when every group is held
	writeErr chan error    // of writing to part; buffered
	wg       sync.WaitGroup

	// Set before ready is closed, fixed then.
	blob moot.Blob
	part blob.Partial // nil if the blob was held here after all

	mu        sync.Mutex
	more      signal // a group arrived, or the download ended
	held      *blob.Set
	sched     *swarm.State
	readers   map[*reader]struct{}
	sources   map[moot.Key]*source
	cancels   map[uint64]context.CancelFunc // of requests in flight
	nodes     map[int64][32]byte            // verified nodes of the tree, by position; nil for large parts
	lastGroup time.Time                     // when the last group arrived or a reader joined
	seen      bool                          // some node had something of it
	outcomes  outcomes                      // of nodes that were of no use
	err       error                         // why it failed

	discovery // owned by run
}

// join returns the download of a blob, and counts a reader until leave.
func (n *Node) join(ctx context.Context, id moot.BlobID) *download {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := n.downloads[id]
	if d == nil {
		d = n.newDownload(ctx, id)
		n.downloads[id] = d
		go d.run()
	}
	d.refs++
	return d
}

func (n *Node) newDownload(ctx context.Context, id moot.BlobID) *download {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	return &download{
		node: n, id: id, ctx: ctx, stop: stop, log: n.cfg.Log.With("blob", id),
		ready: make(chan struct{}), ended: make(chan struct{}), full: make(chan struct{}), writeErr: make(chan error, 1),
		readers: map[*reader]struct{}{}, sources: map[moot.Key]*source{}, cancels: map[uint64]context.CancelFunc{},
		outcomes: outcomes{}, lastGroup: n.now(),
		discovery: discovery{probes: make(chan probe)},
	}
}

// leave ends a reader's use. The last one stops the download.
func (n *Node) leave(d *download) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if d.refs--; d.refs == 0 {
		n.drop(d)
		d.stop()
	}
}

// drop makes the next reader of the blob start a new download. The caller holds n.mu.
func (n *Node) drop(d *download) {
	if n.downloads[d.id] == d {
		delete(n.downloads, d.id)
	}
}

// run runs a download until its last reader has left.
func (d *download) run() {
	err := d.fetch()
	d.node.mu.Lock()
	d.node.drop(d)
	d.node.mu.Unlock()
	d.mu.Lock()
	d.err = err
	for k := range d.sources {
		d.removeSource(k)
	}
	d.more.wake()
	d.mu.Unlock()
	if !d.isReady() {
		close(d.ready)
	}
	close(d.ended)
	<-d.ctx.Done() // readers read from part
	d.wg.Wait()
	if d.part != nil {
		if err := d.part.Close(); err != nil {
			d.log.Warn("the state of a download was not saved", "err", err)
		}
	}
}

// fetch runs until every group is held and durable (nil), or checkGiveUp fails.
func (d *download) fetch() error {
	if err := d.resume(); err != nil || d.isReady() && d.part == nil { // nil: held here
		return err
	}
	if d.isFull() {
		return d.finish()
	}
	tick := time.NewTicker(tickTime)
	defer tick.Stop()
	d.search = d.node.find(d.ctx, d.id, d.eligible)
	for {
		var err error
		select {
		case <-d.full:
			return d.finish()
		case err = <-d.writeErr:
		case f, more := <-d.search:
			err = d.handleFound(f, more)
		case p := <-d.probes:
			err = d.finishProbe(p)
		case <-tick.C:
			err = d.review()
		case <-d.ctx.Done():
			if d.isFull() { // the last reader left with the last group
				return d.finish()
			}
			return d.ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// resume continues an earlier download, if there was one.
func (d *download) resume() error {
	h, err := d.node.cfg.Local.Have(d.ctx, d.id)
	switch {
	case moot.KindOf(err) == moot.NotFound:
		return nil
	case err != nil:
		return err
	case h.Complete():
		d.blob = moot.Blob{ID: d.id, Size: h.Size}
		close(d.ready)
		return nil
	}
	return d.begin(h.Size)
}

// begin opens the partial blob, for a size that has been verified.
func (d *download) begin(size int64) error {
	b := moot.Blob{ID: d.id, Size: size}
	part, err := d.node.cfg.Local.Fill(d.ctx, b)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.blob, d.part, d.held = b, part, part.Held()
	d.sched = swarm.New(swarm.Config{Groups: blob.Groups(size), Part: d.node.cfg.Part, Stall: d.node.cfg.Stall, Seed: seed()})
	if d.sched.Part() <= fineParts {
		d.nodes = map[int64][32]byte{}
	}
	for _, r := range d.held.Ranges() {
		d.sched.Held(groups(r, size))
	}
	if size == 0 && d.held.Complete() {
		d.sched.Held(swarm.Run{First: 0, Count: 1})
	}
	if d.held.Complete() {
		close(d.full)
	}
	close(d.ready)
	return nil
}

// finish makes the whole blob durable and findable.
func (d *download) finish() error {
	ctx := context.WithoutCancel(d.ctx)
	if err := d.part.Complete(ctx); err != nil {
		return err
	}
	d.node.announce(ctx, d.id)
	return nil
}

// arrived stores verified groups and notifies the scheduler and the readers. The error is
// of the store.
func (d *download) arrived(request uint64, g blob.Group) error {
	g.Nodes = d.newNodes(g.Nodes)
	if err := d.part.Write(g); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.nodes != nil {
		for _, n := range g.Nodes { // only now: a group is held together with the path to it
			d.nodes[n.Pos] = n.CV
		}
	}
	wasFull := d.held.Complete()
	d.lastGroup, d.seen = d.node.now(), true
	for i := range g.Count() {
		d.held.Add(g.Index + i)
		for _, id := range d.sched.Arrived(request, g.Index+i, d.lastGroup) {
			if cancel := d.cancels[id]; cancel != nil {
				cancel()
			}
			d.wakeAll()
		}
	}
	d.more.wake()
	if !wasFull && d.held.Complete() {
		close(d.full)
	}
	return nil
}

// fineParts is the largest part, in groups, for which proof prefixes are omitted: the
// proof of one group takes four percent of the bytes, that of many hardly anything.
const fineParts = 8

// newNodes returns the tree nodes that were not stored before.
func (d *download) newNodes(nodes []blob.Node) []blob.Node {
	if d.nodes == nil {
		return nodes
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(nodes, func(n blob.Node) bool {
		_, known := d.nodes[n.Pos]
		return known
	})
}

// prefix returns what is known of the beginning of a part's slice. The caller holds d.mu.
func (d *download) prefix(run swarm.Run) []byte {
	if d.nodes == nil {
		return nil
	}
	prefix, _ := blob.ProofPrefix(d.blob.Size, bytesOf(run, d.blob.Size), func(pos int64) (cv [32]byte, ok bool) {
		cv, ok = d.nodes[pos]
		return cv, ok
	})
	return prefix
}

func (d *download) isReady() bool { return closed(d.ready) }

func (d *download) isFull() bool { return closed(d.full) }

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// groups converts a range of bytes to the whole groups in it.
func groups(r moot.Range, size int64) swarm.Run {
	r = r.In(size)
	first := (r.Offset + blob.GroupSize - 1) / blob.GroupSize
	end := r.End() / blob.GroupSize
	if r.End() == size {
		end = blob.Groups(size)
	}
	return swarm.Run{First: first, Count: end - first}
}

// bytesOf converts groups to their bytes.
func bytesOf(run swarm.Run, size int64) moot.Range {
	return moot.Range{Offset: run.First * blob.GroupSize, Length: run.Count * blob.GroupSize}.In(size)
}
