package ask

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/swarm"
)

// source is a node from which a blob is fetched.
type source struct {
	peer   moot.Peer
	node   moot.Node
	work   signal // there may be a request to send; guarded by download.mu
	cancel context.CancelFunc
}

// addSource makes a node a source. The caller holds d.mu.
func (d *download) addSource(f found, runs []swarm.Run) {
	ctx, cancel := context.WithCancel(d.ctx)
	s := &source{peer: f.peer, node: f.node, cancel: cancel}
	d.sources[f.peer.ID] = s
	d.sched.AddSource(f.peer.ID, runs)
	d.sched.Pipeline(f.peer.ID)
	d.wg.Go(func() { d.streamFrom(ctx, s) })
}

// removeSource ends the requests to a source. The caller holds d.mu.
func (d *download) removeSource(k moot.Key) {
	if s := d.sources[k]; s != nil {
		s.cancel()
		d.sched.RemoveSource(k)
		delete(d.sources, k)
		d.wakeAll()
	}
}

// wakeAll makes every stream check for requests to send. The caller holds d.mu.
func (d *download) wakeAll() {
	for _, s := range d.sources {
		s.work.wake()
	}
}

func (d *download) sourcePeer(k moot.Key) moot.Peer {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.sources[k]; s != nil {
		return s.peer
	}
	return moot.Peer{ID: k}
}

// progressed reports to the scheduler that bytes have arrived.
func (d *download) progressed(request uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sched.Progress(request, d.node.now())
}
