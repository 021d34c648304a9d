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
	for _, id := range r.done(limits) {
		r.finish(ctx, id)
	}
}

func (r *Relay) replicateOne(ctx context.Context, m *heldMessage) {
	if needed, err := r.hosted(ctx, m.envelope); err != nil || needed {
		return // an account here fetches it
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
		if m.held || m.firstSeen.After(newest) || r.cfg.Now().Sub(m.Time) >= limits.Age {
			continue
		}
		if limits.All || m.isReplica(r.cfg.Self, online, m.undelivered(r.cfg.Roster), limits.Copies) {
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

// done returns messages that need not be held any more: because they are older than the
// limit, or because the devices that lacked them act for nobody now.
func (r *Relay) done(limits Limits) (ids []moot.BlobID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, m := range r.pending {
		if m.held && r.cfg.Now().Sub(m.Time) >= limits.Age || len(m.undelivered(r.cfg.Roster)) == 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// needed reports whether a message's blob stays: a member here is a reader and has not
// removed it, or, on a node that holds all messages, any reader has not.
func (r *Relay) needed(ctx context.Context, id moot.BlobID) (bool, error) {
	list, err := r.envelopes(ctx, id)
	if err != nil || len(list) == 0 {
		return true, err // its announcement may still arrive
	}
	for _, env := range list {
		needed, err := r.hosted(ctx, env)
		if err == nil && !needed && r.cfg.Limits().All {
			needed, err = r.wanted(ctx, env)
		}
		if err != nil || needed {
			return true, err
		}
	}
	return false, nil
}

// wanted reports whether any reader has not removed a message; of a broadcast that is
// always so.
func (r *Relay) wanted(ctx context.Context, env envelope) (bool, error) {
	if len(env.To) == 0 && !env.Private {
		return true, nil
	}
	for _, member := range env.readers() {
		if who, ok := r.cfg.Roster.Member(member); !ok || who.Revoked {
			continue
		}
		if removed, err := r.removed(ctx, member, env.ID); err != nil || !removed {
			return true, err
		}
	}
	return false, nil
}

// hosted reports whether an account here is a reader's who has not removed the message.
func (r *Relay) hosted(ctx context.Context, env envelope) (bool, error) {
	readers := map[moot.MemberID]bool{}
	r.mu.Lock()
	for _, a := range r.accounts {
		readers[a.Member()] = env.readableBy(a.Member())
	}
	r.mu.Unlock()
	for member, reads := range readers {
		if !reads {
			continue
		}
		if removed, err := r.cfg.Index.Removed(ctx, member, env.ID); err != nil || !removed {
			return true, err
		}
	}
	return false, nil
}

// removed reports whether a member has deleted its filing of a message.
func (r *Relay) removed(ctx context.Context, member moot.MemberID, id moot.BlobID) (bool, error) {
	all, err := collect(ctx, r.cfg.Feeds, moot.Query{Kind: moot.KindReceipt, Key: filingKey(member, id), History: true})
	if err != nil {
		return false, err
	}
	list := heads(ownFilings(r.cfg.Roster, member, all))
	return len(list) > 0 && list[0].Deletes(), nil // the newest decides, as in joinFilings
}

// isReplica reports whether self is among the replicas of a message: of all online nodes
// but its author's and those that lack it for themselves, the ones with the lowest rank
// (rendezvous hashing, Thaler and Ravishankar 1998), which needs no agreement.
func (m *heldMessage) isReplica(self moot.Key, online, undelivered []moot.Key, copies int) bool {
	own, before := m.rank(self), 0
	for _, k := range online {
		if k != m.Device && k != self && !slices.Contains(undelivered, k) && bytes.Compare(m.rank(k), own) < 0 {
			before++
		}
	}
	return before < copies
}

func (m *heldMessage) rank(k moot.Key) []byte {
	sum := blake3.Sum256(append(m.ID[:], k[:]...))
	return sum[:]
}
