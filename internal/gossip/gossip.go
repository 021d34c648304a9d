// Package gossip replicates feeds between nodes: it pushes new entries to all peers
// (gossipsub), and repairs gaps by comparing vectors with a few nodes, when they connect
// and at intervals (anti-entropy: Demers et al., PODC 1987). Servers take part in the
// repair like any other node.
//
// It must not know what entries mean or who is a member: entries are checked by the
// feeds that they are appended to, and peers by a function.
package gossip

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/mootspace/moot"
)

// DefaultInterval is the time between two repairs.
const DefaultInterval = 5 * time.Second

const (
	fanout = 3 // nodes that one repair compares with
	rounds = 6 // intervals within which any two nodes converge
)

// Bound is the time within which up to 64 nodes, connected with one another directly or
// through others, hold the same entries: with push and pull from three random nodes at
// each interval the number of nodes that lack an entry shrinks faster than by half (Karp
// et al., FOCS 2000), so that a few rounds suffice.
func Bound(interval time.Duration) time.Duration { return rounds * interval }

// Config configures Run.
type Config struct {
	Host       host.Host // nil: no pushing, and repair with the servers only
	Space      moot.SpaceID
	Self       moot.Key
	Local      moot.Feeds
	Neighbours func() []moot.Peer                    // members connected now
	Servers    func(context.Context) []moot.Peer     // of the space, other than this node
	Key        func(peer.ID) (moot.Key, error)       // the key behind a peer ID
	Member     func(moot.Key) bool                   // only members receive and send entries
	Dial       moot.Dialer                           //
	Names      func(*moot.Entry) []moot.EntryID      // what an entry's body names; may be nil
	Interval   time.Duration                         // 0: DefaultInterval
	Reached    func(p moot.Peer, pulled, pushed int) // after each repair; may be nil
	Log        *slog.Logger
}

// gossip is one node's part.
type gossip struct {
	Config
	seen     seen
	refused  refusals
	rejected refusals
	due      chan moot.Peer // nodes to compare with at once
	busy     sync.Map       // by moot.Key: nodes being compared with
	wg       sync.WaitGroup

	warned sync.Map // by moot.Key: nodes that a warning was about since the last repair
}

// Run takes part until ctx ends.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Interval <= 0 {
		cfg.Interval = DefaultInterval
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	g := &gossip{Config: cfg, due: make(chan moot.Peer, 64)}
	ctx, cancel := context.WithCancel(ctx)
	defer g.wg.Wait()
	defer cancel()
	if g.Host != nil {
		bundle := &network.NotifyBundle{ConnectedF: func(_ network.Network, c network.Conn) { g.connected(c.RemotePeer()) }}
		g.Host.Network().Notify(bundle)
		defer g.Host.Network().StopNotify(bundle)
		if err := g.push(ctx); err != nil {
			return err
		}
	}
	g.repair(ctx)
	return nil
}

// connected handles a new connection.
func (g *gossip) connected(id peer.ID) {
	if key, err := g.Key(id); err == nil && g.Member(key) {
		g.schedule(moot.Peer{ID: key})
	}
}

// schedule queues a node for comparison, unless the queue is full.
func (g *gossip) schedule(p moot.Peer) {
	select {
	case g.due <- p:
	default:
	}
}

// repair compares with nodes, when they connect and at intervals.
func (g *gossip) repair(ctx context.Context) {
	for _, p := range g.partners(ctx, 1<<10) {
		g.start(ctx, p)
	}
	for {
		wait := time.NewTimer(g.Interval*3/4 + rand.N(g.Interval/2)) // so that nodes do not act in step
		select {
		case p := <-g.due:
			g.start(ctx, p)
		case <-wait.C:
			for _, p := range g.partners(ctx, fanout) {
				g.start(ctx, p)
			}
		case <-ctx.Done():
			wait.Stop()
			return
		}
		wait.Stop()
	}
}

// partners returns all servers and a few random neighbours.
func (g *gossip) partners(ctx context.Context, n int) []moot.Peer {
	near := g.Neighbours()
	rand.Shuffle(len(near), func(i, j int) { near[i], near[j] = near[j], near[i] })
	return append(g.Servers(ctx), near[:min(n, len(near))]...)
}

// compareWithin bounds one comparison; what was exchanged by then stays.
const compareWithin = 5 * time.Minute

// start compares with a node, unless that is going on already.
func (g *gossip) start(ctx context.Context, p moot.Peer) {
	if _, busy := g.busy.LoadOrStore(p.ID, true); busy {
		return
	}
	g.wg.Go(func() {
		defer g.busy.Delete(p.ID)
		ctx, cancel := context.WithTimeout(ctx, compareWithin)
		defer cancel()
		node, err := g.Dial(p)
		if err != nil {
			g.Log.Debug("gossip: cannot dial", "peer", p.ID, "error", err)
			return
		}
		c := &comparison{local: g.Local, remote: node, known: &g.seen, refused: &g.refused, rejected: &g.rejected, names: namesOf(g.Names)}
		pulled, pushed, err := c.run(ctx)
		if err != nil {
			g.Log.Log(ctx, g.level(p, err), "gossip: repair", "peer", p.ID, "pulled", pulled, "pushed", pushed, "error", err)
			return
		}
		g.warned.Delete(p.ID)
		if pulled+pushed > 0 {
			g.Log.Debug("gossip: repaired", "peer", p.ID, "pulled", pulled, "pushed", pushed)
		}
		if g.Reached != nil {
			g.Reached(p, pulled, pushed)
		}
	})
}

// level is that of a repair's failure: a warning once if only a person can help, as
// with a node of another version or with another key.
func (g *gossip) level(p moot.Peer, err error) slog.Level {
	if moot.HintOf(err) != "" {
		if _, warned := g.warned.LoadOrStore(p.ID, true); !warned {
			return slog.LevelWarn
		}
	}
	return slog.LevelDebug
}
