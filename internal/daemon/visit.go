package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/gossip"
)

const (
	freshenWithin = 4 * time.Second  // what a command waits for to know the latest
	sendWithin    = 30 * time.Second // what it waits for to tell others
)

// freshen connects with peers, and compares this home's catalogue with the servers and
// with peers that can be reached, so that a command without a running node neither
// answers from the past nor finds nobody to ask.
func (n *node) freshen(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, freshenWithin)
	defer cancel()
	var connecting sync.WaitGroup
	if n.host != nil {
		for _, p := range append(n.peers(), n.servers(ctx)...) {
			connecting.Go(func() {
				if err := n.host.Connect(ctx, p); err != nil {
					n.log.Debug("connect", "error", err)
				}
			})
		}
	}
	n.compareAll(ctx)
	connecting.Wait()
}

// sendOff tells others what this command has changed, before its node ends.
func (n *node) sendOff(ctx context.Context) {
	if n.signer.Wrote() == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendWithin)
	defer cancel()
	if n.compareAll(ctx) == 0 && len(n.memberKeys()) > 0 {
		n.log.Warn("nobody could be told of the change yet: it is safe here, and others learn of it when a node of this home runs ('moot up')")
	}
	n.upload(ctx)
}

// compareAll reconciles with everybody known at once, and returns with how many it
// worked.
func (n *node) compareAll(ctx context.Context) (reached int) {
	partners := n.servers(ctx)
	if n.host != nil {
		partners = append(partners, n.peers()...)
		partners = append(partners, n.neighbours()...)
	}
	results := make(chan error)
	asked := map[moot.Key]bool{n.self(): true}
	for _, p := range partners {
		if asked[p.ID] || !n.isMember(p.ID) && len(p.Addrs) == 0 {
			continue
		}
		asked[p.ID] = true
		go func() {
			remote, err := n.dial.Dial(p)
			if err == nil {
				_, _, err = gossip.Reconcile(ctx, n.store, remote)
			}
			results <- err
		}()
	}
	for range len(asked) - 1 {
		if err := <-results; err == nil {
			reached++
			n.heard()
		} else {
			n.log.Debug("compare", "error", err)
		}
	}
	return reached
}
