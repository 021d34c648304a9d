package node

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/rules"
)

// copies keeps as many copies of the files in force among members' devices as the space's
// rules ask for: this node fetches what it is to hold, and counts who holds what. What it
// holds of versions in force is never garbage, so a copy stays.
type copies struct {
	copiesConfig
	wakeup chan struct{} // room for one
	busy   chan struct{} // room for one: who checks

	mu    sync.Mutex // guards what follows
	seen  map[moot.Key]time.Time
	held  map[moot.Key]map[moot.BlobID]bool // who said that it holds what
	late  map[lateness]int                  // in how many checks a device lacked what it was to fetch
	begun time.Time                         // of the last full check
}

// lateness is of a device about a window.
type lateness struct {
	device moot.Key
	window window
}

type copiesConfig struct {
	self    moot.Key
	files   func(ctx context.Context, each func(heldFile)) error // in force
	changed func(ctx context.Context) <-chan struct{}            // signals when they may have changed
	rules   func(ctx context.Context) (rules.Rules, error)
	local   moot.Node                         // what this node holds
	fetch   func(context.Context, []heldFile) // brings what can be had to local
	devices func() []moot.Key                 // of members, but this one
	peers   func(ctx context.Context) []moot.Peer
	dial    func(moot.Peer) (moot.Node, error)
	space   func() int64           // bytes lent
	extra   func(moot.BlobID) bool // held here for another reason, so that it takes no lent space
	every   time.Duration          // between full checks
	repair  time.Duration          // away for longer, and a device does not count
	now     func() time.Time
	log     *slog.Logger
}

// heldFile is a file in force.
type heldFile struct {
	Path     string
	Blob     moot.Blob
	Manifest bool
	Window   window
	Own      bool // this device wrote it
}

// Limits of the checks.
const (
	lateChecks  = 3 // so often a device may lack what it is to fetch before the next one does
	copiesPoll  = 15 * time.Second
	copiesDelay = time.Second // after a change: others come with it
)

func newCopies(cfg copiesConfig) *copies {
	return &copies{
		copiesConfig: cfg, wakeup: make(chan struct{}, 1), busy: make(chan struct{}, 1),
		seen: map[moot.Key]time.Time{}, held: map[moot.Key]map[moot.BlobID]bool{}, late: map[lateness]int{},
	}
}

// wake has the next check come soon.
func (c *copies) wake() {
	select {
	case c.wakeup <- struct{}{}:
	default:
	}
}

// run checks now and then, and when files, members or connections change, until ctx ends.
func (c *copies) run(ctx context.Context) {
	poll := time.NewTicker(min(copiesPoll, c.every))
	defer poll.Stop()
	changed := c.changed(ctx)
	var online []moot.Key
	for {
		full := false
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-c.wakeup:
		case <-poll.C:
			now := keysOf(c.peers(ctx))
			full = c.overdue()
			if !full && slices.Equal(now, online) {
				c.notice(now)
				continue
			}
			online = now
		}
		select {
		case <-time.After(min(copiesDelay, c.every)):
		case <-ctx.Done():
			return
		}
		if err := c.check(ctx, full); err != nil && ctx.Err() == nil {
			c.log.Warn("copies of files", "error", err)
		}
	}
}

// overdue reports whether it is time for a full check.
func (c *copies) overdue() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now().Sub(c.begun) >= c.every
}

func keysOf(peers []moot.Peer) (keys []moot.Key) {
	for _, p := range peers {
		keys = append(keys, p.ID)
	}
	slices.SortFunc(keys, func(a, b moot.Key) int { return slices.Compare(a[:], b[:]) })
	return keys
}

// notice remembers who is connected, and forgets who is a member's device no more or has
// been away for too long.
func (c *copies) notice(online []moot.Key) {
	devices := c.devices()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range online {
		c.seen[k] = c.now()
	}
	for k, last := range c.seen {
		if !slices.Contains(devices, k) || c.now().Sub(last) > c.repair {
			delete(c.seen, k)
			delete(c.held, k)
			maps.DeleteFunc(c.late, func(l lateness, _ int) bool { return l.device == k })
		}
	}
}

// check fetches what this node is to hold. A full one asks again also what others have
// said before.
func (c *copies) check(ctx context.Context, full bool) error {
	select {
	case c.busy <- struct{}{}:
		defer func() { <-c.busy }()
	case <-ctx.Done():
		return ctx.Err()
	}
	asked, err := c.rules(ctx)
	if err != nil || !asked.Copies() {
		return err
	}
	peers := c.peers(ctx)
	online := keysOf(peers)
	c.notice(online)
	if full {
		c.mu.Lock()
		c.begun = c.now()
		c.mu.Unlock()
	}
	near, err := c.near(ctx, asked, online)
	if err != nil {
		return err
	}
	if c.ask(ctx, peers, idsOf(near), full); ctx.Err() != nil {
		return ctx.Err()
	}
	due, err := c.due(ctx, asked, near, online, full)
	if err == nil && len(due) > 0 {
		c.fetch(ctx, due)
	}
	return err
}

// near returns the files that this node may be to hold: it stands among the first twice as
// many devices as there should be copies.
func (c *copies) near(ctx context.Context, asked rules.Rules, online []moot.Key) (near []heldFile, err error) {
	orders := map[window]int{}
	err = c.files(ctx, func(f heldFile) {
		k := asked.For(f.Path).Copies
		if k <= 1 {
			return
		}
		at, ok := orders[f.Window]
		if !ok {
			at = slices.Index(f.Window.ranked(c.candidates(online)), c.self)
			orders[f.Window] = at
		}
		if at < 2*k {
			near = append(near, f)
		}
	})
	return near, err
}

