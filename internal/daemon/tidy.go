package daemon

import (
	"context"
)

// tidyLoop forgets what does not count, whenever the members change, until ctx ends.
func (n *node) tidyLoop(ctx context.Context) {
	for {
		select {
		case <-n.changed:
			n.tidy(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// tidy forgets what revoked members, and people who turn out not to be members, have
// said beyond what counts, so that all nodes come to the same view.
func (n *node) tidy(ctx context.Context) {
	vector, err := n.store.Vector(ctx)
	if err != nil {
		return
	}
	for author, seq := range vector {
		last, limited := n.roster.Limit(author)
		if !limited || seq <= last {
			continue
		}
		dropped, err := n.store.Retract(ctx, author, last)
		n.log.Info("forgot what a revoked member said too late", "member", author, "entries", dropped, "error", err)
	}
}

// membersChanged is called whenever an entry about members was stored.
func (n *node) membersChanged() {
	n.cutStrangers()
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

// heard notes that this home has learned from others what it may have said before
// it was restored from a backup.
func (n *node) heard() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.settings.Restored {
		return
	}
	n.settings.Restored = false
	if err := n.save(); err != nil {
		n.log.Error("settings", "error", err)
	}
}

func (n *node) isRestored() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.settings.Restored
}
