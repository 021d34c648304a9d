package daemon

import "github.com/mootspace/moot"

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

// ready reports why nothing may be said yet.
func (n *node) ready() error {
	if n.isRestored() {
		return moot.Errorf(moot.Unavailable, "this home was restored from a backup, and must hear from others what it has said since: run 'moot up' or 'moot serve' until a member's node is reached")
	}
	return nil
}
