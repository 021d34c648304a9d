package daemon

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