func (c *copies) candidates(online []moot.Key) []moot.Key {
	return append(slices.Clone(online), c.self)
}

func idsOf(list []heldFile) []moot.BlobID {
	ids := map[moot.BlobID]bool{}
	for _, f := range list {
		ids[f.Blob.ID] = true
	}
	return slices.Collect(maps.Keys(ids))
}

// due returns what this node is to fetch, within the space that it lends.
func (c *copies) due(ctx context.Context, asked rules.Rules, near []heldFile, online []moot.Key, full bool) (due []heldFile, err error) {
	own, err := c.holds(ctx, c.local, idsOf(near))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	used, orders, late := int64(0), map[window][]moot.Key{}, map[lateness]bool{}
	counted := map[moot.BlobID]bool{}
	for _, f := range near {
		order, ok := orders[f.Window]
		if !ok {
			order = f.Window.ranked(c.candidates(online))
			orders[f.Window] = order
		}
		k := asked.For(f.Path).Copies
		if own[f.Blob.ID] {
			if !f.Own && !counted[f.Blob.ID] && !c.extra(f.Blob.ID) {
				used += f.Blob.Size
			}
			counted[f.Blob.ID] = true
			continue
		}
		held := c.holders(f.Blob.ID)
		c.noteLate(f.Window, order, held, k, late)
		p := placement{c.self, order, func(d moot.Key) bool { return c.late[lateness{d, f.Window}] >= lateChecks }, k}
		if p.due(held) {
			due = append(due, f)
		}
	}
	if full {
		c.count(late)
	}
	return c.fitting(due, used), nil
}

// noteLate notes which devices before this one lack what they were to fetch.
func (c *copies) noteLate(w window, order, held []moot.Key, copies int, late map[lateness]bool) {
	for i, k := range order {
		if k == c.self || i >= 2*copies || len(held) >= copies {
			return
		}
		if !slices.Contains(held, k) {
			late[lateness{k, w}] = true
		}
	}
}

// count counts in how many full checks, one after the other, devices have been late.
func (c *copies) count(late map[lateness]bool) {
	maps.DeleteFunc(c.late, func(l lateness, _ int) bool { return !late[l] })
	for l := range late {
		c.late[l]++
	}
}

// fitting returns the files for which there is space, each blob once.
func (c *copies) fitting(due []heldFile, used int64) (list []heldFile) {
	lent, chosen := c.space(), map[moot.BlobID]bool{}
	for _, f := range due {
		size := max(f.Blob.Size, 0)
		if chosen[f.Blob.ID] || size > lent-used {
			continue
		}
		chosen[f.Blob.ID] = true
		used += size
		list = append(list, f)
	}
	return list
}

// holders returns the other devices that are known to hold a blob, c.mu held.
func (c *copies) holders(id moot.BlobID) (list []moot.Key) {
	for k, ids := range c.held {
		if ids[id] {
			list = append(list, k)
		}
	}
	return list
}

// Holders returns the other devices that are known to hold a blob.
func (c *copies) Holders(id moot.BlobID) []moot.Key {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.holders(id)
}

// ask asks devices what they hold of some blobs: again all of them, or those of which they
// have not said so. It returns who answered, and whether somebody might have with more time.
func (c *copies) ask(ctx context.Context, peers []moot.Peer, ids []moot.BlobID, again bool) (answered map[moot.Key]bool, slow bool) {
	answered = map[moot.Key]bool{}
	var mu sync.Mutex
	var asking errgroup.Group
	for _, p := range peers {
		asking.Go(func() error {
			holds, err := c.askOne(ctx, p, ids, again)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				slow = slow || ctx.Err() != nil
				c.log.Debug("a peer does not say what it holds", "peer", p.Name, "error", err)
				return nil
			}
			answered[p.ID] = true
			c.answered(p.ID, holds)
			return nil
		})
	}
	_ = asking.Wait() // none returns an error
	return answered, slow
}

func (c *copies) askOne(ctx context.Context, p moot.Peer, ids []moot.BlobID, again bool) (map[moot.BlobID]bool, error) {
	c.mu.Lock()
	known := c.held[p.ID]
	open := slices.DeleteFunc(slices.Clone(ids), func(id moot.BlobID) bool { return known[id] && !again })
	c.mu.Unlock()
	remote, err := c.dial(p)
	if err != nil {
		return nil, err
	}
	return c.holds(ctx, remote, open)
}

// answered takes in what a device said.
func (c *copies) answered(device moot.Key, holds map[moot.BlobID]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[device] = c.now()
	if c.held[device] == nil {
		c.held[device] = map[moot.BlobID]bool{}
	}
	for id, ok := range holds {
		if ok {
			c.held[device][id] = true
		} else {
			delete(c.held[device], id)
		}
	}
}

// holds asks a node which of some blobs it holds.
func (c *copies) holds(ctx context.Context, node moot.Node, ids []moot.BlobID) (map[moot.BlobID]bool, error) {
	holds := make(map[moot.BlobID]bool, len(ids))
	for part := range slices.Chunk(ids, moot.MaxMany) {
		have, err := node.HaveMany(ctx, part)
		if err != nil {
			return nil, err
		}
		if len(have) != len(part) {
			return nil, moot.Errorf(moot.Corrupt, "%d answers about %d blobs", len(have), len(part))
		}
		for i, id := range part {
			holds[id] = have[i]
		}
	}
	return holds, nil
}
