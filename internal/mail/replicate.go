package mail

import (
	"bytes"
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
)

// replicateLoop replicates after each announcement, and periodically as nodes come and go.
func (r *Relay) replicateLoop(ctx context.Context) {
	ticker := time.NewTicker(replicateInterval)
	defer ticker.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wakeup:
			timer.Reset(replicateDelay)
		case <-timer.C:
			r.replicate(ctx)
		case <-ticker.C:
			r.replicate(ctx)
		}
	}
}

// replicate fetches the undelivered messages that this node is a replica of, and drops
// expired ones.
func (r *Relay) replicate(ctx context.Context) {
	limits := r.cfg.Limits().withDefaults()
	online := r.cfg.Online()
	var workers errgroup.Group
	workers.SetLimit(maxFetches)
	for _, m := range r.due(limits, online) {
		workers.Go(func() error { r.replicateOne(ctx, m); return nil })
	}
	_ = workers.Wait() // they return no error
	for _, id := range r.expired(limits) {
		r.finish(ctx, id)
	}
}

func (r *Relay) replicateOne(ctx context.Context, m *heldMessage) {
	if needed, err := r.needed(ctx, m.ID); err != nil || needed {
		return
	}
	if !r.cfg.Have(ctx, m.ID) {
		if err := r.cfg.Fetch(ctx, m.ID); err != nil {
			r.cfg.Log.Debug("message not replicated yet", "message", m.ID, "error", err)
			return
		}
	}
	r.markHeld(ctx, m)
}

// markHeld counts a fetched message; one that was delivered meanwhile is dropped.
func (r *Relay) markHeld(ctx context.Context, m *heldMessage) {
	r.mu.Lock()
	still := r.pending[m.ID] == m
	if still && !m.held {
		m.held = true
		r.heldBytes += m.Size
	}
	r.mu.Unlock()
	if !still {
		r.Reclaim(ctx, m.ID)
	}
}

// due returns the messages to fetch, oldest first, within the limits.
func (r *Relay) due(limits Limits, online []moot.Key) (list []*heldMessage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	free := limits.Bytes - r.heldBytes
	newest := r.cfg.Now().Add(-replicateDelay)
	for _, m := range r.pending {
		if !m.held && !m.firstSeen.After(newest) && r.cfg.Now().Sub(m.Time) < limits.Age && (limits.All || m.isReplica(r.cfg.Self, online, limits.Copies)) {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b *heldMessage) int { return a.Time.Compare(b.Time) })
	if limits.All {
		return list
	}
	for i, m := range list {
		if free -= m.Size; free < 0 {
			r.cfg.Log.Warn("limit of messages held for others reached", "limit", limits.Bytes)
			return list[:i]
		}
	}
	return list
}

// expired returns held messages that are older than the limit.
func (r *Relay) expired(limits Limits) (ids []moot.BlobID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, m := range r.pending {
		if m.held && r.cfg.Now().Sub(m.Time) >= limits.Age {
			ids = append(ids, id)
		}
	}
	return ids
}

// isReplica reports whether self is among the replicas of a message: of all online nodes
// but its author, those with the lowest rank (rendezvous hashing, Thaler and Ravishankar
// 1998), which needs no agreement.
func (m *heldMessage) isReplica(self moot.Key, online []moot.Key, copies int) bool {
	own, before := m.rank(self), 0
	for _, k := range online {
		if k != m.Author && k != self && !slices.Contains(m.undelivered, k) && bytes.Compare(m.rank(k), own) < 0 {
			before++
		}
	}
	return before < copies
}

func (m *heldMessage) rank(k moot.Key) []byte {
	sum := blake3.Sum256(append(m.ID[:], k[:]...))
	return sum[:]
}
