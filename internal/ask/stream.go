package ask

import (
	"context"
	"io"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/swarm"
)

// streaming fetches from one source over one exchange.
type streaming struct {
	d        *download
	s        *source
	x        moot.Exchange
	requests map[int64]swarm.Request // by first group; guarded by d.mu
	buf      []byte
}

// joined is the largest number of groups written at once.
const joined = 8

// streamFrom fetches from a source until it is removed, or the exchange ends.
func (d *download) streamFrom(ctx context.Context, s *source) {
	x, err := s.node.Exchange(ctx, d.id)
	if err != nil {
		if ctx.Err() == nil {
			d.reject(s.peer, err)
		}
		return
	}
	defer x.Close()
	defer context.AfterFunc(ctx, func() { x.Close() })()
	c := &streaming{d: d, s: s, x: x, requests: map[int64]swarm.Request{}}
	asking, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.keepRequesting(asking)
	}()
	violation, err := c.receive()
	stop()
	_ = x.Close() // the error that ended it is in err
	<-done
	switch {
	case ctx.Err() != nil: // it was removed
	case violation:
		d.ban(s.peer, err)
	default:
		d.reject(s.peer, err)
	}
}

// keepRequesting sends requests whenever the scheduler may have more.
func (c *streaming) keepRequesting(ctx context.Context) {
	for ctx.Err() == nil {
		c.d.mu.Lock()
		work := c.s.work.wait()
		c.d.mu.Unlock()
		if c.request() != nil {
			return // receive gets the same error
		}
		select {
		case <-work:
		case <-ctx.Done():
		}
	}
}

// request sends all requests that the scheduler has for the source now.
func (c *streaming) request() error {
	for {
		a, prefix, ok := c.next()
		if !ok {
			return nil
		}
		if err := c.x.Request(bytesOf(a.Run, c.d.blob.Size), prefix); err != nil {
			return err
		}
	}
}

// next returns the next request and its proof prefix.
func (c *streaming) next() (a swarm.Request, prefix []byte, ok bool) {
	d := c.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if a, ok = d.sched.Next(c.s.peer.ID, d.node.now()); ok {
		c.requests[a.Run.First] = a
		d.cancels[a.ID] = func() { c.cancel(a) }
		prefix = d.prefix(a.Run)
	}
	return a, prefix, ok
}

// cancel cancels a request. The caller holds d.mu, so that another goroutine sends it.
func (c *streaming) cancel(a swarm.Request) {
	delete(c.d.cancels, a.ID)
	run := bytesOf(a.Run, c.d.blob.Size)
	c.d.wg.Go(func() { _ = c.x.Cancel(run) }) // fails only with the exchange, whose end Next reports
}

// receive handles the events of the source. It returns the error that ended them, and
// whether it is a violation.
func (c *streaming) receive() (violation bool, err error) {
	d := c.d
	for {
		ev, err := c.x.Next()
		switch {
		case err != nil:
			return false, err
		case ev.Slice != nil:
			if violation, err := c.take(ev); err != nil {
				return violation, err
			}
			c.x.Ack()
			if err := c.request(); err != nil {
				return false, err
			}
		case ev.Refused:
			c.complete(ev.Part)
			if err := c.request(); err != nil {
				return false, err
			}
		case ev.Size != d.blob.Size:
			return true, moot.Errorf(moot.Corrupt, "it claims a size of %d bytes instead of %d", ev.Size, d.blob.Size)
		case ev.Queued:
			d.mu.Lock()
			d.sched.Queued(c.s.peer.ID, d.node.now())
			d.mu.Unlock()
		case len(ev.Held)+len(ev.Preferred) > 0 || ev.Throttled:
			c.learn(ev)
		}
	}
}

// learn updates what the source holds, prefers to send, and whether it throttles.
func (c *streaming) learn(ev moot.ExchangeEvent) {
	d := c.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sources[c.s.peer.ID] != c.s {
		return
	}
	for _, r := range ev.Held {
		d.sched.Gained(c.s.peer.ID, groups(r, d.blob.Size))
	}
	for _, r := range ev.Preferred {
		d.sched.Prefer(c.s.peer.ID, groups(r, d.blob.Size))
	}
	if ev.Throttled {
		d.sched.Throttle(c.s.peer.ID)
	}
	c.s.work.wake()
}

// take verifies and stores the groups of a part.
func (c *streaming) take(ev moot.ExchangeEvent) (violation bool, err error) {
	d := c.d
	run := groups(ev.Part, d.blob.Size)
	d.mu.Lock()
	a, known := c.requests[run.First]
	d.mu.Unlock()
	if !known || a.Run != run {
		return true, moot.Errorf(moot.Corrupt, "it sent a part that was not requested")
	}
	link := &tap{r: ev.Slice, progressed: func() { d.progressed(a.ID) }}
	dec := blob.NewDecoder(link, d.id, ev.Part)
	if c.buf == nil {
		c.buf = make([]byte, joined*blob.GroupSize)
	}
	for {
		g, err := dec.NextRun(c.buf)
		if err == io.EOF {
			break
		}
		if err != nil {
			return link.err == nil && moot.KindOf(err) == moot.Corrupt, err
		}
		if size, err := dec.Size(); err != nil || size != d.blob.Size {
			return true, moot.Errorf(moot.Corrupt, "it sent a size of %d bytes instead of %d", size, d.blob.Size)
		}
		if err := d.arrived(a.ID, g); err != nil {
			select {
			case d.writeErr <- err:
			default:
			}
			return false, err
		}
	}
	c.complete(ev.Part)
	return false, nil
}

// complete ends a request, fulfilled or not.
func (c *streaming) complete(part moot.Range) {
	d := c.d
	d.mu.Lock()
	defer d.mu.Unlock()
	first := groups(part, d.blob.Size).First
	if a, ok := c.requests[first]; ok {
		delete(c.requests, first)
		delete(d.cancels, a.ID)
		if d.sched.Failed(a.ID, d.node.now()) { // not if everything has arrived
			d.wakeAll()
		}
	}
}
