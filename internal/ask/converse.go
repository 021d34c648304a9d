package ask

import (
	"context"
	"io"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/swarm"
)

// conversation fetches from one source by a single long exchange.
type conversation struct {
	d     *download
	s     *source
	x     moot.Exchange
	asked map[int64]swarm.Request // by first group; guarded by d.mu
	buf   []byte
}

// joined is how many groups are written together at most.
const joined = 8

// converse talks with a source until it is dismissed, or of no use.
func (d *download) converse(ctx context.Context, s *source) {
	x, err := s.node.Exchange(ctx, d.id)
	if err != nil {
		if ctx.Err() == nil {
			d.reject(s.peer, err)
		}
		return
	}
	defer x.Close()
	defer context.AfterFunc(ctx, func() { x.Close() })()
	c := &conversation{d: d, s: s, x: x, asked: map[int64]swarm.Request{}}
	asking, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.keepAsking(asking)
	}()
	lie, err := c.listen()
	stop()
	x.Close()
	<-done
	switch {
	case ctx.Err() != nil: // it was dismissed
	case lie:
		d.convict(s.peer, err)
	default:
		d.reject(s.peer, err)
	}
}

// keepAsking hands the source requests whenever it has earned more.
func (c *conversation) keepAsking(ctx context.Context) {
	for ctx.Err() == nil {
		c.d.mu.Lock()
		work := c.s.work.wait()
		c.d.mu.Unlock()
		if c.ask() != nil {
			return // what broke is what listen hears, too
		}
		select {
		case <-work:
		case <-ctx.Done():
		}
	}
}

// ask hands the source one request after another, as many as it has earned.
func (c *conversation) ask() error {
	for {
		a, lead, ok := c.next()
		if !ok {
			return nil
		}
		if err := c.x.Request(bytesOf(a.Run, c.d.blob.Size), lead); err != nil {
			return err
		}
	}
}

// next returns what to ask for, and what is known of the way to it.
func (c *conversation) next() (a swarm.Request, lead []byte, ok bool) {
	d := c.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if a, ok = d.sched.Next(c.s.peer.ID, d.node.now()); ok {
		c.asked[a.Run.First] = a
		d.cancels[a.ID] = func() { c.cancel(a) }
		lead = d.lead(a.Run)
	}
	return a, lead, ok
}

// cancel takes a request back. The caller holds d.mu, so that telling the source is
// left to another goroutine.
func (c *conversation) cancel(a swarm.Request) {
	delete(c.d.cancels, a.ID)
	run := bytesOf(a.Run, c.d.blob.Size)
	c.d.crew.Go(func() { c.x.Cancel(run) })
}

// listen takes in what the source says. It returns why that ended, and whether the
// source has lied.
func (c *conversation) listen() (lie bool, err error) {
	d := c.d
	for {
		ev, err := c.x.Next()
		switch {
		case err != nil:
			return false, err
		case ev.Slice != nil:
			if lie, err := c.take(ev); err != nil {
				return lie, err
			}
			c.x.Ack()
			if err := c.ask(); err != nil {
				return false, err
			}
		case ev.Refused:
			c.over(ev.Part)
			if err := c.ask(); err != nil {
				return false, err
			}
		case ev.Size != d.blob.Size:
			return true, moot.Errorf(moot.Corrupt, "claims a size of %d bytes instead of %d", ev.Size, d.blob.Size)
		case ev.Queued:
			d.mu.Lock()
			d.sched.Queued(c.s.peer.ID, d.node.now())
			d.mu.Unlock()
		case len(ev.Held)+len(ev.Preferred) > 0 || ev.Throttled:
			c.learn(ev)
		}
	}
}

// learn takes in what the source has come to hold, and what it wishes to be rid of.
func (c *conversation) learn(ev moot.ExchangeEvent) {
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

// take verifies and keeps the groups of a part.
func (c *conversation) take(ev moot.ExchangeEvent) (lie bool, err error) {
	d := c.d
	run := groups(ev.Part, d.blob.Size)
	d.mu.Lock()
	a, known := c.asked[run.First]
	d.mu.Unlock()
	if !known || a.Run != run {
		return true, moot.Errorf(moot.Corrupt, "sent a part that nobody asked for")
	}
	link := &tap{r: ev.Slice, touch: func() { d.touch(a.ID) }}
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
			return true, moot.Errorf(moot.Corrupt, "sent a size of %d bytes instead of %d", size, d.blob.Size)
		}
		if err := d.arrived(a.ID, g); err != nil {
			select {
			case d.broke <- err:
			default:
			}
			return false, err
		}
	}
	c.over(ev.Part)
	return false, nil
}

// over ends a request, answered or not.
func (c *conversation) over(part moot.Range) {
	d := c.d
	d.mu.Lock()
	defer d.mu.Unlock()
	first := groups(part, d.blob.Size).First
	if a, ok := c.asked[first]; ok {
		delete(c.asked, first)
		delete(d.cancels, a.ID)
		if d.sched.Failed(a.ID, d.node.now()) { // not if it has brought everything
			d.wakeAll()
		}
	}
}
