package ask

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/swarm"
)

// source is a node that is fetched from.
type source struct {
	peer     moot.Peer
	node     moot.Node
	complete bool   // it has the whole blob
	talks    bool   // it tells of itself what it comes to hold
	work     signal // there may be something to ask it for; guarded by download.mu
	cancel   context.CancelFunc
}

// maxFails is how many requests in a row may fail before a source is dismissed.
const maxFails = 4

// hire makes a node a source. The caller holds d.mu.
func (d *download) hire(f found, runs []swarm.Run) {
	ctx, cancel := context.WithCancel(d.ctx)
	s := &source{peer: f.peer, node: f.node, complete: f.holding.Complete(), cancel: cancel}
	d.sources[f.peer.ID] = s
	d.sched.AddSource(f.peer.ID, runs)
	if ex, ok := f.node.(blob.Exchanger); ok {
		s.talks = true
		d.sched.Eager(f.peer.ID)
		d.crew.Go(func() { d.converse(ctx, s, ex) })
		return
	}
	for range d.node.cfg.Depth {
		d.crew.Go(func() { d.serve(ctx, s) })
	}
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

// await waits until there is something to ask of a source, and has begin told of it
// while d.mu is held. It returns false once the source is dismissed.
func (d *download) await(ctx context.Context, s *source, begin func(swarm.Ask)) (swarm.Ask, bool) {
	for ctx.Err() == nil {
		d.mu.Lock()
		a, ok := d.sched.Next(s.peer.ID, d.node.now())
		if ok {
			begin(a)
			d.mu.Unlock()
			return a, true
		}
		work := s.work.wait()
		d.mu.Unlock()
		select {
		case <-work:
		case <-ctx.Done():
		}
	}
	return swarm.Ask{}, false
}

// serve carries out one request to a source after another, until it is dismissed.
func (d *download) serve(ctx context.Context, s *source) {
	for {
		request, cancel := context.WithCancel(ctx)
		a, ok := d.await(ctx, s, func(a swarm.Ask) { d.cancels[a.ID] = cancel })
		if ok {
			d.request(request, s, a)
		}
		cancel()
		if !ok {
			return
		}
		d.mu.Lock()
		delete(d.cancels, a.ID)
		d.mu.Unlock()
	}
}

// request carries out one request and judges how it ended.
func (d *download) request(ctx context.Context, s *source, a swarm.Ask) {
	var kept error
	lie, err := verified(ctx, s.node, d.blob, bytesOf(a.Run, d.blob.Size), func() { d.touch(a.ID) },
		func(g blob.Group) error {
			if g.Index < a.Run.First || g.Index >= a.Run.End() {
				return nil // the slice of an empty range has a group, too
			}
			kept = d.arrived(a.ID, g)
			return kept
		})
	switch {
	case kept != nil:
		select {
		case d.broke <- kept:
		default:
		}
	case ctx.Err() != nil:
		err = nil // it was called off
	case err == nil:
	case lie:
		d.convict(s.peer, err)
		return
	case moot.KindOf(err) == moot.NotFound, moot.KindOf(err) == moot.Corrupt:
		d.reject(s.peer, err) // what it holds has changed
		return
	}
	d.settle(s, a, err)
}

// settle tells the scheduler that a request is over.
func (d *download) settle(s *source, a swarm.Ask, err error) {
	d.mu.Lock()
	d.sched.Failed(a.ID, d.node.now()) // unless it has brought everything
	fails := d.sched.Fails(s.peer.ID)
	d.wakeAll()
	d.mu.Unlock()
	if err != nil && fails >= maxFails {
		d.reject(s.peer, err)
	}
}

// touch tells the scheduler that a source is alive.
func (d *download) touch(ask uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sched.Touch(ask, d.node.now())
}
