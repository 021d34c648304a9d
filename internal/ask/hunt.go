package ask

import (
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/swarm"
)

const (
	tickTime = 100 * time.Millisecond // between looks at the sources
	hedge    = 500 * time.Millisecond // a proof may take so long before another node is tried
	maxSpare = 32                     // nodes kept in reserve

	// Others who have just begun with the same blob hold something soon, so the first
	// searches follow one another quickly; the time between them doubles.
	firstRefresh = 100 * time.Millisecond
)

// hunt is what a download knows of nodes that are not its sources (yet). Only the
// goroutine of run touches it.
type hunt struct {
	round   <-chan found           // of the search that goes on; nil if none
	next    time.Time              // when to search again
	rounds  int                    // searches done
	spare   []found                // nodes that hold something, in reserve
	since   map[moot.Key]time.Time // when each source was hired
	proofs  chan proof
	proving int
	proved  time.Time // when a proof was last begun
}

// candidate reports whether a node is worth asking. It runs beside run.
func (d *download) candidate(p moot.Peer) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sources[p.ID] == nil && !d.verdicts.skip(p.ID, d.node.now())
}

// heard takes in a node's answer, or the end of a search.
func (d *download) heard(f found, more bool) error {
	now := d.node.now()
	switch {
	case !more:
		d.round, d.next = nil, now.Add(min(firstRefresh<<min(d.rounds, 16), d.node.cfg.Refresh))
		d.rounds++
		return d.hopeless(now)
	case f.err != nil:
		d.reject(f.peer, f.err)
		return nil
	}
	if d.isReady() {
		d.meet(f)
		return nil
	}
	d.reserve(f)
	d.prove(now)
	return nil
}

// meet makes a node a source, or keeps it in reserve, or neither if it is of no
// use now. A size other than the proven one is a lie.
func (d *download) meet(f found) {
	if f.holding.Size != d.blob.Size {
		d.convict(f.peer, moot.Errorf(moot.Corrupt, "claims a size of %d bytes instead of %d", f.holding.Size, d.blob.Size))
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	runs := runsOf(f.holding)
	if s := d.sources[f.peer.ID]; s != nil {
		d.sched.AddSource(f.peer.ID, runs)
		s.work.wake()
		return
	}
	room := len(d.sources) < d.node.cfg.Sources
	if room || len(d.sources) < 2*d.node.cfg.Sources && d.sched.Brings(runs) {
		d.hire(f, runs)
		if d.since == nil {
			d.since = map[moot.Key]time.Time{}
		}
		d.since[f.peer.ID] = d.node.now()
		return
	}
	d.reserve(f)
}

// reserve keeps a node for later.
func (d *download) reserve(f found) {
	for i, s := range d.spare {
		if s.peer.ID == f.peer.ID {
			d.spare[i] = f
			return
		}
	}
	if len(d.spare) < maxSpare {
		d.spare = append(d.spare, f)
	}
}

// sweep replaces sources that are of no use and searches for new ones.
func (d *download) sweep() error {
	now := d.node.now()
	if !d.isReady() {
		d.prove(now)
	} else {
		d.replace(now)
	}
	if d.round == nil && !now.Before(d.next) && d.wanting() {
		d.round = d.node.find(d.ctx, d.id, d.candidate)
	}
	return d.hopeless(now)
}

// replace dismisses the stalled, the useless and the much slower than others, and
// hires from the reserve.
func (d *download) replace(now time.Time) {
	d.mu.Lock()
	stalled := d.sched.Stalled(now)
	dull := d.dull(now)
	d.mu.Unlock()
	for _, k := range stalled {
		d.reject(d.sourcePeer(k), moot.Errorf(moot.Unavailable, "no bytes for %v", d.node.cfg.Stall))
	}
	for _, k := range dull {
		d.reject(d.sourcePeer(k), moot.Errorf(moot.Unavailable, "of little use"))
	}
	spare := d.spare
	d.spare = nil
	for _, f := range spare {
		d.meet(f)
	}
	d.mu.Lock()
	d.wakeAll()
	d.mu.Unlock()
}

// dull returns sources to be replaced because somebody better may be in reserve:
// those without anything needed, and the slowest if it is below a quarter of the
// mean. Who brings no group for a while is measured by that: others overtake it
// each time, so that it would never have a rate.
func (d *download) dull(now time.Time) (keys []moot.Key) {
	if len(d.spare) == 0 || len(d.sources) < d.node.cfg.Sources || !d.sched.Wanting() {
		return nil
	}
	var slowest moot.Key
	var sum, least float64
	for k := range d.sources {
		if d.sched.InFlight(k) == 0 && !d.sched.Useful(k) {
			keys = append(keys, k)
		}
		rate := d.sched.Rate(k)
		sum += rate
		measured := rate > 0 || now.Sub(d.since[k]) >= d.node.cfg.Stall
		if measured && (slowest.IsZero() || rate < least) {
			slowest, least = k, rate
		}
	}
	if len(keys) == 0 && !slowest.IsZero() && least < sum/float64(len(d.sources))/4 {
		keys = append(keys, slowest)
	}
	return keys
}

// hopeless returns an error once nobody is left to wait for: after the first
// search if nothing came at all, later when nothing has come for a while.
func (d *download) hopeless(now time.Time) error {
	if d.round != nil || d.proving > 0 || !d.wanting() {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	idle := now.Sub(d.progress)
	patience := d.node.cfg.Discover
	switch {
	case len(d.sources) > 0:
		patience *= 3
	case !d.hopeful:
		patience = 0
	}
	if idle < patience {
		return nil
	}
	return d.node.nobody(d.id, d.verdicts)
}

// wanting reports whether any reader waits for something that is not held.
func (d *download) wanting() bool {
	if !d.isReady() {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sched.Wanting()
}

// reject notes that a node is of no use now, and dismisses it as a source.
func (d *download) reject(p moot.Peer, err error) {
	if moot.KindOf(err) == moot.Corrupt {
		d.log.Info("a holder is refused", "key", p.ID, "name", p.Name, "error", err)
	} else {
		d.log.Debug("a source is of no use now", "key", p.ID, "name", p.Name, "error", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dismiss(p.ID)
	d.verdicts.add(p, err, d.node.now())
}

// convict bans a node that has sent false bytes, or claimed a false size.
func (d *download) convict(p moot.Peer, err error) {
	d.log.Warn("a source lies and is banned", "key", p.ID, "name", p.Name, "for", d.node.cfg.Ban, "error", err)
	d.node.bans.add(p.ID, d.node.now(), d.node.cfg.Ban)
	d.reject(p, err)
}

// runsOf returns the groups that a node holds.
func runsOf(h moot.Holding) []swarm.Run {
	if h.Complete() {
		return []swarm.Run{{First: 0, Count: blob.Groups(h.Size)}}
	}
	runs := make([]swarm.Run, 0, len(h.Ranges))
	for _, r := range h.Ranges {
		runs = append(runs, groups(r, h.Size))
	}
	return runs
}
