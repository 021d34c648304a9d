package node

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/ask"
	"github.com/mootspace/moot/internal/gossip"
	"github.com/mootspace/moot/internal/link"
)

// replicator keeps this node's entries in step with those of other nodes.
type replicator struct {
	network  *network
	local    moot.Feeds
	names    func(*moot.Entry) []moot.EntryID // what an entry names beside what it cites
	interval time.Duration
	// reached is called after entries were exchanged with another node.
	reached func(context.Context)
	// introduce has a node that does not know this device learn whose heir it is.
	introduce func(context.Context, moot.Peer) error
	log       *slog.Logger
}

// run pushes new entries and repairs what was missed, until ctx ends.
func (r *replicator) run(ctx context.Context) error {
	var among host.Host
	if h := r.network.Host(); h != nil {
		among = h.LibP2P()
	}
	return gossip.Run(ctx, gossip.Config{
		Host: among, Space: r.network.space, Self: r.network.self, Local: r.local, Names: r.names, Interval: r.interval,
		Neighbours: r.network.Connected, Servers: r.network.Servers, Key: link.KeyOf, Member: r.network.isMember,
		Dial: r.network.dial.Dial, Log: r.log,
		Reached: func(moot.Peer, int, int) { r.reached(ctx) },
	})
}

// Limits on what a one-shot session waits for.
const (
	pullTimeout  = 4 * time.Second  // for the latest entries
	flushTimeout = 30 * time.Second // until others have what it wrote
)

// pull connects with peers and exchanges entries with all nodes that can be reached, so
// that a one-shot session neither answers from the past nor finds no sources.
func (r *replicator) pull(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	var connecting sync.WaitGroup
	if h := r.network.Host(); h != nil {
		for _, p := range append(r.network.Servers(ctx), r.network.known...) {
			connecting.Go(func() {
				if err := h.Connect(ctx, p); err != nil {
					r.log.Debug("connect", "error", err)
				}
			})
		}
	}
	r.exchangeAll(ctx)
	connecting.Wait()
}

// flush hands others what was written here, before the node ends.
func (r *replicator) flush(ctx context.Context) {
	if r.exchangeAll(ctx) == 0 && len(r.network.others()) > 0 {
		r.log.Warn("nobody else has the change yet: it is safe here, and is passed on when this node runs and reaches somebody")
	}
}

// exchangeAll exchanges entries with all known nodes at once, and returns with how many
// that succeeded.
func (r *replicator) exchangeAll(ctx context.Context) (reached int) {
	partners := r.partners(ctx)
	results := make(chan error)
	for _, p := range partners {
		go func() { results <- r.exchange(ctx, p) }()
	}
	for range partners {
		if err := <-results; err != nil {
			level := slog.LevelDebug
			if moot.KindOf(err) == moot.Revoked { // nothing but people can mend it
				level = slog.LevelWarn
			}
			r.log.Log(ctx, level, "exchange entries", "error", err)
			continue
		}
		reached++
		r.reached(ctx)
	}
	return reached
}

// exchangeServer exchanges entries with the first of the space's servers that can be reached.
// Kind Unavailable if none can.
func (r *replicator) exchangeServer(ctx context.Context) (err error) {
	for _, p := range r.network.Servers(ctx) {
		if err = r.exchange(ctx, p); err == nil {
			r.reached(ctx)
			return nil
		}
	}
	return moot.Wrap("ask the server", ask.WithoutAddress(err))
}

// exchange exchanges entries with one node.
func (r *replicator) exchange(ctx context.Context, p moot.Peer) error {
	remote, err := r.network.dial.Dial(p)
	if err != nil {
		return err
	}
	if _, _, err = gossip.Reconcile(ctx, r.local, remote); moot.KindOf(err) != moot.Stranger && moot.KindOf(err) != moot.Unavailable {
		return err
	}
	if refused := r.introduce(ctx, p); refused != nil {
		return err
	}
	_, _, err = gossip.Reconcile(ctx, r.local, remote)
	return err
}

// partners returns every node with which entries can be exchanged, once.
func (r *replicator) partners(ctx context.Context) (list []moot.Peer) {
	all := r.network.Servers(ctx)
	if r.network.Host() != nil {
		all = append(all, r.network.known...)
		all = append(all, r.network.Connected()...)
	}
	seen := map[moot.Key]bool{r.network.self: true}
	for _, p := range all {
		if seen[p.ID] || !r.network.isMember(p.ID) && len(p.Addrs) == 0 {
			continue
		}
		seen[p.ID] = true
		list = append(list, p)
	}
	return list
}
