package ask

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/swarm"
)

// source is a node that is fetched from.
type source struct {
	peer   moot.Peer
	node   moot.Node
	work   signal // there may be something to ask it for; guarded by download.mu
	cancel context.CancelFunc
}

// hire makes a node a source. The caller holds d.mu.
func (d *download) hire(f found, runs []swarm.Run) {
	ctx, cancel := context.WithCancel(d.ctx)
	s := &source{peer: f.peer, node: f.node, cancel: cancel}
	d.sources[f.peer.ID] = s
	d.sched.AddSource(f.peer.ID, runs)
	d.sched.Pipeline(f.peer.ID)
	d.crew.Go(func() { d.converse(ctx, s) })
}

// dismiss ends what a source was asked for. The caller holds d.mu.
func (d *download) dismiss(k moot.Key) {
	if s := d.sources[k]; s != nil {
		s.cancel()
		d.sched.RemoveSource(k)
		delete(d.sources, k)
		d.wakeAll()
	}
}

// wakeAll has every source's conversation look for something to ask. The caller holds
// d.mu.
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

// touch tells the scheduler that a source is alive.
func (d *download) touch(ask uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sched.Progress(ask, d.node.now())
}
