package ask

import (
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/swarm"
)

const (
	tickTime      = 100 * time.Millisecond // between reviews of the sources
	hedge         = 500 * time.Millisecond // hedge delay: a probe may take so long before another node is tried
	maxCandidates = 32                     // nodes kept as candidates

	// Nodes that have just begun with the same blob hold something soon, so the first
	// searches follow one another quickly; the time between them doubles.
	firstRefresh = 100 * time.Millisecond
)

// discovery is what a download knows of nodes that are not its sources yet. Only the
// goroutine of run touches it.
type discovery struct {
	search     <-chan found           // results of the current search; nil if none
	next       time.Time              // when to search again
	searches   int                    // searches done
	candidates []found                // nodes that hold something
	added      map[moot.Key]time.Time // when each source was added
	probes     chan probe
	probing    int
	lastProbe  time.Time // when the last probe began
}

// eligible reports whether a node should be queried. It runs concurrently with run.
func (d *download) eligible(p moot.Peer) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sources[p.ID] == nil && !d.outcomes.skip(p.ID, d.node.now())
}

// handleFound handles a node's holding, or the end of a search.
func (d *download) handleFound(f found, more bool) error {
	now := d.node.now()
	switch {
	case !more:
		d.search, d.next = nil, now.Add(min(firstRefresh<<min(d.searches, 16), d.node.cfg.Refresh))
		d.searches++
		return d.checkGiveUp(now)
	case f.err != nil:
		d.reject(f.peer, f.err)
		return nil
	}
	if d.isReady() {
		d.consider(f)
		return nil
	}
	d.addCandidate(f)
	d.probeSize(now)
	return nil
}

// consider makes a node a source or a candidate. A size other than the verified one is a
// violation.
func (d *download) consider(f found) {
	if f.holding.Size != d.blob.Size {
		d.ban(f.peer, moot.Errorf(moot.Corrupt, "claims a size of %d bytes instead of %d", f.holding.Size, d.blob.Size))
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
	free := len(d.sources) < d.node.cfg.Sources
	if free || len(d.sources) < 2*d.node.cfg.Sources && d.sched.Brings(runs) {
		d.addSource(f, runs)
		if d.added == nil {
			d.added = map[moot.Key]time.Time{}
		}
		d.added[f.peer.ID] = d.node.now()
		return
	}
	d.addCandidate(f)
}

// addCandidate keeps a node as a candidate.
func (d *download) addCandidate(f found) {
	for i, s := range d.candidates {
		if s.peer.ID == f.peer.ID {
			d.candidates[i] = f
			return
		}
	}
	if len(d.candidates) < maxCandidates {
		d.candidates = append(d.candidates, f)
	}
}

// review replaces sources and searches for new ones.
func (d *download) review() error {
	now := d.node.now()
	if !d.isReady() {
		d.probeSize(now)
	} else {
		d.replaceSources(now)
	}
	if d.search == nil && !now.Before(d.next) && d.wanting() {
		d.search = d.node.find(d.ctx, d.id, d.eligible)
	}
	return d.checkGiveUp(now)
}

// replaceSources removes stalled and underperforming sources, and adds candidates.
func (d *download) replaceSources(now time.Time) {
	d.mu.Lock()
	stalled := d.sched.Stalled(now)
	slow := d.underperforming(now)
	d.mu.Unlock()
	for _, k := range stalled {
		d.reject(d.sourcePeer(k), moot.Errorf(moot.Unavailable, "no bytes for %v", d.node.cfg.Stall))
	}
	for _, k := range slow {
		d.reject(d.sourcePeer(k), moot.Errorf(moot.Unavailable, "underperforming"))
	}
	candidates := d.candidates
	d.candidates = nil
	for _, f := range candidates {
		d.consider(f)
	}
	d.mu.Lock()
	d.wakeAll()
	d.mu.Unlock()
}

// underperforming returns sources that a candidate could outperform: those without
// anything needed, and the slowest if it is below a quarter of the mean rate. A source
// without a rate counts after the stall timeout: faster sources complete its requests
// each time, so that it would never get a rate.
func (d *download) underperforming(now time.Time) (keys []moot.Key) {
	if len(d.candidates) == 0 || len(d.sources) < d.node.cfg.Sources || !d.sched.Wanting() {
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
		measured := rate > 0 || now.Sub(d.added[k]) >= d.node.cfg.Stall
		if measured && (slowest.IsZero() || rate < least) {
			slowest, least = k, rate
		}
	}
	if len(keys) == 0 && !slowest.IsZero() && least < sum/float64(len(d.sources))/4 {
		keys = append(keys, slowest)
	}
	return keys
}

// checkGiveUp fails the download when no source can still deliver: after the first
// search if no node has anything, later when no group has arrived for a while.
func (d *download) checkGiveUp(now time.Time) error {
	if d.search != nil || d.probing > 0 || !d.wanting() {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	idle := now.Sub(d.lastGroup)
	limit := d.node.cfg.Discover
	switch {
	case len(d.sources) > 0:
		limit *= 3
	case !d.seen:
		limit = 0
	}
	if idle < limit {
		return nil
	}
	return d.node.unavailable(d.outcomes)
}

// wanting reports whether any reader needs a group that is not held.
func (d *download) wanting() bool {
	if !d.isReady() {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sched.Wanting()
}

// reject records why a node is of no use now, and removes it as a source.
func (d *download) reject(p moot.Peer, err error) {
	if moot.KindOf(err) == moot.Corrupt {
		d.log.Info("a source is rejected", "key", p.ID, "name", p.Name, "error", err)
	} else {
		d.log.Debug("a source is removed", "key", p.ID, "name", p.Name, "error", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.removeSource(p.ID)
	d.outcomes.add(p, err, d.node.now())
}

// ban bans a node that has sent false bytes, or claimed a false size.
func (d *download) ban(p moot.Peer, err error) {
	d.log.Warn("a dishonest source is banned", "key", p.ID, "name", p.Name, "for", d.node.cfg.BanFor, "error", err)
	d.node.bans.add(p.ID, d.node.now(), d.node.cfg.BanFor)
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
